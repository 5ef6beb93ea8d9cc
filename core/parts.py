"""Names of folders that are no classes: parts of a split, variants, containers, numbered families."""

import re
from collections.abc import Iterable

from core.names import loose, words

TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")
UNLABELLED = "unlabelled"  # a part without answers: to predict, not to learn from
EVALUATION = "evaluation"  # validation in some data sets, in others the test
WORDS = {
    TRAIN: "train training trn",
    VALIDATION: "val valid validation validate dev devel development",
    TEST: "test testing tests tst holdout",
    EVALUATION: "eval evaluation evaluate",
    UNLABELLED: "pred predict prediction predictions inference infer unlabelled unlabeled submission",
}
PART_OF_WORD = {word: part for part, words in WORDS.items() for word in words.split()}
# What stands beside such a word and says nothing.
FILLERS = frozenset(
    words(
        "set sets data dataset datasets image images img imgs pic pics picture pictures photo photos file"
        " files folder folders part split subset sample samples seg jpg jpeg png new single final small full resized"
        " labels label"
    )
)
FILLING = re.compile(f"({'|'.join(sorted(FILLERS, key=len, reverse=True))})+")
LETTERS = re.compile(r"[a-z]+")
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
FOLDS = ("fold", "kfold", "cv", "crossvalidation")
CLASS_WORDS = ("class", "cls", "label", "category", "type", "kind", "grade", "stage", "level", "c")
NUMBERED = re.compile(r"^(.*?)[\s_\-.]*(?:\d+|(?<=[a-z0-9_\- ])[A-Z])$")


def part_of(folder: str) -> str | None:
    """The part that a name says in full: "train", "Training Set", "seg_train", "val2017", but not "train_station"."""
    word = _word(folder)
    return word[0] if word and not word[1] else None


def split_of(folders: Iterable[str]) -> dict[str, str]:
    """Folder → part, where some of these are the parts of one split; nothing where they are none.

    A name may have more in it where others have the same: "flowers_train" beside "flowers_test".
    """
    words = {folder: word for folder in folders if (word := _word(folder))}
    beside: dict[tuple[str, ...], set[str]] = {}
    for part, rest in words.values():
        beside.setdefault(rest, set()).add(part)
    own = {folder: part for folder, (part, rest) in words.items() if not rest or len(beside[rest]) > 1}
    if TRAIN not in own.values() or len(set(own.values())) < 2:
        return {}
    held = set(own.values())
    evaluation = TEST if VALIDATION in held and TEST not in held else VALIDATION
    return {folder: evaluation if part == EVALUATION else part for folder, part in own.items()}


def crossed(folders: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Folder → part and class, where each name says both: cats_train, cats_test, dogs_train, dogs_test."""
    words = {folder: _word(folder) for folder in folders}
    pairs = {folder: (word[0], " ".join(word[1])) for folder, word in words.items() if word and word[1]}
    names, held = {name for _, name in pairs.values()}, {part for part, _ in pairs.values()}
    is_whole = len(pairs) == len(words) == len({*pairs.values()}) == len(names) * len(held)
    return pairs if is_whole and TRAIN in held and len(held) > 1 and len(names) > 1 else {}


def _word(folder: str) -> tuple[str, tuple[str, ...]] | None:
    """The part in a name, and what else is in it; None where it names none or two."""
    part, rest = None, []
    for token in LETTERS.findall(re.sub(r"([a-z])([A-Z])", r"\1 \2", folder).lower()):
        found = _part_of_token(token)
        if found and part and found != part:
            return None
        part = found or part
        if not found and token not in FILLERS:
            rest.append(token)
    return (part, tuple(rest)) if part else None


def _part_of_token(token: str) -> str | None:
    if token in PART_OF_WORD:
        return PART_OF_WORD[token]
    for word, part in PART_OF_WORD.items():
        if token.startswith(word) and len(word) > 2 and FILLING.fullmatch(token[len(word) :]):
            return part
    return None


def are_variants(folders: Iterable[str]) -> bool:
    """Whether all of these say how a picture looks, or what lies beside it, and not what is on it."""
    tokens = [LETTERS.findall(folder.lower()) for folder in folders]
    return all(names and all(token in VARIANTS for token in names) for names in tokens)


def are_numbered(folders: Iterable[str]) -> bool:
    """Whether these are one word with numbers, or letters: camera1, camera2; siteA, siteB."""
    listed = list(folders)
    found = [NUMBERED.match(folder) for folder in listed]
    stems = {loose(match[1]) if match else "" for match in found}
    return len(listed) > 1 and len(stems) == 1 and not stems & {"", *CLASS_WORDS}


def are_folds(folders: Iterable[str]) -> bool:
    """Whether these are the folds of a cross-validation, in each of which every picture is in another part."""
    listed = list(folders)
    return are_numbered(listed) and any(token in FOLDS for token in LETTERS.findall(listed[0].lower()))
