import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.disk import cache, shelves, space
from core.disk.ages import Ages
from core.disk.cache import RECORD, Cache, row_id
from core.disk.home import cache_directory
from core.errors import HeadstartError
from core.settings import ROOT, settings

FACTS = {"base": "MobileNet", "frontier": "14 blocks"}
SHAPE = (5,)
IDS = [row_id(f"{number:064x}") for number in range(40)]
DEADLINE_SECONDS = 20.0


def value(number: int) -> np.ndarray:
    return np.arange(5, dtype=np.float32) + 10 * number


def opened(**facts: object) -> Cache:
    return Cache({**FACTS, **facts}, shape=SHAPE, kind="float32")


def add(numbers: list[int], **facts: object) -> None:
    with opened(**facts) as rows:
        room = rows.reserve(len(numbers))
        for place, number in enumerate(numbers):
            room.write(place, value(number))
        room.keep(range(len(numbers)), [IDS[number] for number in numbers])


def assert_holds(numbers: list[int], **facts: object) -> None:
    """Exactly these of the 40, each with its own value."""
    with opened(**facts) as rows:
        places = rows.find(IDS)
        values = rows.values()
        assert [number for number in range(len(IDS)) if places[number] >= 0] == sorted(numbers)
        for number in numbers:
            np.testing.assert_array_equal(values[places[number]], value(number))


def file_of(name: str, **facts: object) -> Path:
    with opened(**facts) as rows:
        return rows.path / name


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_rows_that_were_kept_are_found_again_and_more_can_be_added():
    assert_holds([])
    add([3, 1])
    add([7])
    assert_holds([1, 3, 7])


def test_what_decides_the_values_decides_the_folder():
    add([1])
    add([2], frontier="13 blocks")
    assert_holds([1])
    assert_holds([2], frontier="13 blocks")
    with Cache(FACTS, shape=SHAPE, kind="float16") as halves:
        assert halves.find(IDS[1:2]) == [-1]


def test_a_row_that_was_written_but_not_kept_does_not_count():
    with opened() as rows:
        room = rows.reserve(3)
        for number in range(3):
            room.write(number, value(number))
        room.keep([1], [IDS[1]])
    assert_holds([1])
    add([0, 2])
    assert_holds([0, 1, 2])


def test_two_runs_at_once_do_not_touch_each_others_rows():
    with opened() as one, opened() as two:
        first, second = one.reserve(2), two.reserve(2)
        for place in range(2):
            first.write(place, value(place))
            second.write(place, value(10 + place))
        second.keep([0, 1], IDS[10:12])
        first.keep([0, 1], IDS[0:2])
    assert_holds([0, 1, 10, 11])


def write_for_ever() -> None:
    """What a process does until it is killed."""
    with opened() as rows:
        room = rows.reserve(len(IDS))
        while True:
            for number in range(len(IDS)):
                room.write(number, value(number))
                room.keep([number], [IDS[number]])


def test_a_process_that_is_killed_at_any_moment_leaves_no_wrong_row():
    for attempt in range(3):
        index = file_of("index.bin")
        least = index.stat().st_size + (10 + attempt) * RECORD.itemsize
        writer = subprocess.Popen(
            [sys.executable, "-c", "from tests.disk import test_cache; test_cache.write_for_ever()"], cwd=ROOT
        )
        until(lambda index=index, least=least: index.stat().st_size > least)
        writer.kill()
        writer.wait()
        with opened() as rows:
            places, values = rows.find(IDS), rows.values()
            assert (places >= 0).sum() >= 10
            for number in np.flatnonzero(places >= 0):
                np.testing.assert_array_equal(values[places[number]], value(number))


@pytest.mark.parametrize("cut", range(1, RECORD.itemsize, 7))
def test_a_torn_record_is_no_row_and_the_next_ones_are_whole(cut: int):
    add([1, 2])
    path = file_of("index.bin")
    path.write_bytes(path.read_bytes()[:-cut])
    assert_holds([1])
    add([5])
    assert_holds([1, 5])


def test_a_damaged_row_is_missing_and_not_wrong():
    add([1, 2])
    path = file_of("rows.bin")
    raw = bytearray(path.read_bytes())
    raw[0] ^= 255
    path.write_bytes(raw)
    assert_holds([2])
    path.write_bytes(raw[:20])
    assert_holds([])


def test_a_damaged_record_is_no_row():
    add([1, 2])
    path = file_of("index.bin")
    raw = bytearray(path.read_bytes())
    raw[33] ^= 1  # where the first row lies
    path.write_bytes(raw)
    assert_holds([2])


