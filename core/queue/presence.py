"""Who is there: the server, and the consumer that works the jobs off, which is started here where it is missing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from core import identity
from core.disk import home, record, space
from core.disk.files import write_json
from core.errors import DamagedError
from core.identity import Identity
from core.queue import job
from core.settings import ROOT, settings

CONSUMERS: list[subprocess.Popen[bytes]] = []  # that this process has started


@contextmanager
def lock() -> Iterator[None]:
    """One process at a time changes what waits and who works; held for milliseconds."""
    home.jobs_directory().mkdir(parents=True, exist_ok=True)
    with FileLock(home.file("jobs.lock")):
        yield


def ensure_consumer() -> None:
    """Have a consumer at work for as long as this process lives; cheap when there is one."""
    CONSUMERS[:] = [each for each in CONSUMERS if each.poll() is None]  # else one that has ended stays a zombie
    with lock():
        _note("server", os.getpid())
        _start_consumer()


def have_consumer(*, is_server: bool) -> None:
    """Have one at work for as long as this process lives, or else as long as there is work."""
    if is_server:
        ensure_consumer()
    else:
        with lock():
            _start_consumer()


def _start_consumer() -> None:
    """Unless there is one."""
    if is_noted_alive("consumer"):
        return
    space.check_writable()  # one that cannot write would end at once
    with home.file("consumer.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "core.queue.consumer"],
            cwd=ROOT,
            env={**os.environ, **settings().places()},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    CONSUMERS.append(process)
    _note("consumer", process.pid)


def is_noted_alive(role: str) -> bool:
    """Whether the process that was noted last as "server" or "consumer" lives."""
    try:
        noted = record.read_as(Identity, _note_path(role))
    except DamagedError:
        return False
    return noted is not None and noted.is_alive


def note_consumer() -> None:
    """Let this process be the consumer that the others look for."""
    _note("consumer", os.getpid())


def sign_off() -> bool:
    """Let this process be the consumer no more, unless there is work or a server again."""
    with lock():
        if job.read_all() or is_noted_alive("server"):
            return False
        _note_path("consumer").unlink(missing_ok=True)
        return True


def _note(role: str, pid: int) -> None:
    value = identity.of(pid).model_dump()
    if record.readable(_note_path(role)) != value:
        write_json(_note_path(role), value)


def _note_path(role: str) -> Path:
    return home.file(f"{role}.json")
