"""The process that waits with Keras imported: what it becomes, when it is there, when it goes. Stand-ins play it."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from plans import ARMS
from stand_ins import experiment_of, is_gone, starts, state

from core import host
from core.disk.home import arm_directory
from core.disk.record import read_json
from core.disk.status import State, Status, read_metrics, request_stop
from core.queue import children, jobs, presence, standby
from core.queue.standby import Reserve, Standby
from core.settings import GIBIBYTE, ROOT, settings

PLENTY = 64 * GIBIBYTE
HOLDER = """
import sys, time
from pathlib import Path
from core.queue.standby import Standby
one = Standby(Path(sys.argv[1], "log"), note=Path(sys.argv[1], "note.json"))
print(one.process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def _on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_STANDBY", "true")
    monkeypatch.setenv("HEADSTART_STANDBY_MIN_FREE_BYTES", "0")
    settings.cache_clear()


@pytest.fixture
def waiting(tmp_path: Path, stand_in: None, wait_for: Callable[..., None]) -> Iterator[Standby]:  # noqa: ARG001 (it runs it)
    """A stand-in that waits for its order."""
    one = Standby(tmp_path / "log", note=tmp_path / "note.json")
    wait_for((tmp_path / "note.json").exists)
    yield one
    one.end()


@pytest.fixture
def reserve(home: Path, stand_in: None, _on: None) -> Iterator[Reserve]:  # noqa: ARG001 (used by its processes)
    """A reserve of stand-ins that is switched on."""
    one = Reserve(home)
    yield one
    one.close()


def noted(home: Path) -> Status | None:
    """The standby that is ready, if one is."""
    value = read_json(home / "standby.json")
    return value and Status.model_validate(value)


# what it becomes


def test_it_becomes_the_run_with_its_log_and_environment(waiting):
    one = experiment_of(transfer="crashes")
    directory = arm_directory(one, "transfer")
    arguments = ("core.tasks.train", str(directory.parent), "transfer")
    child = children.start(directory, arguments, {"CUDA_VISIBLE_DEVICES": "3"}, waiting)
    child.follow(lambda: False)
    (start,) = starts(one)
    assert (start["pid"], start["gpu"], start["was_standby"]) == (child.pid, "3", True)
    assert "ValueError: no such layer" in (directory / "log.txt").read_text()


def test_one_that_has_died_is_replaced_by_a_cold_start(waiting):
    waiting.process.kill()
    waiting.process.wait()
    one = experiment_of()
    directory = arm_directory(one, "transfer")
    children.start(directory, ("core.tasks.train", str(directory.parent), "transfer"), {}, waiting).follow(
        lambda: False
    )
    assert [each["was_standby"] for each in starts(one)] == [False]
    assert state(one) is State.DONE


def test_it_ends_when_its_input_does(waiting):
    assert waiting.process.stdin
    waiting.process.stdin.close()
    waiting.process.wait(20)


# when it is there


@pytest.mark.usefixtures("_on", "stand_in")
def test_a_run_uses_it_and_the_next_run_has_another_one(home, wait_for):
    presence.ensure_consumer()
    wait_for(lambda: noted(home))
    first = noted(home)
    assert first
    one = experiment_of(transfer="works until told")
    jobs.submit_experiment(one)
    wait_for(lambda: state(one) is State.FIT)
    (start,) = starts(one)
    assert (start["pid"], start["was_standby"]) == (first.pid, True)
    assert os.getsid(start["pid"]) == start["pid"]
    assert os.getpriority(os.PRIO_PROCESS, start["pid"]) == min(
        19, os.getpriority(os.PRIO_PROCESS, 0) + standby.NICENESS
    )
    (arm_directory(one, "transfer") / "go").touch()
    wait_for(lambda: jobs.position(one) is None)
    assert [state(one, arm) for arm in ARMS] == [State.DONE, State.DONE]
    assert [each["was_standby"] for each in starts(one, "scratch")] == [False], "there was none while the first ran"
    wait_for(lambda: (status := noted(home)) and status.pid != first.pid)
    other = experiment_of()
    jobs.submit_experiment(other)
    wait_for(lambda: jobs.position(other) is None)
    assert [each["was_standby"] for each in starts(other)] == [True]


@pytest.mark.usefixtures("_on", "stand_in")
def test_while_the_first_arm_is_scored_the_process_of_the_second_gets_ready(home, wait_for):
    one = experiment_of(transfer="scores for long")
    jobs.submit_experiment(one)
    wait_for(lambda: state(one) is State.FIT)
    request_stop(arm_directory(one, "transfer"))
    wait_for(lambda: state(one) is State.SCORE)
    wait_for(lambda: noted(home) or (home / "standby.json").exists())
    (arm_directory(one, "transfer") / "go").touch()
    wait_for(lambda: jobs.position(one) is None)
    assert [each["was_standby"] for each in starts(one, "scratch")] == [True]


@pytest.mark.usefixtures("_on", "stand_in")
@pytest.mark.parametrize("part", ["works until told", "is deaf", "loads for long"])
def test_a_run_that_was_a_standby_is_stopped_and_deleted_like_any_other(home, wait_for, part):
    presence.ensure_consumer()
    wait_for(lambda: noted(home))
    one = experiment_of(transfer=part)
    jobs.submit_experiment(one)
    wait_for((arm_directory(one, "transfer") / "starts").exists)
    (start,) = starts(one)
    assert start["was_standby"]
    if part == "is deaf":
        jobs.delete(one)
    else:
        jobs.stop_all(one)
        wait_for(lambda: jobs.position(one) is None, 5)
        assert [state(one, arm) for arm in ARMS] == [State.STOPPED, State.STOPPED]
    wait_for(is_gone(start["pid"]), 5)


@pytest.mark.parametrize(("limit", "is_there"), [(GIBIBYTE, False), (4 * GIBIBYTE, True)])
def test_without_the_setting_a_host_with_little_memory_has_none(limit, is_there, monkeypatch):
    monkeypatch.delenv("HEADSTART_STANDBY")
    settings.cache_clear()
    monkeypatch.setattr(host, "memory_bytes", lambda: limit)
    assert standby.is_on() is is_there


def test_the_setting_wins(monkeypatch):
    monkeypatch.setattr(host, "memory_bytes", lambda: PLENTY)
    assert not standby.is_on()


# when it goes


def test_it_is_given_up_where_memory_is_short_and_comes_back_when_there_is_clearly_more(
    reserve, home, monkeypatch, wait_for
):
    monkeypatch.setenv("HEADSTART_STANDBY_MIN_FREE_BYTES", str(GIBIBYTE))
    settings.cache_clear()
    monkeypatch.setattr(standby, "PAUSE_SECONDS", 0.0)
    available = [PLENTY]
    monkeypatch.setattr(host, "available_bytes", lambda: available[0])
    reserve.tend(is_wanted=True)
    wait_for(lambda: noted(home))
    first = noted(home)
    assert first
    assert first.pid
    available[0] = GIBIBYTE - 1
    reserve.tend(is_wanted=True)
    assert is_gone(first.pid)()
    assert not (home / "standby.json").exists()
    available[0] = GIBIBYTE + standby.OWN_BYTES  # what it has freed itself is not enough to begin again
    reserve.tend(is_wanted=True)
    assert reserve.take() is None
    available[0] = PLENTY
    wait_for(lambda: reserve.tend(is_wanted=True) or noted(home))


def test_one_that_cannot_live_is_not_started_over_and_over(reserve, home, wait_for):
    reserve.tend(is_wanted=True)
    wait_for(lambda: noted(home))
    one = noted(home)
    assert one
    assert one.pid
    os.kill(one.pid, signal.SIGKILL)
    wait_for(is_gone(one.pid))
    for _ in range(3):
        reserve.tend(is_wanted=True)
    assert reserve.take() is None


def test_where_none_can_be_started_the_caller_does_without(reserve, monkeypatch):
    monkeypatch.setenv("HEADSTART_PYTHON", "/no/such/python")
    settings.cache_clear()
    reserve.tend(is_wanted=True)
    assert reserve.take() is None


def test_there_is_one_at_most_and_none_where_nobody_wants_it(reserve):
    reserve.tend(is_wanted=False)
    assert reserve.take() is None
    for _ in range(2):
        reserve.tend(is_wanted=True)
    one = reserve.take()
    assert one
    assert reserve.take() is None
    one.end()


def test_where_a_limit_may_be_there_unseen_there_is_none_unless_somebody_asks_for_it(monkeypatch):
    monkeypatch.setattr(host, "is_limit_known", lambda: False)
    monkeypatch.setattr(host, "available_bytes", lambda: PLENTY)
    assert standby.is_memory_short()
    monkeypatch.delenv("HEADSTART_STANDBY")
    settings.cache_clear()
    assert not standby.is_on()
    monkeypatch.setenv("HEADSTART_STANDBY", "true")
    settings.cache_clear()
    assert standby.is_on()
    assert not standby.is_memory_short()


@pytest.mark.usefixtures("_on", "stand_in")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_goes_with_its_consumer(home, wait_for, number):
    presence.ensure_consumer()
    wait_for(lambda: noted(home))
    one, consumer = noted(home), psutil.Process(read_json(home / "consumer.json")["pid"])
    consumer.send_signal(number)
    assert one
    assert one.pid
    wait_for(is_gone(one.pid), 5)


# the real one


def test_while_it_still_imports_it_goes_with_the_process_that_started_it(tmp_path, wait_for):
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as holder:
        assert holder.stdout
        one = psutil.Process(int(holder.stdout.readline()))
        wait_for(lambda: any("tensorflow" in each.path for each in one.memory_maps()))
        assert not (tmp_path / "note.json").exists()
        holder.send_signal(signal.SIGKILL)
    wait_for(is_gone(one.pid), 5)


def test_what_it_imports_touches_no_gpu_and_leaves_scikit_learn_out():
    """TensorFlow asks for the devices once: `CUDA_VISIBLE_DEVICES`, which comes with the order, must be set before."""
    code = """
    import sys
    from core.tasks import standby
    from core.tasks import train
    standby._load(standby._Note(None))
    from tensorflow.python.eager import context
    assert not context.context()._initialized
    assert context.context()._physical_devices is None
    assert not [name for name in sys.modules if name.startswith("sklearn")]
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("is_ready", [True, False])
def test_a_real_one_trains_scores_and_answers_a_stop(new_experiment, tmp_path, wait_for, is_ready):
    done, stopped = (new_experiment(is_alone=True, training={"epochs": n, "patience": None}) for n in (2, 500))
    for one in (done, stopped):
        waiting = Standby(tmp_path / "log", note=tmp_path / "note.json")
        if is_ready:
            wait_for((tmp_path / "note.json").exists, 60)
        directory = arm_directory(one, "transfer")
        child = children.start(directory, ("core.tasks.train", str(directory.parent), "transfer"), {}, waiting)
        if one == stopped:
            wait_for(lambda: len(read_metrics(directory)), 60)  # noqa: B023 (used within the round)
            request_stop(directory)
        child.follow(lambda: False)
        assert child.process
        assert child.process.returncode == 0, (directory / "log.txt").read_text()
        assert state(one) is (State.STOPPED if one == stopped else State.DONE)
        assert (directory / "predictions.parquet").exists()
        assert not (tmp_path / "note.json").exists()
