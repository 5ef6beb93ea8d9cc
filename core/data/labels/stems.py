"""File names that carry the label → a reading: cat.0.jpg, Abyssinian_12.jpg, n02085620_7.jpg, 0012-oak.png."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from posixpath import splitext

from core.data.findings import problem
from core.data.findings.problem import Problem, ProblemKind
from core.data.labels import parts
from core.data.labels.division import Folders, Place
from core.data.labels.folders import labelled_reading, labels_by_part
from core.data.labels.parts import TRAIN
from core.data.labels.reading import Label, Reading
from core.data.zips.names import loose, words
from core.words.names import natural
from core.words.said import say

FEWEST = 3  # pictures of each stem
SHARE = 5  # pictures of a stem, on average: what has fewer are names of single pictures
COPY = re.compile(r"[ _]*\(\d+\)$| - Copy$")
EXPORT = re.compile(r"_(?:jpe?g|png|webp|bmp)\.rf\.[0-9a-zA-Z]+$")  # as Roboflow renames each picture
NUMBER = re.compile(
    r"(?<![\s_\-.#(])[\s_\-.#(]+(?:[\dx]+|(?=[a-f]*\d)[0-9a-f]{6,})\)?$"
)  # behind a sign; or a checksum
BEFORE = re.compile(r"^\d+[\s_\-.]+(.*[^\W\d_].*)$")
GLUED = re.compile(r"^\d+([^\W\d_]+)$")
AROUND = re.compile(r"^([^\W\d_]+(?:[\s_\-]+[^\W\d_]+)*)[\s_\-.#(]*\d")  # words, a number, whatever
Form = Callable[[str], str | None]  # a file's name without its ending → what it says beside its number, if it has such
# What cameras and programs put before a number says nothing of the picture.
PROGRAMS = frozenset(
    words(
        "img image images dsc dscn dscf dcim pic pict picture photo p pxl vid mov gopr mvi imag wp screenshot"
        " screen shot frame scan file sample train test val valid validation page fig figure untitled unnamed"
        " download snapshot wa whatsapp telegram signal received fb mmexport dji mvimg pano burst hdr edited copy"
    )
)
LETTERS = re.compile(r"[^\W\d_]+")


def readings(of: Folders) -> list[Reading]:
    """The reading by file names, where every name has such a stem and few stems cover all."""
    for form in (_after, _group(BEFORE), _group(GLUED), _group(AROUND)):
        found = (stem_of(place, form) for place in of.learned)
        stems = [stem for stem in takewhile(bool, found) if stem]
        if len(stems) == len(of.learned) and are_labels(stems):
            return [_reading(of, form, stems)]
    return []


def stem_of(place: Place, form: Form) -> str | None:
    """What a file's name says beside its number, or None where it has no such form."""
    name = EXPORT.sub("", splitext(place.file.parts[-1])[0])
    found = form(COPY.sub("", name).strip()) or form(name)
    return found.strip(" _-.#(") if found else None


def _after(name: str) -> str | None:
    """With a number at the end, behind a sign if there is one."""
    match = NUMBER.search(name)
    before = name[: match.start()] if match else name.rstrip("0123456789")
    return before if before != name and LETTERS.search(before if match else before[-1:]) else None


def _group(pattern: re.Pattern[str]) -> Form:
    return lambda name: match[1] if (match := pattern.match(name)) else None


def are_labels(stems: Sequence[str]) -> bool:
    """Whether these are the names of few classes."""
    counts = Counter(loose(stem) for stem in stems)
    return (
        len(counts) > 1
        and not any(_is_of_program(stem) for stem in {*stems})
        and min(counts.values()) >= FEWEST
        and sum(counts.values()) >= SHARE * len(counts)
    )


def _is_of_program(stem: str) -> bool:
    return {token.casefold() for token in LETTERS.findall(stem)} <= PROGRAMS


def _reading(of: Folders, form: Form, stems: Sequence[str]) -> Reading:
    labels, parted = _labels(stems)
    whole = _parted(of, form, parted)

    def label_of(place: Place) -> Label | None:
        stem = stem_of(place, form)
        return Label(labels.get(stem, stem)) if stem else None

    known = {*labels.values()}
    reading = labelled_reading(whole, "file names", say("way.file-names"), labels_by_part(whole, label_of, known=known))
    return replace(reading, problems=(*_told(labels, known), *reading.problems))


def _labels(stems: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Stem → label, of all spellings the commonest, without what a program put before it; and stem → part, if any."""
    crossed = parts.crossed({*stems})
    bare = {stem: crossed[stem][1] if crossed else stem for stem in stems}
    first = {LETTERS.findall(stem)[0].casefold() for stem in bare.values() if LETTERS.search(stem)}
    if len(first) == 1 and first <= PROGRAMS:  # IMG_cat, IMG_dog
        bare = {stem: re.sub(r"^[^\W\d_]+[\s_\-.]+", "", name) for stem, name in bare.items()}
    spelled: dict[str, Counter[str]] = defaultdict(Counter)
    for stem in stems:
        spelled[loose(bare[stem])][bare[stem]] += 1
    labels = {stem: spelled[loose(name)].most_common(1)[0][0] for stem, name in bare.items()}
    return labels, {stem: part for stem, (part, _) in crossed.items()}


def _parted(of: Folders, form: Form, parted: Mapping[str, str]) -> Folders:
    """The pictures by the parts that their names tell, where the folders tell none."""
    if not parted or of.folder_of:
        return of
    places: dict[str | None, list[Place]] = defaultdict(list)
    for place in of.learned:
        places[parted.get(stem_of(place, form) or "", TRAIN)].append(place)
    return Folders(dict(places), {part: [str(part)] for part in places}, of.outside)


def _told(labels: Mapping[str, str], known: set[str]) -> list[Problem]:
    note = problem.told(ProblemKind.READING, say("reading.by-file-names", n=len(known)), natural(known))
    respelled = sorted(
        f"{stem} = {label}" for stem, label in labels.items() if stem != label and loose(stem) == loose(label)
    )
    return [*note, *problem.found(ProblemKind.RESPELLED, respelled)]
