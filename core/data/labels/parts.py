"""Names of folders that are no classes: parts of a split, variants, containers, numbered families."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from core.data.labels import languages
from core.data.zips.names import loose, unaccented, words

TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")
UNLABELLED = "unlabelled"  # a part without answers: to predict, not to learn from
EVALUATION = "evaluation"  # validation in some data sets, in others the test
WORDS = {
    TRAIN: languages.TRAIN.union(words("train training trn")),
    VALIDATION: languages.VALIDATION.union(words("val valid validation validate dev devel development")),
    TEST: languages.TEST.union(words("test testing tests tst holdout")),
    EVALUATION: words("eval evaluation evaluate"),
    UNLABELLED: languages.UNLABELLED.union(
        words("pred predict prediction predictions inference infer unlabelled unlabeled unsorted submission")
    ),
}
PART_OF_WORD = {word: part for part, listed in WORDS.items() for word in listed}
# What stands beside such a word and says nothing.
FILLERS = frozenset(
    words(
        "set sets data dataset datasets image images img imgs pic pics picture pictures photo photos file"
        " files folder folders part split subset sample samples seg jpg jpeg png new single final small full resized"
        " labels label"
    )
).union(languages.FILLERS)
FILLING = re.compile(f"({'|'.join(sorted(FILLERS, key=len, reverse=True))})+")
LETTERS = re.compile(r"[^\W\d_]+")
TOKENS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_]+|[\W\d_]+")  # a name's words, and what is between them
# What stands beside it as a word of its own.
LITTLE = frozenset(words("to for the my our all of d l de des du la le les el los da do di das der die mit von"))
# Folders of one thing in several looks, or of what lies beside pictures.
VARIANTS = frozenset(
    words(
        "color colour colors colours gray grey grayscale greyscale rgb bw segmented segmentation original"
        " originals raw augmented augmentation aug cropped crop crops resized image images img imgs picture"
        " pictures photo photos mask masks label labels annotation annotations depth thermal infrared ir nir"
        " clean noisy day night left right front back top side indoor outdoor small large lowres highres"
        " thumbnails jpg jpeg png"
    )
)
# Beside pictures: where something is on them.
MASKS = frozenset(
    words(
        "mask masks segmentation segmentations segmented seg annotation annotations groundtruth gt ground truth label"
    )
) | {"labels"}
LOOKS = FILLERS.union(words("rgb color colour original originals raw class object instance input inputs"))
FOLDS = ("fold", "kfold", "cv", "crossvalidation")
CLASS_WORDS = ("class", "cls", "label", "category", "type", "kind", "grade", "stage", "level", "c")
NUMBERED = re.compile(r"^(.*?)[\s_\-.]*(?:\(?\d+\)?|(?<=[a-z0-9_\- ])[A-Z])$")
# What is filled one after the other, whatever it holds.
SHELLS = FILLERS.union(words("batch chunk disc disk volume vol zip archive download drive upload dir takeout backup z"))


def part_of(folder: str) -> str | None:
    """The part that a name says in full: "train", "Training Set", "seg_train", "val2017", but not "train_station"."""
    word = _word(folder)
    return word[0] if word and not word[1] else None


def split_of(folders: Iterable[str]) -> dict[str, str]:
    """Folder → part, where some of these are the parts of one split; nothing where they are none.

    A name may have more in it where others have the same: "flowers_train" beside "flowers_test".
    """
    words = {folder: word for folder in folders if (word := _word(folder))}
    beside: dict[tuple[str, ...], set[str]] = {}  # what else is in the name → parts
    for part, rest in words.values():
        beside.setdefault(rest, set()).add(part)
    own = {folder: part for folder, (part, rest) in words.items() if not rest or len(beside[rest]) > 1}
    if TRAIN not in own.values() or len(set(own.values())) < 2:
        return {}
    return settled(own)


def settled(own: Mapping[str, str]) -> dict[str, str]:
    """The same with evaluation as the test or the validation, whichever is not there."""
    held = set(own.values())
    evaluation = TEST if VALIDATION in held and TEST not in held else VALIDATION
    return {folder: evaluation if part == EVALUATION else part for folder, part in own.items()}


def crossed(folders: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Folder → part and class, where each name says both: cats_train, cats_test, dogs_train, dogs_test.

    A class may lack a part, but none lacks train, and half of them have all.
    """
    words = {folder: _word(folder) for folder in folders}
    pairs = {folder: (word[0], _without(folder, word[0])) for folder, word in words.items() if word and word[1]}
    if not len(pairs) == len(words) == len({*pairs.values()}):
        return {}
    parts_of: dict[str, set[str]] = defaultdict(set)
    for part, name in pairs.values():
        parts_of[name].add(part)
    held = {part for part, _ in pairs.values()}
    whole = sum(parts == held for parts in parts_of.values())
    is_crossed = len(held) > 1 and len(parts_of) > 1 and all(TRAIN in parts for parts in parts_of.values())
    return pairs if is_crossed and 2 * whole >= len(parts_of) else {}