def test_the_folders_least_recently_used_make_room(monkeypatch):
    for age, name in enumerate(("new", "middle", "old")):
        add(list(range(40)), frontier=name)
        used = time.time() - 1000 * age
        os.utime(file_of("key.json", frontier=name), (used, used))
    one = space.taken_bytes(cache_directory()) // 3
    monkeypatch.setenv("HEADSTART_MAX_CACHE_BYTES", str(2 * one + 100))
    settings.cache_clear()
    cache.make_room()
    left = {cache.read_facts(path)["frontier"] for path in cache_directory().iterdir()}
    assert left == {"new", "middle"}


def test_what_was_used_last_stays_though_the_clock_was_set_back_before(monkeypatch):
    for name in ("first", "second"):
        add(list(range(40)), frontier=name)
    ahead = time.time() + 365 * 86_400  # by as much the clock was wrong then
    os.utime(file_of("key.json", frontier="second"), (ahead, ahead))
    add([0], frontier="first")
    add(list(range(40)), frontier="third")
    monkeypatch.setenv("HEADSTART_MAX_CACHE_BYTES", str(space.taken_bytes(cache_directory()) - 1))
    settings.cache_clear()
    cache.make_room()
    assert {cache.read_facts(path)["frontier"] for path in cache_directory().iterdir()} == {"first", "third"}


def test_a_folder_that_nobody_used_for_long_goes_also_when_there_is_room(monkeypatch):
    for age, name in enumerate(("new", "old")):
        add([1], frontier=name)
        used = time.time() - 40 * 86_400 * age
        os.utime(file_of("key.json", frontier=name), (used, used))
    shelves.expire(Ages())
    assert {cache.read_facts(path)["frontier"] for path in cache_directory().iterdir()} == {"new"}
    monkeypatch.setenv("HEADSTART_KEEP_CACHE_DAYS", "inf")
    settings.cache_clear()
    os.utime(file_of("key.json", frontier="new"), (0, 0))
    shelves.expire(Ages())
    assert list(cache_directory().iterdir())


def test_a_folder_that_may_not_be_removed_fails_nobody_and_keeps_no_other_one(monkeypatch):
    genuine = cache.fcntl.flock
    for name in ("theirs", "mine"):
        add([1], frontier=name)
    theirs = file_of("lock", frontier="theirs").stat().st_ino

    def refusing(descriptor: int, how: int) -> None:
        if os.fstat(descriptor).st_ino == theirs:
            raise PermissionError(13, "Permission denied")
        genuine(descriptor, how)

    monkeypatch.setattr("fcntl.flock", refusing)
    monkeypatch.setenv("HEADSTART_MAX_CACHE_BYTES", "0")
    settings.cache_clear()
    cache.make_room()
    assert {cache.read_facts(path)["frontier"] for path in cache_directory().iterdir()} == {"theirs"}


def test_what_is_in_use_stays(monkeypatch):
    add([1])
    monkeypatch.setenv("HEADSTART_MAX_CACHE_BYTES", "0")
    settings.cache_clear()
    with opened() as rows:
        cache.make_room()
        assert rows.find(IDS)[1] >= 0
        kept = rows.values()
    assert not list(cache_directory().iterdir()), "nothing is used any more, and nothing may stay"
    np.testing.assert_array_equal(kept[0], value(1))  # who has taken an array may go on reading
    add([2])  # and the next run begins anew


@pytest.mark.timeout(30)
def test_what_was_in_use_goes_though_a_process_forked_meanwhile_has_its_descriptors(monkeypatch):
    copies: list[int] = []
    genuine = cache.fcntl.flock

    def copied(descriptor: int, how: int) -> None:
        copies.append(os.dup(descriptor))  # what a fork is for a lock
        genuine(descriptor, how)

    with monkeypatch.context() as patch:
        patch.setattr("fcntl.flock", copied)
        add([1])
    monkeypatch.setenv("HEADSTART_MAX_CACHE_BYTES", "0")
    settings.cache_clear()
    cache.make_room()
    assert not list(cache_directory().iterdir())
    for copy in copies:
        os.close(copy)


def test_a_full_disk_is_said_before_anything_is_computed(monkeypatch):
    monkeypatch.setenv("HEADSTART_MIN_FREE_BYTES", str(10**18))
    settings.cache_clear()
    with opened() as rows, pytest.raises(HeadstartError, match="needs about"):
        rows.reserve(3)


def test_views_of_a_picture_have_ids_of_their_own():
    assert len({row_id("a"), row_id("b"), row_id("a", "1"), row_id("a", "2")}) == 4
    assert row_id("a", "1") == row_id("a", "1")
