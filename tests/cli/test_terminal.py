"""An experiment as the command line carries it out: which process trains, what is said meanwhile, Ctrl-C."""

import _thread
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import psutil
import pytest
from plans import ARMS
from stand_ins import experiment_of, starts, state

from core import host
from core.cli import terminal
from core.disk.home import arm_directory, experiment_directory
from core.disk.record import read_json
from core.disk.status import State, request_stop, stop_requests
from core.errors import RunError, StopRequested
from core.queue import jobs, presence
from core.settings import ROOT, settings
from core.words.said import Said, plain
from core.words.sentences import sentence

pytestmark = pytest.mark.usefixtures("stand_in")
ARMS = ARMS


@pytest.fixture
def _on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_STANDBY", "true")
    monkeypatch.setenv("HEADSTART_STANDBY_MIN_FREE_BYTES", "0")
    settings.cache_clear()


@pytest.fixture
def in_parallel(wait_for: Callable[..., None]) -> Iterator[Callable[..., None]]:
    """A function that does something, in a thread, once something else is true."""
    threads: list[threading.Thread] = []

    def begin(claim: Callable[[], object], *then: Callable[[], object]) -> None:
        def work() -> None:
            wait_for(claim)
            for each in then:
                each()

        threads.append(threading.Thread(target=work))
        threads[-1].start()

    yield begin
    for thread in threads:
        thread.join(30)


def states(experiment_id: str) -> list[State]:
    return [state(experiment_id, arm) for arm in ARMS]


def is_in(wanted: State, experiment_id: str, arm: str = "transfer") -> Callable[[], bool]:
    return lambda: state(experiment_id, arm) is wanted


def go(experiment_id: str, arm: str = "transfer") -> None:
    (arm_directory(experiment_id, arm) / "go").touch()


def press_ctrl_c() -> None:
    _thread.interrupt_main(signal.SIGINT)  # as the key does, without a signal to native threads of other tests


def waiting_processes() -> list[psutil.Process]:
    """Those that this process has started as standbys, also where they have become a run."""
    return [each for each in psutil.Process().children() if "core.tasks.standby" in each.cmdline()]


def run(experiment_id: str) -> None:
    with terminal.runner() as runner:
        runner.run(experiment_id, ARMS)


# by processes of its own


def test_without_a_consumer_it_trains_in_its_own_processes(capsys):
    one = experiment_of()
    run(one)
    assert states(one) == [State.DONE, State.DONE]
    assert [starts(one, arm)[0]["was_standby"] for arm in ARMS] == [False, False]
    said = capsys.readouterr()
    assert not said.out
    assert said.err.splitlines()[-1] == "scratch: done"


@pytest.mark.usefixtures("_on")
def test_the_process_of_the_first_arm_is_started_before_there_is_an_experiment(wait_for):
    with terminal.runner() as runner:
        wait_for(waiting_processes)  # one that has just begun has no command line for a moment
        (waiting,) = waiting_processes()
        one = experiment_of()
        runner.run(one, ARMS)
    assert [each["pid"] for each in starts(one, "transfer")] == [waiting.pid]
    assert states(one) == [State.DONE, State.DONE]
    assert not waiting_processes()


@pytest.mark.usefixtures("_on")
def test_the_process_of_the_second_arm_is_started_while_the_first_is_scored(in_parallel):
    one = experiment_of(transfer="scores for long")
    directory = arm_directory(one, "transfer")
    (directory / "predictions.parquet").touch()
    in_parallel(is_in(State.FIT, one), lambda: request_stop(directory))
    in_parallel(lambda: is_in(State.SCORE, one)() and len(waiting_processes()) == 2, lambda: go(one))
    run(one)
    assert [each["was_standby"] for each in starts(one, "scratch")] == [True]


@pytest.mark.usefixtures("_on")
def test_a_process_that_is_not_needed_after_all_is_ended(wait_for):
    with pytest.raises(RunError), terminal.runner():
        wait_for(waiting_processes)
        (waiting,) = waiting_processes()
        raise RunError(plain("The zip is no zip."))
    assert not waiting.is_running()


