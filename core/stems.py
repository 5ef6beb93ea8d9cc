"""File names that carry the label → a reading: cat.0.jpg, Abyssinian_12.jpg, n02085620_7.jpg, 0012-oak.png."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

from core import problem
from core.division import Folders, Place
from core.folders import labelled_reading, labels_by_part
from core.names import natural, words
from core.problem import ProblemKind
from core.reading import Label, Reading

FEWEST = 3  # pictures of each stem
SHARE = 5  # pictures of a stem, on average: what has fewer are names of single pictures
COPY = re.compile(r"[ _]*\(\d+\)$| - Copy$")
AFTER = re.compile(
    r"^(.*[^\W\d_].*?)[\s_\-.#(]+[\dx]+\)?$|^(.*[^\W\d_])\d+$"
)  # a number, behind a sign if there is one
BEFORE = re.compile(r"^\d+[\s_\-.]+(.*[^\W\d_].*)$")
# What cameras and programs put before a number says nothing of the picture.
PROGRAMS = frozenset(
    words(
        "img image images dsc dscn dscf dcim pic pict picture photo p pxl vid mov gopr mvi imag wp screenshot"
        " screen shot frame scan file sample train test val valid validation page fig figure untitled unnamed"
        " download snapshot"
    )
)


def readings(of: Folders) -> list[Reading]:
    """The reading by file names, where every name has such a stem and few stems cover all."""
    for pattern in (AFTER, BEFORE):
        stems = [stem_of(place, pattern) for place in of.learned]
        if are_labels(stems):
            return [_reading(of, pattern, {stem for stem in stems if stem})]
    return []


def stem_of(place: Place, pattern: re.Pattern[str]) -> str | None:
    """What a file's name says beside its number, or None where it has no such form."""
    name = PurePosixPath(place.file.parts[-1]).stem
    match = pattern.match(COPY.sub("", name).strip()) or pattern.match(name)
    return next((group.strip(" _-.#(") for group in match.groups() if group), None) if match else None


def are_labels(stems: Iterable[str | None]) -> bool:
    """Whether these are the names of few classes, and each picture has one."""
    counts = Counter(stems)
    words = {re.sub(r"[\W\d_]+", "", stem or "").casefold() for stem in counts}
    return (
        len(counts) > 1
        and None not in counts
        and not words & PROGRAMS
        and min(counts.values()) >= FEWEST
        and sum(counts.values()) >= SHARE * len(counts)
    )


def _reading(of: Folders, pattern: re.Pattern[str], known: set[str]) -> Reading:
    def label_of(place: Place) -> Label | None:
        stem = stem_of(place, pattern)
        return Label(stem) if stem else None

    reading = labelled_reading(
        of, "file names", "Beginnings of the file names", labels_by_part(of, label_of, known=known)
    )
    note = problem.told(
        ProblemKind.READING,
        f"Labels are taken from the file names: {problem.count(len(known), 'beginning')} cover all pictures",
        natural(known),
        "No folder holds a class, so this is a proposal. If it is wrong, sort the pictures into class folders.",
    )
    return Reading(reading.key, reading.title, reading.labels, (*note, *reading.problems), reading.unlabelled)
