"""How the work of a process begins and ends, whatever it is; real ones are in the tests of `tasks`."""

import errno
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.disk.status import State, Status, read_status, request_stop
from core.errors import InputError, StopRequested
from core.settings import ROOT
from core.worker import process
from core.worker.task import Task

DEAF = """
import sys, time
from pathlib import Path
from core.worker.task import Task

class Tidying(Task):
    def tidy(self):
        (self.directory / "half").unlink(missing_ok=True)

def work(task):
    (task.directory / "half").touch()
    time.sleep(600)

sys.exit(Tidying(Path(sys.argv[1]), stopped="It was stopped.", patience_seconds=0.2).carry_out(work))
"""


def status(directory: Path) -> Status:
    return read_status(directory) or Status()


def raising(error: BaseException) -> Callable[[Task], None]:
    def work(_: Task) -> None:
        raise error

    return work


def test_work_that_comes_to_its_end_is_done_and_the_code_is_0(tmp_path):
    seen = []
    assert Task(tmp_path).carry_out(lambda task: seen.append(status(task.directory).state)) == 0
    assert seen == [State.STARTING]
    assert status(tmp_path).state is State.DONE


def test_work_may_begin_in_another_state_and_say_how_far_it_is(tmp_path):
    seen = []

    def work(task: Task) -> None:
        seen.append(status(tmp_path).state)
        task.progress(0, 4)
        seen.append(status(tmp_path).total)
        task.progress(4, 4)
        seen.append(status(tmp_path).done)

    assert Task(tmp_path, state=State.WEIGHTS).carry_out(work) == 0
    assert seen == [State.WEIGHTS, 4, 4]
    assert status(tmp_path).rate


def test_work_that_sees_a_stop_ends_by_itself(tmp_path):
    def work(task: Task) -> None:
        request_stop(tmp_path)
        while not task.is_stopped():
            time.sleep(0.01)
        raise StopRequested("In the midst of it.")

    assert Task(tmp_path, stopped="It was stopped.", patience_seconds=60).carry_out(work) == 0
    assert (status(tmp_path).state, status(tmp_path).message) == (State.STOPPED, "It was stopped.")


def test_work_that_does_not_is_left_after_its_patience_and_tidied_up(tmp_path, wait_for):
    command = [sys.executable, "-c", textwrap.dedent(DEAF), str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT) as child:
        wait_for((tmp_path / "half").exists)
        request_stop(tmp_path)
        assert child.wait(20) == 0
    assert (status(tmp_path).state, status(tmp_path).message) == (State.STOPPED, "It was stopped.")
    assert not (tmp_path / "half").exists()


def test_stops_that_are_served_already_do_not_count(tmp_path):
    request_stop(tmp_path)
    assert Task(tmp_path, served=1).carry_out(lambda task: time.sleep(0.3) or task.is_stopped()) == 0
    assert status(tmp_path).state is State.DONE


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InputError("Expected a. Found b."), "Expected a. Found b."),
        (KeyError("head"), "Failed with KeyError: 'head'. The log tells more."),
        (OSError(errno.ENOSPC, "No space left on device"), "Headstart must be able to write to "),
    ],
)
def test_work_that_fails_says_why_and_leaves_it_in_the_log(tmp_path, capfd, error, said):
    assert Task(tmp_path).carry_out(raising(error)) == 1
    assert status(tmp_path).state is State.FAILED
    assert status(tmp_path).message.startswith(said)
    assert ("Traceback" in capfd.readouterr().err) != isinstance(error, InputError), "our own words say it all"


def test_a_file_that_is_gone_is_said_by_its_name(tmp_path, home):
    path = home / "datasets" / "a"
    assert Task(tmp_path).carry_out(raising(FileNotFoundError(errno.ENOENT, "No such file", str(path)))) == 1
    assert f"must be able to read {path}. Found it gone" in status(tmp_path).message


def test_on_a_full_disk_room_is_made_before_the_last_word(tmp_path):
    class Large(Task):
        def make_room(self) -> None:
            assert not status(tmp_path).state.is_final
            (tmp_path / "large").unlink()

    (tmp_path / "large").touch()
    assert Large(tmp_path).carry_out(raising(OSError(errno.ENOSPC, "No space left on device"))) == 1
    assert not (tmp_path / "large").exists()


class OutOfMemoryError(Exception):
    """PyTorch's, by its name."""


@pytest.mark.parametrize(
    "error", [MemoryError(), OutOfMemoryError("CUDA"), RuntimeError("RESOURCE_EXHAUSTED: 12 GB"), ValueError("no")]
)
def test_work_that_was_refused_memory_has_a_code_of_its_own_and_leaves_the_word_to_who_started_it(tmp_path, error):
    is_memory = not isinstance(error, ValueError)
    assert Task(tmp_path).carry_out(raising(error)) == (process.OUT_OF_MEMORY if is_memory else 1)
    assert status(tmp_path).state.is_final != is_memory


def test_an_end_that_cannot_be_written_has_a_code_too(tmp_path, monkeypatch):
    task = Task(tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("core.worker.writer.write_status", full)
    assert process.carried_out(lambda _: task.carry_out(raising(KeyError("head"))), []) == process.UNWRITTEN


def test_what_is_refused_before_there_is_a_status_is_a_line_on_stderr(capfd):
    def main(_: list[str]) -> int:
        raise InputError("Expected a. Found b.")

    assert process.carried_out(main, []) == 1
    assert capfd.readouterr().err == "error: Expected a. Found b.\n"
