import threading
from collections.abc import Callable
from contextlib import ExitStack

import pandas as pd
import pytest
from plans import planned

from core import host
from core.disk.home import new_id
from core.plan import estimate
from core.plan.experiments import create_experiment
from core.queue import room
from core.queue.job import Job
from core.queue.kinds import RULES, Kind
from core.queue.room import Room


def never() -> bool:
    return False


class Visitor(threading.Thread):
    """Somebody who wants room, and leaves when told to."""

    def __init__(self, place: Room, wanted: int, *, is_unwanted: Callable[[], bool] = never) -> None:
        super().__init__(daemon=True)
        self.is_in, self.leaves = threading.Event(), threading.Event()
        self._place, self._wanted, self._is_unwanted = place, wanted, is_unwanted
        self.start()

    def run(self) -> None:
        with self._place.taken(self._wanted, is_unwanted=self._is_unwanted):
            self.is_in.set()
            self.leaves.wait(30)


@pytest.fixture
def place() -> Room:
    return Room(lambda: 100)


def test_who_fits_beside_the_others_need_not_wait(place):
    with ExitStack() as stack:
        for wanted in (50, 30, 20):
            stack.enter_context(place.taken(wanted, is_unwanted=never))


def test_who_does_not_fit_waits_until_somebody_leaves(place):
    first, second = Visitor(place, 70), None
    assert first.is_in.wait(10)
    second = Visitor(place, 40)
    assert not second.is_in.wait(0.5)
    first.leaves.set()
    assert second.is_in.wait(10)
    second.leaves.set()


def test_who_is_alone_may_begin_however_much_it_wants(place):
    with place.taken(1000, is_unwanted=never):
        pass


def test_a_small_one_does_not_overtake_a_large_one_for_ever(place, wait_for):
    first = Visitor(place, 70)
    assert first.is_in.wait(10)
    large = Visitor(place, 90)
    wait_for(lambda: place.n_waiting == 1)
    small = Visitor(place, 10)
    assert not small.is_in.wait(0.5)
    first.leaves.set()
    assert large.is_in.wait(10)
    large.leaves.set()
    assert small.is_in.wait(10)
    small.leaves.set()


def test_who_is_not_wanted_any_more_waits_no_longer(place):
    first = Visitor(place, 70)
    assert first.is_in.wait(10)
    gone = threading.Event()
    second = Visitor(place, 90, is_unwanted=gone.is_set)
    assert not second.is_in.wait(0.5)
    gone.set()
    assert second.is_in.wait(10)
    for each in (first, second):
        each.leaves.set()


def test_an_experiment_needs_what_its_larger_arm_does():
    one = planned(new_id())
    split = pd.DataFrame({"picture": ["a"], "label": ["b"], "part": ["train"]})
    job = Job(kind=Kind.EXPERIMENT, subject=create_experiment(one, split), submitted=1)
    arms = estimate.estimate(one, n_train=10**6, n_validation=0, n_test=0)
    assert job.rules.need_bytes(job.subject) == max(arm.memory_bytes for arm in arms.values())
    assert job.rules.need_bytes(new_id()) == 0


def test_one_gigabyte_has_room_for_a_training_or_a_prediction_and_four_for_both(monkeypatch):
    monkeypatch.setattr(host, "memory_bytes", lambda: 1_000_000_000)
    both = 650_000_000 + RULES[Kind.PREDICTION].need_bytes(new_id())
    assert room.size_bytes() < both
    monkeypatch.setattr(host, "memory_bytes", lambda: 4_000_000_000)
    assert room.size_bytes() > both
