"""Ages are counted from look to look, so a clock that is stepped removes nothing at once and keeps nothing for ever."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core import identity
from core.data import ingest, uploads
from core.disk import ages
from core.disk.ages import Ages
from core.disk.cache import Cache
from core.disk.home import cache_directory, dataset_directory, directories
from core.queue import leftovers, removal

HOUR, DAY, YEAR = 3600.0, 86_400.0, 365 * 86_400.0


class Host:
    """Its wall clock and how long it is up; `passes` moves both, as time does."""

    def __init__(self) -> None:
        self.clock, self.up, self.boot = time.time(), 1e6, "first"

    def passes(self, seconds: float) -> None:
        self.clock += seconds
        self.up += seconds

    def restarts(self, *, off: float) -> None:
        self.clock += off
        self.up, self.boot = 60.0, f"{self.boot} and another"


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    one = Host()
    monkeypatch.setattr(time, "time", lambda: one.clock)
    monkeypatch.setattr(time, "clock_gettime", lambda _: one.up)
    monkeypatch.setattr(identity, "boot", lambda: one.boot)
    return one


@pytest.fixture
def everything(host: Host, home: Path, zip_of: Callable[..., Path]) -> dict[str, Path]:
    """One of each kind of thing that goes by its age, just made."""
    data = ingest.ingest(ingest.create(zip_of({"cat/": 9, "dog/": 9}), "Pets"))
    with Cache({"of": "rows"}, shape=(2,), kind="float32"):
        pass
    (row,) = cache_directory().iterdir()
    made = {
        "upload": dataset_directory(data.id),
        "prediction": home / "predictions" / ("1" * 32),
        "probe": home / "probes" / ("2" * 32),
        "half written": home / "experiments" / ("3" * 32),
        "cache": row,
    }
    for name in ("prediction", "probe", "half written"):
        made[name].mkdir(parents=True)
        (made[name] / ("status.json" if name == "half written" else "request.json")).write_text("{}")
    for path in made.values():
        used(path, host.clock)
    leftovers.remove()
    return made


def used(path: Path, at: float) -> None:
    for each in (*path.iterdir(), path):
        os.utime(each, (at, at))


def left(of: dict[str, Path]) -> set[str]:
    return {name for name, path in of.items() if path.exists()}


ALL = {"upload", "prediction", "probe", "half written", "cache"}


@pytest.mark.parametrize("step", [YEAR, 40 * YEAR, -YEAR, -40 * YEAR])
def test_a_clock_that_steps_removes_nothing_early_and_keeps_nothing_longer(host, everything, step):
    host.passes(HOUR / 2)
    host.clock += step
    leftovers.remove()
    assert left(everything) == ALL
    host.passes(HOUR)
    leftovers.remove()
    assert left(everything) == ALL - {"half written"}
    for hours in (21, 2):
        host.passes(hours * HOUR)
        leftovers.remove()
        assert left(everything) == (ALL - {"half written"} if hours == 21 else {"prediction", "cache"})
    host.passes(6.5 * DAY)
    leftovers.remove()
    assert left(everything) == {"cache"}
    host.passes(23 * DAY)
    leftovers.remove()
    assert left(everything) == set()


def test_what_was_made_just_before_the_clock_stepped_is_as_old_as_the_time_since_the_last_look(host, home):
    leftovers.remove()
    host.passes(HOUR)
    new = home / "predictions" / ("4" * 32)
    new.mkdir(parents=True)
    (new / "request.json").write_text("{}")
    used(new, host.clock - 60)
    host.clock += YEAR
    assert Ages()(new) == HOUR
    assert Ages()(home / "gone") == 0.0


@pytest.mark.parametrize("step", [YEAR, -YEAR])
def test_an_upload_that_is_opened_stays_whatever_the_clock_says(host, everything, step):
    host.clock += step
    for _ in range(5):
        host.passes(0.7 * DAY)
        stamp = everything["upload"] / "dataset.json"
        before = stamp.stat().st_mtime_ns
        uploads.note_use(everything["upload"].name)
        assert stamp.stat().st_mtime_ns != before
        os.utime(stamp, (host.clock, host.clock))
        leftovers.remove()
    assert "upload" in left(everything)


def test_a_restart_counts_for_half_a_day_at_most_and_for_no_less_than_nothing(host, everything):
    host.restarts(off=YEAR)
    leftovers.remove()
    assert left(everything) == ALL - {"half written"}
    host.restarts(off=-2 * YEAR)
    host.passes(0.4 * DAY)
    leftovers.remove()
    assert left(everything) == ALL - {"half written"}
    host.restarts(off=0.2 * DAY)
    leftovers.remove()
    assert left(everything) == {"prediction", "cache"}
    assert Ages()(everything["cache"] / "key.json") == pytest.approx(1.1 * DAY, abs=300)


def test_where_nothing_can_be_written_the_next_look_counts_from_the_one_before(host, everything, monkeypatch):
    with monkeypatch.context() as full:
        full.setattr(ages, "write_json", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
        host.passes(0.6 * DAY)
        leftovers.remove()
    assert {"upload", "probe"} <= left(everything)
    host.passes(0.6 * DAY)
    assert Ages()(everything["upload"]) == pytest.approx(1.2 * DAY)


@pytest.mark.parametrize("text", ["", "[]", '{"boot": 1}'])
def test_without_an_earlier_look_the_ages_are_by_the_clock(host, home, text):
    (home / "ages.json").write_text(text)
    path = home / "thing"
    path.touch()
    os.utime(path, (host.clock - DAY, host.clock - DAY))
    assert Ages()(path) == pytest.approx(DAY)
    os.utime(path, (host.clock + DAY, host.clock + DAY))
    assert Ages()(path) == 0.0


def test_an_upload_that_cannot_be_removed_keeps_no_other_one(host, zip_of, monkeypatch):
    zipped = zip_of({"cat/": 9, "dog/": 9})
    several = [dataset_directory(ingest.ingest(ingest.create(zipped, "Pets")).id) for _ in range(3)]
    host.passes(2 * DAY)
    real = removal._remove
    stuck = directories("datasets")[0]

    def removed(directory: Path) -> bool:
        if directory == stuck:
            raise PermissionError(13, "no")
        return real(directory)

    monkeypatch.setattr(removal, "_remove", removed)
    removal.expire(Ages())
    assert [path for path in several if path.exists()] == [stuck]


def test_the_host_says_how_long_it_is_up():
    before = time.clock_gettime(ages.UP)
    assert 0 < before <= time.clock_gettime(ages.UP)
