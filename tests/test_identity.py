"""Which process it is: the same one for as long as it runs, whatever the clock does, and never another one."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from core import identity
from core.disk.files import write_json
from core.disk.record import read_json
from core.disk.status import Status, is_alive, read_status, write_status
from core.identity import Identity
from core.queue import presence
from core.queue.job import Job
from core.worker import process

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, which is Linux's")


@contextmanager
def waiting(*command: str) -> Iterator[int]:
    child = subprocess.Popen(command or (sys.executable, "-c", "input()"), stdin=subprocess.PIPE)
    try:
        yield child.pid
    finally:
        child.communicate(b"\n")


@pytest.fixture
def step_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A function that steps the wall clock for psutil, whose times of creation move with it as they do on Linux."""
    module = pytest.importorskip("psutil._pslinux", reason="only there the time at which a process began moves")
    real = module.boot_time

    def step(seconds: float) -> None:
        monkeypatch.setattr(module, "boot_time", lambda: real() + seconds)

    return step


# the clock


@pytest.mark.parametrize("seconds", [-86_400.0, -1.0, 1.0, 3.0, 3600.0, 1e9])
def test_a_process_stays_itself_when_the_clock_steps(step_clock, seconds):
    with waiting() as pid:
        before, created = identity.of(pid), psutil.Process(pid).create_time()
        step_clock(seconds)
        assert psutil.Process(pid).create_time() == pytest.approx(created + seconds, abs=0.001)
        assert before.is_alive
        assert identity.of(pid) == before
    assert not before.is_alive


@pytest.mark.usefixtures("stand_in")
def test_a_clock_that_steps_starts_no_second_consumer(step_clock, home):
    presence.ensure_consumer()
    before = read_json(home / "consumer.json")
    for seconds in (5.0, -3600.0, 7200.0):
        step_clock(seconds)
        presence.ensure_consumer()
    assert read_json(home / "consumer.json") == before
    assert len(presence.CONSUMERS) == 1


def test_a_status_names_its_process_whatever_the_clock_says_later(step_clock, tmp_path):
    write_status(tmp_path, process.started())
    step_clock(-600.0)
    status = read_status(tmp_path)
    assert status
    assert is_alive(status)


# another process


@LINUX
def test_another_process_with_the_same_pid_is_not_it():
    own = identity.own()
    assert own.is_alive
    assert own.ticks
    assert not own.model_copy(update={"ticks": own.ticks - 1}).is_alive
    assert not own.model_copy(update={"boot": "before the host was restarted"}).is_alive


@LINUX
@pytest.mark.parametrize("name", ["a b", "1 (x) R 2 3", ") S 1", "((", "é"])
def test_a_name_with_spaces_and_brackets_does_not_shift_what_is_read(tmp_path, name):
    program = tmp_path / name
    shutil.copy(shutil.which("sleep") or "", program)
    child = subprocess.Popen([program, "60"])
    try:
        assert identity.of(child.pid).ticks == round(
            psutil.Process(child.pid)._proc.create_time(monotonic=True) * os.sysconf("SC_CLK_TCK")
        )
        assert identity.of(child.pid).is_alive
    finally:
        child.kill()
        child.wait()


def test_one_that_has_ended_but_was_not_waited_for_is_not_alive():
    child = subprocess.Popen([sys.executable, "-c", ""])
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
        assert not identity.of(child.pid).is_alive
        assert not Identity(pid=child.pid).is_alive
    finally:
        child.wait()
    with pytest.raises(psutil.NoSuchProcess):
        identity.of(child.pid)


# without Linux's files, and files of earlier versions


@pytest.mark.parametrize("lacks_stat", [True, False])
def test_where_the_system_does_not_count_ticks_the_time_of_creation_has_to_do(monkeypatch, tmp_path, lacks_stat):
    if lacks_stat:
        monkeypatch.setattr(identity, "PROC", tmp_path)
    else:
        monkeypatch.setattr(identity, "BOOT", "sys/kernel/random/hidden")
    with waiting() as pid:
        found = identity.of(pid)
        assert (found.ticks, found.created) == (None, psutil.Process(pid).create_time())
        assert found.is_alive
        assert not found.model_copy(update={"created": found.created - 60}).is_alive
    assert not found.is_alive


def test_files_of_earlier_versions_still_name_their_process(home):
    with waiting() as pid:
        earlier = {"pid": pid, "pid_created": psutil.Process(pid).create_time()}
        status = Status.model_validate({"state": "fit", **earlier})
        job = Job.model_validate({"kind": "ingest", "subject": "a", "submitted": 1, "step": "a", **earlier})
        write_json(home / "consumer.json", earlier)
        assert job.process
        assert is_alive(status)
        assert job.process.is_alive
        assert status.pid == job.pid == pid
        assert presence.is_noted_alive("consumer")
        other = Status.model_validate({"state": "fit", **earlier, "pid_created": earlier["pid_created"] - 60})
        assert not is_alive(other)
    assert not is_alive(status)
    assert not presence.is_noted_alive("consumer")
    assert Status.model_validate({"state": "queued", "pid": None, "pid_created": None}).process is None


def test_an_identity_comes_back_from_a_file_as_it_was(tmp_path):
    path: Path = tmp_path / "one.json"
    write_json(path, identity.own().model_dump())
    assert Identity.model_validate(read_json(path)) == identity.own()