def test_an_arm_that_fails_ends_the_experiment_with_the_reason_and_the_log():
    one = experiment_of(transfer="crashes")
    with pytest.raises(RunError, match=r"transfer arm failed: .*no such layer.*log is .*log\.txt"):
        run(one)
    assert states(one) == [State.FAILED, State.QUEUED]


def test_an_arm_for_which_memory_ran_out_has_a_second_attempt_and_that_is_said(capsys):
    one = experiment_of(transfer="is killed once")
    run(one)
    assert states(one) == [State.DONE, State.DONE]
    assert len(starts(one)) == 2
    assert "Memory ran out" in capsys.readouterr().err


def test_ctrl_c_stops_the_arm_and_the_next_one_follows(in_parallel, capsys):
    one = experiment_of(transfer="scores for long")
    in_parallel(is_in(State.FIT, one), press_ctrl_c)
    in_parallel(is_in(State.SCORE, one), lambda: go(one))
    (arm_directory(one, "transfer") / "predictions.parquet").touch()
    run(one)
    assert states(one) == [State.STOPPED, State.DONE]
    assert "once more to end all" in capsys.readouterr().err


def test_ctrl_c_before_there_is_anything_to_score_ends_the_experiment(in_parallel):
    one = experiment_of(transfer="works until told")
    in_parallel(is_in(State.FIT, one), press_ctrl_c)
    with pytest.raises(StopRequested, match="by you"):
        run(one)
    assert states(one) == [State.STOPPED, State.QUEUED]