def _without(folder: str, part: str) -> str:
    """A name without the word of its part, what says nothing, and the signs around them."""
    words = [(piece, unaccented(piece)) for piece in TOKENS.findall(folder)]
    left = [piece for piece, word in words if _part_of_token(word) != part and word not in FILLERS]
    return re.sub(r"([\s_\-.])[\s_\-.]+", r"\1", "".join(left)).strip(" _-.()")


def _word(folder: str) -> tuple[str, tuple[str, ...]] | None:
    """The part in a name, and what else is in it; None where it names none or two."""
    part, rest = None, []
    for token in LETTERS.findall(unaccented(re.sub(r"([a-z])([A-Z])", r"\1 \2", folder))):
        found = _part_of_token(token)
        if found and part and found != part:
            return None
        part = found or part
        if not found and token not in FILLERS | LITTLE:
            rest.append(token)
    return (part, tuple(rest)) if part else None


def _part_of_token(token: str) -> str | None:
    if token in PART_OF_WORD:
        return PART_OF_WORD[token]
    for word, part in PART_OF_WORD.items():
        if word not in token or (word.isascii() and (len(word) < 3 or not token.startswith(word))):
            continue
        if FILLING.fullmatch(token.replace(word, "", 1)):  # Chinese and Japanese have no signs between words
            return part
    return None


def are_variants(folders: Iterable[str]) -> bool:
    """Whether all of these say how a picture looks, or what lies beside it, and not what is on it."""
    tokens = [LETTERS.findall(folder.lower()) for folder in folders]
    return all(names and all(token in VARIANTS for token in names) for names in tokens)


def are_masks(folders: Iterable[str]) -> bool:
    """Whether these are pictures and what lies beside each of them for finding outlines, and so no classes."""
    words = [(is_mask(folder), is_look(folder)) for folder in folders]
    return any(mask for mask, _ in words) and all(mask or look for mask, look in words)


def is_mask(folder: str) -> bool:
    """Whether a name speaks of masks: "masks", "SegmentationClass", "ground_truth"."""
    tokens = _tokens(folder)
    return bool(tokens & MASKS) and tokens <= MASKS | LOOKS


def is_look(folder: str) -> bool:
    """Whether a name says that there are pictures in it, and no more: "images", "JPEGImages"."""
    return bool(tokens := _tokens(folder)) and tokens <= LOOKS


def _tokens(folder: str) -> set[str]:
    return {token.lower() for token in TOKENS.findall(folder) if token.isalpha()}


def are_numbered(folders: Iterable[str]) -> bool:
    """Whether these are one word with numbers, or letters: camera1, camera2; siteA, siteB."""
    listed = list(folders)
    found = [NUMBERED.match(folder) for folder in listed]
    stems = {loose(match[1]) if match else "" for match in found}
    return len(listed) > 1 and len(stems) == 1 and not stems & {"", *CLASS_WORDS}


def are_shells(folders: Iterable[str]) -> bool:
    """Whether these are the numbered pieces of one collection: part1, part2; images_001, images_002."""
    listed = list(folders)
    words = [[token for token in LETTERS.findall(folder.lower()) if len(token) > 1] for folder in listed]
    return are_numbered(listed) and all(tokens and tokens[-1] in SHELLS for tokens in words)


def are_folds(folders: Iterable[str]) -> bool:
    """Whether these are the folds of a cross-validation, in each of which every picture is in another part."""
    listed = list(folders)
    return are_numbered(listed) and any(token in FOLDS for token in LETTERS.findall(listed[0].lower()))
