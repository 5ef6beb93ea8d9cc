"""One way to understand the names in a zip: which picture has which label, in which part and group."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property

from core.data.findings.problem import Problem
from core.data.zips.archive import Entry
from core.words.said import Said

SAME = 0.95  # of the pictures, where two readings make the same classes of them


@dataclass(frozen=True)
class File:
    """A file of the zip."""

    entry: Entry
    parts: tuple[str, ...]  # below the folders that surround everything
    is_picture: bool = True

    @property
    def name(self) -> str:
        """Folders and file name."""
        return "/".join(self.parts)

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders alone."""
        return self.parts[:-1]


@dataclass(frozen=True)
class Label:
    """What a reading says of one picture."""

    label: str
    part: str | None = None  # of parts.PARTS, where the zip brings its own split
    group: str | None = None  # the variant, source or fold that it comes from


@dataclass(frozen=True)
class Reading:
    """One way to understand a zip."""

    key: str  # the same whenever the same zip is read
    title: Said  # what it takes for the classes, in a few words
    labels: dict[int, Label]  # by the entry's position
    problems: tuple[Problem, ...] = ()
    unlabelled: tuple[File, ...] = ()  # pictures of parts that have no answers
    named: frozenset[str] = field(default_factory=frozenset)  # tables that it has made use of

    @cached_property
    def classes(self) -> set[str]:
        """The different labels."""
        return {each.label for each in self.labels.values()}

    def says_what(self, other: "Reading") -> bool:
        """Whether both make the same classes of the same pictures, whatever these are called."""
        both = self.labels.keys() & other.labels.keys()
        partners: dict[str, Counter[str]] = defaultdict(Counter)
        for position in both:
            partners[self.labels[position].label][other.labels[position].label] += 1
        firsts = [counts.most_common(1)[0] for counts in partners.values()]
        is_one_to_one = len({name for name, _ in firsts}) == len(firsts)
        return is_one_to_one and 0 < SAME * len(self.labels) <= sum(times for _, times in firsts)
