"""What is wrong with a user's data, in sentences: what was found, by name, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a problem matters; the first is shown in red."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class ProblemKind(StrEnum):
    """What was found."""

    TWO_LABELS = "two labels"
    NEAR_TWO_LABELS = "near-copies under two labels"
    UNREADABLE = "unreadable"
    REFUSED = "refused"
    IN_TRAIN_AND_TEST = "in train and test"
    NEAR_IN_TRAIN_AND_TEST = "near-copies in train and test"
    ONE_PART_ONLY = "one part only"
    SIMILAR_NAMES = "similar names"
    TOO_FEW = "too few"
    IMBALANCE = "imbalance"
    BLANK = "blank"
    UNLABELLED = "unlabelled"
    MISSING = "missing"
    HIDDEN = "hidden"
    UNLABELLED_PART = "unlabelled part"
    READING = "reading"
    TABLE = "table"
    CODE_PAGE = "code page"
    RESPELLED = "respelled"
    MERGED = "merged"
    REPEATED = "repeated"
    OPENED = "opened"
    DUPLICATE = "duplicate"
    NEAR = "near-copies"
    EMPTY_FOLDER = "empty folder"
    OWN_SPLIT = "own split"
    NOT_A_PICTURE = "not a picture"


@dataclass(frozen=True)
class Problem:
    """One group of findings of the same kind."""

    kind: ProblemKind
    severity: Severity
    title: str  # a claim with the count
    names: tuple[str, ...]  # all of them; whoever shows them cuts the list
    remedy: str


ROWS = {
    ProblemKind.TWO_LABELS: (
        Severity.ERROR,
        "picture is there under two labels",
        "pictures are there under two labels",
        "Both labels are kept, always in one part of the split, so at least one of them is counted as a mistake. "
        "Delete the copy that lies in the wrong class.",
    ),
    ProblemKind.NEAR_TWO_LABELS: (
        Severity.ERROR,
        "pair of near-copies has two labels",
        "pairs of near-copies have two labels",
        "Look at each pair below. If both show the same, one label is wrong: delete that picture or move it.",
    ),
    ProblemKind.UNREADABLE: (
        Severity.WARNING,
        "picture cannot be read",
        "pictures cannot be read",
        "Left out. Save such a picture as JPEG or PNG and zip again.",
    ),
    ProblemKind.REFUSED: (
        Severity.WARNING,
        "entry of the zip was refused",
        "entries of the zip were refused",
        "Left out. Put plain picture files into the class folders and zip again.",
    ),
    ProblemKind.IN_TRAIN_AND_TEST: (
        Severity.WARNING,
        "picture is in more than one of the folders train, validation and test",
        "pictures are in more than one of the folders train, validation and test",
        "Each is kept in test, else in validation, and taken out of the others: "
        "a network must not be tested on what it has learned from.",
    ),
    ProblemKind.NEAR_IN_TRAIN_AND_TEST: (
        Severity.WARNING,
        "picture for training is a near-copy of one that is kept for validation or the test",
        "pictures for training are near-copies of some that are kept for validation or the test",
        "With them the test is easier than new pictures are. "
        "They can be left out of the training, below the split under Advanced.",
    ),
    ProblemKind.ONE_PART_ONLY: (
        Severity.WARNING,
        "class is not in every part of the zip's own split",
        "classes are not in every part of the zip's own split",
        "What train does not have cannot be learned and is left out; what another part does not have is not measured "
        "there. Add pictures, or name the folders alike in all parts.",
    ),
    ProblemKind.SIMILAR_NAMES: (
        Severity.WARNING,
        "group of classes differs only by capitals, spaces or joining signs",
        "groups of classes differ only by capitals, spaces or joining signs",
        "Each is a class of its own. If they are the same, give them one name and zip again.",
    ),
    ProblemKind.TOO_FEW: (
        Severity.WARNING,
        "class has fewer than 20 pictures",
        "classes have fewer than 20 pictures",
        "Add pictures if you can: what the report says about so few is little more than chance.",
    ),
    ProblemKind.BLANK: (
        Severity.WARNING,
        "picture is one colour all over",
        "pictures are one colour all over",
        "Kept. A network can learn nothing from it but its colour: look whether its file is what it should be.",
    ),
    ProblemKind.UNLABELLED: (
        Severity.WARNING,
        "picture has no label",
        "pictures have no label",
        "Left out. Move each into the folder of its class, or give it a row in the table of labels.",
    ),
    ProblemKind.MISSING: (
        Severity.WARNING,
        "row of the table names no picture of the zip",
        "rows of the table name no picture of the zip",
        "Left out. Write each name as in the zip, with its folder where two pictures have the same name.",
    ),
    ProblemKind.HIDDEN: (
        Severity.WARNING,
        "picture was skipped because a folder's name begins with a dot",
        "pictures were skipped because a folder's name begins with a dot",
        "Such folders are hidden ones of programs. If it is a class, rename it without the dot and zip again.",
    ),
    ProblemKind.RESPELLED: (
        Severity.NOTE,
        "class is written in two ways, and counts as one",
        "classes are written in two ways, and count as one each",
        "The names differ only by case, spaces or joining signs. Train's or the commoner one is kept. If they are two "
        "classes, rename one.",
    ),
    ProblemKind.MERGED: (
        Severity.WARNING,
        "folder was written in several ways and counts as one",
        "folders were written in several ways and count as one each",
        "The names differ by spaces at their ends or signs that cannot be seen. If they are two classes, rename one.",
    ),
    ProblemKind.REPEATED: (
        Severity.WARNING,
        "name is there more than once in the zip",
        "names are there more than once in the zip",
        "All are read. A program that unpacks the zip would keep the last one alone: look which of them is meant.",
    ),
    ProblemKind.OPENED: (
        Severity.NOTE,
        "zip inside the zip was opened, and stands for a folder",
        "zips inside the zip were opened, and stand for a folder each",
        "Nothing to do.",
    ),
    ProblemKind.DUPLICATE: (
        Severity.NOTE,
        "picture is there more than once in its class",
        "pictures are there more than once in their class",
        "Each counts once. Nothing to do.",
    ),
    ProblemKind.NEAR: (
        Severity.NOTE,
        "pair of near-copies within a class",
        "pairs of near-copies within a class",
        "Such as one picture in two sizes, or two frames of a burst. The split keeps them in one part, unless the "
        "zip's own parts divide them or that is switched off.",
    ),
    ProblemKind.EMPTY_FOLDER: (
        Severity.NOTE,
        "empty folder is no class",
        "empty folders are no classes",
        "Put pictures into it if it should be one.",
    ),
    ProblemKind.OWN_SPLIT: (
        Severity.NOTE,
        "part beside train is used as the test",
        "parts beside train are used as the test",
        "A part of train is taken for validation. Add a folder 'validation' to choose it yourself.",
    ),
    ProblemKind.NOT_A_PICTURE: (
        Severity.NOTE,
        "file that is no picture was left out",
        "files that are no pictures were left out",
        "Nothing to do.",
    ),
}


LINES = 20  # names of a problem that a terminal shows
SEVERITIES = {  # of problems whose sentences are written where they are found
    ProblemKind.UNLABELLED_PART: Severity.NOTE,
    ProblemKind.READING: Severity.NOTE,
    ProblemKind.TABLE: Severity.NOTE,
    ProblemKind.CODE_PAGE: Severity.NOTE,
}


def told(kind: ProblemKind, title: str, names: Iterable[str], remedy: str) -> list[Problem]:
    """The problem of this kind in a sentence of its own."""
    return [Problem(kind, SEVERITIES[kind], title, tuple(names), remedy)]


def parsed(said: dict[str, Any]) -> Problem:
    """The problem that `dataclasses.asdict` made of one, after JSON."""
    return Problem(
        ProblemKind(said["kind"]), Severity(said["severity"]), said["title"], tuple(said["names"]), said["remedy"]
    )


def found(kind: ProblemKind, names: Iterable[str]) -> list[Problem]:
    """The problem of this kind with these names, or nothing where there are none."""
    listed = tuple(names)
    severity, one, more, remedy = ROWS[kind]
    title = f"{len(listed):,} {one if len(listed) == 1 else more}"
    return [Problem(kind, severity, title, listed, remedy)] if listed else []


def imbalance(counts: dict[str, int], *, limit: float) -> list[Problem]:
    """A warning where the largest class has more than `limit` times the pictures of the smallest."""
    largest, smallest = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    times = counts[largest] / counts[smallest]
    if times <= limit:
        return []
    title = f"The largest class has {times:.1f} times as many pictures as the smallest"
    names = tuple(f"{label}: {counts[label]:,}" for label in (largest, smallest))
    remedy = "Add pictures to small classes, or switch on class weights when you configure the training."
    return [Problem(ProblemKind.IMBALANCE, Severity.WARNING, title, names, remedy)]


def lines(problem: Problem) -> list[str]:
    """A problem as plain text: title, the first names, remedy."""
    names = [f"  {name}" for name in problem.names[:LINES]]
    more = len(problem.names) - LINES
    return [f"{problem.title}.", *names, *([f"  and {more:,} more"] if more > 0 else []), f"  → {problem.remedy}"]