def test_the_third_ctrl_c_leaves_at_once_and_no_process_behind(in_parallel):
    one = experiment_of(transfer="is deaf")
    in_parallel(is_in(State.FIT, one), press_ctrl_c)
    directory = arm_directory(one, "transfer")
    in_parallel(lambda: stop_requests(directory) == 1, press_ctrl_c)
    in_parallel(lambda: stop_requests(directory) == 2, press_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        run(one)
    assert not psutil.pid_exists(starts(one, "transfer")[0]["pid"])
    assert state(one) is State.STOPPED


# by the consumer


def test_with_a_consumer_at_work_its_queue_trains_and_this_process_is_no_server(home):
    presence.ensure_consumer()
    server = read_json(home / "server.json")
    one = experiment_of()
    code = "import sys; from core.cli import terminal\n"
    code += "with terminal.runner() as runner: runner.run(sys.argv[1], ('transfer', 'scratch'))"
    done = subprocess.run([sys.executable, "-c", code, one], cwd=ROOT, capture_output=True, text=True, check=True)
    assert states(one) == [State.DONE, State.DONE]
    assert not done.stdout
    assert "its queue trains" in done.stderr
    assert done.stderr.splitlines()[-1] == "scratch: done"
    assert read_json(home / "server.json") == server


@pytest.mark.usefixtures("_on")
def test_it_uses_the_consumers_standby_and_says_so(home, wait_for, capsys):
    presence.ensure_consumer()
    wait_for((home / "standby.json").exists)
    one = experiment_of()
    run(one)
    assert starts(one, "transfer")[0]["was_standby"]
    assert "its warm process trains" in capsys.readouterr().err
    assert not waiting_processes(), "it starts none of its own"


def test_it_waits_behind_what_is_ahead_and_says_how_much(wait_for, in_parallel, capsys):
    first, second = (experiment_of(transfer="works until told") for _ in range(2))
    for each in (first, second):
        jobs.submit_experiment(each)
    wait_for(is_in(State.FIT, first))
    one = experiment_of()
    in_parallel(lambda: jobs.ahead(one) == 2, lambda: go(first))
    in_parallel(is_in(State.FIT, second), lambda: wait_for(lambda: jobs.ahead(one) == 1), lambda: go(second))
    run(one)
    assert states(one) == [State.DONE, State.DONE]
    said = capsys.readouterr().err
    assert "2 experiments are ahead" in said
    assert "1 experiment is ahead" in said


def test_ctrl_c_in_the_line_leaves_it(wait_for, in_parallel):
    first = experiment_of(transfer="works until told")
    jobs.submit_experiment(first)
    wait_for(is_in(State.FIT, first))
    one = experiment_of()
    in_parallel(lambda: jobs.position(one) == 1, press_ctrl_c)
    with pytest.raises(StopRequested, match="before it started"):
        run(one)
    assert states(one) == [State.STOPPED, State.STOPPED]
    assert state(first) is State.FIT


def test_ctrl_c_ends_an_experiment_of_the_consumer_that_has_nothing_to_score(in_parallel, wait_for):
    presence.ensure_consumer()
    one = experiment_of(transfer="works until told", scratch="works until told")
    in_parallel(is_in(State.FIT, one), press_ctrl_c)
    with pytest.raises(StopRequested, match="by you"):
        run(one)
    wait_for(lambda: jobs.position(one) is None)
    assert states(one) == [State.STOPPED, State.STOPPED]


def test_a_failed_arm_takes_the_other_one_out_of_the_queue(wait_for):
    presence.ensure_consumer()
    one = experiment_of(transfer="crashes", scratch="works until told")
    with pytest.raises(RunError, match="transfer arm failed"):
        run(one)
    wait_for(lambda: jobs.position(one) is None)
    assert states(one) == [State.FAILED, State.STOPPED]


def test_a_consumer_that_dies_is_replaced_and_says_what_became_of_the_run(home, in_parallel):
    presence.ensure_consumer()
    one = experiment_of(transfer="works until told")
    consumer = psutil.Process(read_json(home / "consumer.json")["pid"])
    in_parallel(is_in(State.FIT, one), consumer.kill)
    with pytest.raises(RunError, match="interrupted"):
        run(one)


def test_an_experiment_that_somebody_deletes_is_an_error_and_no_endless_wait(in_parallel, wait_for):
    presence.ensure_consumer()
    one = experiment_of(transfer="works until told")
    in_parallel(is_in(State.FIT, one), lambda: jobs.delete(one))
    with pytest.raises((RunError, StopRequested)):
        run(one)
    wait_for(lambda: not experiment_directory(one).exists())


BROKEN = {
    "exit": "raise SystemExit(3)",
    "abort": "import os; os.abort()",
    "illegal instruction": "import os, signal; os.kill(os.getpid(), signal.SIGILL)",
    "library": "raise ImportError('libstdc++.so.6: version `GLIBCXX_3.4.30' not found')",
    "half": "raise AttributeError('partially initialized module')",
}


@pytest.mark.slow
@pytest.mark.skipif(host.device().has_gpu, reason="OpenVINO does not compute where there is a graphics card")
@pytest.mark.parametrize("how", BROKEN)
def test_keras_computes_for_an_openvino_that_is_broken_however_it_is(how, tmp_path, colours_zip, home):
    """All is real: a package of that name in front of the other one, and the command line."""
    (tmp_path / "openvino").mkdir()
    (tmp_path / "openvino" / "__init__.py").write_text(BROKEN[how])
    own = {name: value for name, value in os.environ.items() if name != "HEADSTART_PYTHON"}
    flags = ["--epochs=1", "--baseline=none", "--image-size=32", f"--out={tmp_path / 'out'}"]
    command = [sys.executable, "-m", "core", "compare", str(colours_zip(2, 9)), *flags]
    own |= {"PYTHONPATH": str(tmp_path), "HEADSTART_HOME": str(home)}
    done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (said,) = (read_json(path) for path in home.glob("experiments/*/transfer/arm.json"))
    assert said["features_engine"].startswith("Keras")
    assert ("crashed (SIG" in sentence(Said.read(said["openvino_failure"]))) == (
        how in ("abort", "illegal instruction")
    )
    assert ("without OpenVINO" in sentence(Said.read(said["second_attempt"] or ""))) == (
        how in ("abort", "illegal instruction")
    )
