"""How a child is ended, and what is said of its end, with the patience cut short."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from core.disk.status import State, Status, read_status, request_stop, write_status
from core.queue import children, standby
from core.queue.children import Child

pytestmark = pytest.mark.usefixtures("stand_in")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    directory = tmp_path / "place"
    directory.mkdir()
    return directory


@pytest.fixture
def child(place: Path) -> Iterator[Callable[[str], Child]]:
    """A function that starts a stand-in; none survives the test."""
    started: list[Child] = []

    def start(part: str) -> Child:
        (place / "part").write_text(part)
        started.append(children.start(place, ("core.tasks.ingest", str(place)), {}))
        return started[-1]

    yield start
    for each in started:
        each.signal(signal.SIGKILL)
        each.follow(lambda: False)


def state(place: Path) -> State:
    return (read_status(place) or Status()).state


def follow(one: Child) -> threading.Thread:
    thread = threading.Thread(target=one.follow, args=[lambda: False])
    thread.start()
    return thread


def test_one_that_ignores_a_stop_gets_sigterm_and_then_sigkill(place, child, wait_for, monkeypatch):
    monkeypatch.setattr(children, "GRACE_SECONDS", 0.3)
    monkeypatch.setattr(children, "LAST_SECONDS", 0.3)
    one = child("is deaf")
    wait_for(lambda: state(place) is State.FIT)
    request_stop(place)
    assert one.follow(lambda: False) is False
    assert one.process
    assert one.process.returncode == -signal.SIGKILL
    one.settle(was_unwanted=False, remedy="")
    end = read_status(place)
    assert end
    assert (end.state, end.said) == (State.STOPPED, children.ENDED)


def test_one_that_scores_its_best_epoch_after_a_stop_may_take_its_time(place, child, wait_for, monkeypatch):
    monkeypatch.setattr(children, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(children, "LAST_SECONDS", 0.0)
    one = child("scores for long")
    wait_for(lambda: state(place) is State.FIT)
    looks = iter(range(30))  # three seconds, six times the patience
    request_stop(place)

    def let_go_at_last() -> bool:
        if next(looks, None) is None:
            (place / "go").touch()
        return False

    one.follow(let_go_at_last)
    assert one.process
    assert one.process.returncode == 0
    assert (read_status(place) or Status()).message == "scored"


def test_one_that_goes_on_scoring_after_a_second_stop_is_ended(place, child, wait_for, monkeypatch):
    monkeypatch.setattr(children, "GRACE_SECONDS", 0.5)
    one = child("scores for long")
    wait_for(lambda: state(place) is State.FIT)
    thread = follow(one)
    request_stop(place)
    wait_for(lambda: one._stop._state is State.SCORE)  # it was seen to answer the first
    request_stop(place)
    thread.join(20)
    assert one.process
    assert one.process.returncode == -signal.SIGTERM


def test_it_runs_in_a_session_of_its_own_and_gives_way_to_the_pages(place, child, wait_for):
    one = child("works until told")
    wait_for(lambda: state(place) is State.FIT)
    assert os.getsid(one.pid) == one.pid
    assert os.getpriority(os.PRIO_PROCESS, one.pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + standby.NICENESS)


def test_what_nobody_wants_is_killed_at_once(place, child, wait_for):
    one = child("is deaf")
    wait_for(lambda: state(place) is State.FIT)
    assert one.follow(lambda: True) is True
    one.settle(was_unwanted=True, remedy="")
    end = read_status(place)
    assert end
    assert (end.state, end.said) == (State.STOPPED, children.DISCARDED)


def test_a_final_state_is_not_overwritten(place, child):
    one = child("works")
    one.follow(lambda: False)
    one.settle(was_unwanted=True, remedy="")
    children.end(place, State.FAILED, "too late")
    assert (state(place), (read_status(place) or Status()).message) == (State.DONE, "")


def test_the_end_of_one_that_is_left_behind_is_noticed(place, child):
    one = child("is killed")
    one.follow(lambda: False)
    left = Child(place, one.identity)
    assert not left.is_running
    left.settle(was_unwanted=False, remedy="")
    end = read_status(place)
    assert end
    assert (end.state, end.said) == (State.FAILED, children.INTERRUPTED)


@pytest.mark.parametrize(("requests", "expected"), [(0, State.DONE), (1, State.STOPPED)])
def test_an_arm_that_was_scored_but_killed_before_it_could_say_so_keeps_its_scores(place, child, requests, expected):
    (place / "predictions.parquet").touch()  # the last of its files
    for _ in range(requests):
        request_stop(place)
    one = child("is killed")
    one.follow(lambda: False)
    one.settle(was_unwanted=False, remedy="")
    assert state(place) is expected


def test_what_a_killed_process_has_half_written_is_removed(place, child):
    (place / ".status.json.7-7.partial").write_text("{")
    (place / ".predictions.parquet.7-9.partial").write_bytes(b"PAR1")
    one = child("is killed")
    one.follow(lambda: False)
    one.settle(was_unwanted=False, remedy="")
    assert not list(place.glob(".*.partial"))


def test_only_a_waiting_step_that_is_stopped_or_gone_or_over_is_settled(place):
    assert not children.is_settled(place)
    request_stop(place)
    assert children.is_settled(place)
    assert state(place) is State.STOPPED
    write_status(place, Status(state=State.FIT))
    assert not children.is_settled(place)
    assert children.is_settled(place / "deleted")


def test_the_end_of_a_long_log_is_told_in_one_short_line(place):
    (place / "log.txt").write_text(
        "x" * 10_000 + "\n" + "\n\n".join(f"line {number} " + "y" * 200 for number in range(5))
    )
    tail = children._last_lines(place / "log.txt")
    assert len(tail) == 400
    assert tail.endswith("line 4 " + "y" * 200)


# the report


def test_a_report_that_was_prepared_is_written_when_it_is_told_and_not_before(place, wait_for):
    with children.ResultWriter(place) as report:
        report.prepare()
        wait_for(lambda: psutil.Process().children())
        report.write()
        assert not (place / "result.json").exists(), "there is no score yet"
        (place / "scratch").mkdir()
        (place / "scratch" / "predictions.parquet").touch()
        report.write()
        assert (place / "result.json").exists()
    assert not psutil.Process().children()


def test_a_report_that_is_killed_while_it_compares_is_written_all_the_same(place):
    (place / "scratch").mkdir()
    (place / "scratch" / "predictions.parquet").touch()
    (place / "kills").touch()
    with children.ResultWriter(place) as report:
        report.write()
    assert not (place / "kills").exists()
    assert (place / "result.json").exists()
    assert not psutil.Process().children()


def test_a_report_that_is_not_wanted_after_all_is_ended(place):
    with children.ResultWriter(place) as report:
        report.prepare()
    assert not psutil.Process().children()
    assert not (place / "result.json").exists()


def test_there_is_nothing_to_report_but_of_an_experiment():
    with children.ResultWriter(None) as report:
        report.write()
    assert not psutil.Process().children()
