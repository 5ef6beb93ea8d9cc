"""Pictures that must not be divided between the parts of a split: which they are, and a drawn split mended for them.

Together stay the rows of one picture, near-copies, and what the user names: a group of the zip (a source or a fold), or
the folder or the beginning of the file name that pictures have in common, such as those of one patient.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.errors import SplitError

FOLDER, NAME, LAST, GROUP = "folder", "name", "last", "group"
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Common:
    """What pictures of one group have in common, as the user chose it: "folder 2", "name _", "last _" or "group"."""

    kind: str = ""  # of FOLDER, NAME, LAST, GROUP; "" for nothing
    level: int = 0  # of a folder, counted from the outermost
    mark: str = ""  # the name counts up to the first, or the last, one of these

    @classmethod
    def read(cls, text: str) -> Self:
        """The choice that `str` wrote.

        Raises:
            SplitError: It is none.
        """
        kind, _, rest = text.partition(" ")
        if not text:
            return cls()
        if kind == FOLDER and rest.isdecimal() and int(rest) > 0:
            return cls(FOLDER, level=int(rest))
        if text == GROUP:
            return cls(GROUP)
        if kind in (NAME, LAST) and rest:
            return cls(kind, mark=rest)
        raise SplitError("split.groups", received=text)

    def __str__(self) -> str:
        """As `read` understands it."""
        return f"{self.kind} {self.level or self.mark}".strip()

    def among(self, rows: pd.DataFrame) -> list[str | None]:
        """The group of each row of a manifest; None where it has nothing to go by."""
        if self.kind == GROUP:
            groups = rows.get("group", pd.Series([None] * len(rows)))
            return [None if pd.isna(group) else str(group) for group in groups]
        return [self.of(name) for name in rows["name"]]

    def of(self, name: str) -> str | None:
        """The same of one picture by its name in the zip."""
        *folders, file = name.split("/")
        if self.kind == FOLDER:
            return folders[self.level - 1] if len(folders) >= self.level else None
        if self.kind not in (NAME, LAST) or self.mark not in file:
            return None
        return (file.split(self.mark, 1) if self.kind == NAME else file.rsplit(self.mark, 1))[0]


def levels(names: Iterable[str]) -> int:
    """How many folders deep the names are at most."""
    return max((name.count("/") for name in names), default=0)


def units(rows: pd.DataFrame, columns: Sequence[str]) -> Places:
    """A number for each row, the same for rows that share a value of any column; an empty cell is shared with none."""
    numbers = np.arange(len(rows))
    shared = [codes for codes in (pd.factorize(rows[column])[0] for column in columns) if (codes >= 0).any()]
    while True:  # the smallest number of each value's rows spreads until nothing changes
        before = numbers.copy()
        for codes in shared:
            known = codes >= 0  # -1 for an empty cell
            least = np.full(int(np.max(codes)) + 1, len(rows))
            np.minimum.at(least, codes[known], numbers[known])
            numbers[known] = least[codes[known]]
        if (numbers == before).all():
            return np.asarray(np.unique(numbers, return_inverse=True)[1], np.int64)


class Mending:
    """A drawn split, changed by as few pictures as it takes until no unit is divided and each class has its numbers."""

    def __init__(self, labels: Places, unit_of: Places, parts: Places, targets: Places) -> None:
        """Of each row its class, unit and part; and how many rows of each class (row) each part (column) shall have."""
        entries, self._number = np.unique(unit_of * len(targets) + labels, return_counts=True)
        unit, self._label = np.divmod(entries, len(targets))  # sorted: each unit's classes, and its pictures of each
        self._start = np.searchsorted(unit, np.arange(int(np.max(unit_of)) + 1))
        self._size = np.bincount(unit_of)
        self._square = np.add.reduceat(self._number**2, self._start)
        self._drawn = np.zeros((len(self._size), targets.shape[1]), np.int64)
        np.add.at(self._drawn, (unit_of, parts), 1)
        self._unit_of = unit_of
        self._part = np.where((self._drawn > 0).sum(1) == 1, self._drawn.argmax(1), -1)
        self._targets = targets
        self._surplus = -targets.astype(np.int64)
        is_whole = self._part[unit] >= 0
        np.add.at(self._surplus, (self._label[is_whole], self._part[unit[is_whole]]), self._number[is_whole])

    @property
    def is_needed(self) -> bool:
        """Whether a unit is divided."""
        return bool((self._part < 0).any())

    @property
    def parts(self) -> Places:
        """The part of each row."""
        return self._part[self._unit_of]

    def run(self, random: np.random.Generator) -> None:
        """Choose a part for each divided unit, the largest first, then move others until the numbers fit."""
        order = random.permutation(len(self._part))
        for unit in sorted(order[self._part[order] < 0], key=lambda unit: -self._size[unit]):
            self._put(int(unit), self._chosen(int(unit), random))
        while (best := self._best_move(order)) is not None:
            self._move(*best)

    def missing(self) -> list[int]:
        """Classes that are not in every part, after the best was done for them."""
        counts = self._surplus + self._targets
        for label, part in zip(*np.nonzero((counts == 0) & (self._targets > 0)), strict=True):
            self._fill(int(label), int(part))
        counts = self._surplus + self._targets
        return sorted(set(np.nonzero((counts == 0) & (self._targets > 0))[0].tolist()))

    def _classes(self, unit: int) -> tuple[Places, Places]:
        """The classes of a unit, and its pictures of each."""
        end = self._start[unit + 1] if unit + 1 < len(self._start) else len(self._label)
        return self._label[self._start[unit] : end], self._number[self._start[unit] : end]

    def _count(self, unit: int, part: int, sign: int) -> None:
        classes, numbers = self._classes(unit)
        self._surplus[classes, part] += sign * numbers

    def _put(self, unit: int, part: int) -> None:
        self._part[unit] = part
        self._count(unit, part, 1)

    def _move(self, unit: int, part: int) -> None:
        self._count(unit, int(self._part[unit]), -1)
        self._put(unit, part)

    def _chosen(self, unit: int, random: np.random.Generator) -> int:
        """A part in which it has pictures and for which it is not too large, as likely as it has pictures there."""
        classes, numbers = self._classes(unit)
        room = -self._surplus[classes]
        fits = (room >= numbers[:, None]).all(0)
        weights = self._drawn[unit] * fits
        if weights.sum():
            return int(random.choice(len(weights), p=weights / weights.sum()))
        return int(np.argmax(np.min(room - numbers[:, None], axis=0)))

    def _best_move(self, order: Places) -> tuple[int, int] | None:
        """The unit and the part that bring the numbers nearest to what they shall be; None where no move does."""
        gains = self._gains()[order]
        place = int(np.argmax(gains))
        unit, part = divmod(place, gains.shape[1])
        return (int(order[unit]), part) if gains[unit, part] > 0 else None

    def _gains(self) -> npt.NDArray[np.int64]:
        """Half of what the sum of squared surpluses loses by each unit's move to each part, shape (units, parts)."""
        weighed = np.add.reduceat(self._number[:, None] * self._surplus[self._label], self._start, axis=0)
        here = np.take_along_axis(weighed, self._part[:, None], 1)
        gains = here - weighed - self._square[:, None]
        np.put_along_axis(gains, self._part[:, None], 0, 1)
        return np.asarray(gains, np.int64)

    def _fill(self, label: int, part: int) -> None:
        """Bring a class into a part that lacks it, without taking the last of a class out of another."""
        counts, gains = self._surplus + self._targets, self._gains()
        candidates = []
        for entry in np.flatnonzero(self._label == label):
            unit = int(np.searchsorted(self._start, entry, side="right")) - 1
            classes, numbers = self._classes(unit)
            if self._part[unit] != part and (counts[classes, self._part[unit]] > numbers).all():
                candidates.append((-gains[unit, part], unit))
        if candidates:
            self._move(min(candidates)[1], part)
