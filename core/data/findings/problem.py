"""What is wrong with a user's data: what was found, by name; `core.words` says it, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from core.words.said import Said, is_said, say
from core.words.sentences import sentence


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
    said: Said  # a claim with the count; its remedy is the kind with REMEDY behind it
    found: tuple[str | Said, ...]  # names, some with what is to be said of them; whoever shows them cuts the list

    @property
    def title(self) -> str:
        """The claim."""
        return sentence(self.said)

    @property
    def remedy(self) -> str:
        """What to do."""
        return sentence(Said(f"{self.said.kind}{REMEDY}", self.said.values))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All of them as they are shown."""
        return tuple(each if isinstance(each, str) else sentence(each) for each in self.found)


REMEDY = ".remedy"
LINES = 20  # names of a problem that a terminal shows
SEVERITIES = {
    ProblemKind.TWO_LABELS: Severity.ERROR,
    ProblemKind.NEAR_TWO_LABELS: Severity.ERROR,
    ProblemKind.UNREADABLE: Severity.WARNING,
    ProblemKind.REFUSED: Severity.WARNING,
    ProblemKind.IN_TRAIN_AND_TEST: Severity.WARNING,
    ProblemKind.NEAR_IN_TRAIN_AND_TEST: Severity.WARNING,
    ProblemKind.ONE_PART_ONLY: Severity.WARNING,
    ProblemKind.SIMILAR_NAMES: Severity.WARNING,
    ProblemKind.TOO_FEW: Severity.WARNING,
    ProblemKind.IMBALANCE: Severity.WARNING,
    ProblemKind.BLANK: Severity.WARNING,
    ProblemKind.UNLABELLED: Severity.WARNING,
    ProblemKind.MISSING: Severity.WARNING,
    ProblemKind.HIDDEN: Severity.WARNING,
    ProblemKind.UNLABELLED_PART: Severity.NOTE,
    ProblemKind.READING: Severity.NOTE,
    ProblemKind.TABLE: Severity.NOTE,
    ProblemKind.CODE_PAGE: Severity.NOTE,
    ProblemKind.RESPELLED: Severity.NOTE,
    ProblemKind.MERGED: Severity.WARNING,
    ProblemKind.REPEATED: Severity.WARNING,
    ProblemKind.OPENED: Severity.NOTE,
    ProblemKind.DUPLICATE: Severity.NOTE,
    ProblemKind.NEAR: Severity.NOTE,
    ProblemKind.EMPTY_FOLDER: Severity.NOTE,
    ProblemKind.OWN_SPLIT: Severity.NOTE,
    ProblemKind.NOT_A_PICTURE: Severity.NOTE,
}


def parsed(stored: dict[str, Any]) -> Problem:
    """The problem that `dataclasses.asdict` made of one, after JSON; earlier versions have put it in words."""
    if "said" in stored:
        said, names = Said.read(stored["said"]), stored["found"]
    else:
        said, names = say("problem.earlier", title=stored["title"], remedy=stored["remedy"]), stored["names"]
    found = tuple(Said.read(each) if is_said(each) else str(each) for each in names)
    return Problem(ProblemKind(stored["kind"]), Severity(stored["severity"]), said, found)


def told(kind: ProblemKind, said: Said, names: Iterable[str | Said]) -> list[Problem]:
    """The problem of this kind in a sentence of its own."""
    return [Problem(kind, SEVERITIES[kind], said, tuple(names))]


def found(kind: ProblemKind, names: Iterable[str | Said]) -> list[Problem]:
    """The problem of this kind with these names, or nothing where there are none."""
    listed = tuple(names)
    said = say(f"problem.{kind.replace(' ', '-')}", n=len(listed))
    return told(kind, said, listed) if listed else []


def imbalance(counts: dict[str, int], *, limit: float) -> list[Problem]:
    """A warning where the largest class has more than `limit` times the pictures of the smallest."""
    largest, smallest = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    times = counts[largest] / counts[smallest]
    if times <= limit:
        return []
    names = [say("found.counted", name=label, n=counts[label]) for label in (largest, smallest)]
    return told(ProblemKind.IMBALANCE, say("problem.imbalance", times=times), names)


def lines(problem: Problem) -> list[str]:
    """A problem as plain text: title, the first names, remedy."""
    names = [f"  {name}" for name in problem.names[:LINES]]
    more = len(problem.names) - LINES
    return [f"{problem.title}.", *names, *([f"  and {more:,} more"] if more > 0 else []), f"  → {problem.remedy}"]
