"""For how long things were not changed, counted from one look to the next by what no clock moves.

The wall clock may be stepped by a year, and what it says of a file's last change is then a year off. So the looks of
the consumer are noted, with what each saw: a thing that still has the same mark is older by as long as the host was up
since the last look.

ages.json   {"boot", "up", "clock": when the last look was, "things": {path: [mark, seconds]}}
"""

import time
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from core import identity
from core.disk import home, record
from core.disk.files import write_json
from core.errors import DamagedError
from core.settings import DAY_SECONDS

MOST_UNSEEN_SECONDS = DAY_SECONDS / 2  # for which the host was off at most: only the wall clock could know, or not
UP = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the one of Linux runs while the host sleeps as well

Age = Callable[[Path], float]  # seconds since a file, or a directory and what lies directly in it, was changed


class Look(BaseModel):
    """What a look at the things of the home folder saw."""

    model_config = ConfigDict(frozen=True)

    boot: str
    up: float  # seconds since that boot
    clock: float  # Unix time
    things: dict[str, tuple[int, float]]  # path below the home folder: mark, which no change leaves as it was, and age


class Ages:
    """One look. Where there was none before, the ages are those by the wall clock."""

    def __init__(self) -> None:
        """Begin it."""
        try:
            self._last = record.read_as(Look, _path())
        except DamagedError:
            self._last = None
        self._boot, self._up, self._clock = identity.boot(), time.clock_gettime(UP), time.time()
        self._things: dict[str, tuple[int, float]] = {}

    def __call__(self, path: Path) -> float:
        """How long ago something was changed, in seconds; what is gone was just now."""
        changes = _changes_ns(path)
        if not changes:
            return 0.0
        mark, age = sum(changes), max(0.0, self._clock - max(changes) / 1e9)
        name = home.name_below(path)
        if self._last:
            known, before = self._last.things.get(name, (None, 0.0))
            age = before + self._passed if known == mark else min(age, self._passed)
        self._things[name] = mark, age
        return age

    @property
    def _passed(self) -> float:
        """Seconds since the look before, no less than 0."""
        assert self._last
        up = self._up - self._last.up
        if self._last.boot == self._boot and up >= 0:
            return up
        off = self._clock - self._last.clock - self._up
        return self._up + min(max(0.0, off), MOST_UNSEEN_SECONDS)

    def write(self) -> None:
        """Keep what was seen for the next look; where that cannot be done, the next one counts from the one before."""
        seen = Look(boot=self._boot, up=self._up, clock=self._clock, things=self._things)
        write_json(_path(), seen.model_dump())


def _changes_ns(path: Path) -> list[int]:
    """When a file, or a directory and each thing directly in it, was changed, in ns; none where it is gone."""
    try:
        found = [path, *path.iterdir()] if path.is_dir() else [path]
        return [each.stat().st_mtime_ns for each in found]
    except FileNotFoundError:
        return []


def _path() -> Path:
    return home.file("ages.json")
