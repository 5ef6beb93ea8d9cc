"""The processes that jobs start: begun in a session of their own, followed, ended when asked, their end put in words.

A process writes its directory's status.json itself. This module writes it only once the process is gone without a
final state, or when there will be none.
"""

import errno
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from core import identity
from core.disk import space
from core.disk.files import remove_partial
from core.disk.status import State, Status, read_status, stop_requests, write_status
from core.identity import Identity
from core.plan import attempt
from core.plan.arm_files import SIGN, remove_temporary
from core.queue.standby import Standby, is_memory_short, niceness
from core.settings import ROOT, settings
from core.words.said import Said, say
from core.worker.process import OUT_OF_MEMORY as OUT_OF_MEMORY_CODE
from core.worker.process import PARENT_VARIABLE, UNFLUSHED, UNWRITTEN

LOOK_SECONDS = 0.05
GRACE_SECONDS = 10.0  # between a stop request and SIGTERM, and
LAST_SECONDS = 1.0  # from there to SIGKILL
TAIL_BYTES = 4096
TAIL_LINES = 3

REPORT_SECONDS = 120.0
REPORT_TRIES = 3  # of one that is killed: it is small and quick, so it was not its own fault

NEVER_STARTED = say("end.never-started")
ENDED = say("end.lost")
DISCARDED = say("end.discarded")
INTERRUPTED = say("end.interrupted")
CRASHES = (signal.SIGABRT, signal.SIGILL, signal.SIGSEGV, signal.SIGFPE, signal.SIGTRAP)


@dataclass
class Child:
    """A process that works on `directory`, as its consumer sees it."""

    directory: Path
    identity: Identity
    process: subprocess.Popen[bytes] | None = None  # None: an earlier consumer started it
    _stop: "_Stop" = field(init=False)

    def __post_init__(self) -> None:
        """Nobody has asked for a stop yet."""
        self._stop = _Stop(self.directory)

    @property
    def pid(self) -> int:
        """Of the process, and of the session of its own in which it runs."""
        return self.identity.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self.identity.is_alive if self.process is None else self.process.poll() is None

    def follow(self, is_unwanted: Callable[[], bool]) -> bool:
        """Wait for its end. It is killed at once when `is_unwanted()`, and after a while when it ignores a stop.

        Returns:
            Whether it was killed as unwanted.
        """
        was_unwanted = False
        while self.is_running:
            was_unwanted = was_unwanted or is_unwanted()
            due = signal.SIGKILL if was_unwanted else self._stop.signal_due()
            if due is not None:
                self.signal(due)
            time.sleep(LOOK_SECONDS)
        return was_unwanted

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it and to all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    @property
    def ran_out_of_memory(self) -> bool:
        """Whether its end was one for want of memory, as far as can be seen; only after its end."""
        return self.process is not None and self.process.returncode in (-signal.SIGKILL, OUT_OF_MEMORY_CODE)

    @property
    def crash(self) -> str:
        """The signal by which it ended itself, as C++ does where an error is not caught; "" where it was none."""
        code = self.process.returncode if self.process else 0
        return signal.Signals(-code).name if -code in CRASHES else ""

    def is_tried_again(self, *, was_unwanted: bool) -> bool:
        """Whether an arm's process ran out of memory or crashed, and all is ready now for a second attempt."""
        is_over = self._has_scored() or (read_status(self.directory) or Status()).state.is_final
        is_mendable = self.ran_out_of_memory or self.crash
        if was_unwanted or is_over or not is_mendable or stop_requests(self.directory):
            return False
        remove_temporary(self.directory)
        remove_partial(self.directory)
        return attempt.prepare(self.directory, crash=self.crash) is not None

    def settle(self, *, was_unwanted: bool, remedy: Said) -> None:
        """Once it is gone: write its final state and the reason, if it came to none by itself."""
        remove_temporary(self.directory)
        remove_partial(self.directory)
        status = read_status(self.directory) or Status()
        if status.state.is_final:
            return
        if self._has_scored():  # and died before it could say so
            end(self.directory, State.STOPPED if stop_requests(self.directory) else State.DONE)
            return
        if was_unwanted or stop_requests(self.directory):
            has_begun = status.state is not State.QUEUED
            end(self.directory, State.STOPPED, DISCARDED if was_unwanted else ENDED if has_begun else NEVER_STARTED)
            return
        end(self.directory, State.FAILED, self._reason(remedy))

    def _has_scored(self) -> bool:
        """Whether an arm's last file is there, whatever kept its process from its last word."""
        return (self.directory / SIGN).exists()

    def _reason(self, remedy: Said) -> Said:
        if self.process is None:
            return INTERRUPTED
        code = self.process.returncode
        if self.ran_out_of_memory:
            return say("end.out-of-memory", remedy=remedy)
        if code == -signal.SIGBUS:
            return say("end.out-of-disk", reason=space.was_unwritable())
        if code in (UNWRITTEN, UNFLUSHED):
            return space.was_unwritable()
        tail = _last_lines(self.directory / "log.txt")
        if code < 0:
            return say("end.by-signal", signal=signal.Signals(-code).name, log=tail)
        return say("end.by-code", code=code, log=tail)


class _Stop:
    """The stops that were asked for, and whether the process has answered the last one."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._requests = 0
        self._asked = 0.0
        self._is_answered = True
        self._state = State.QUEUED

    def signal_due(self) -> signal.Signals | None:
        """What to send now: nothing as long as nobody asked, or as the process may still answer by itself.

        A process that scores its best epoch because of the stop has answered: that may take its time.
        """
        now, requests = time.monotonic(), stop_requests(self._directory)
        state = (read_status(self._directory) or Status()).state
        if requests > self._requests:
            self._requests, self._asked, self._is_answered = requests, now, False
        if state is State.SCORE and self._state is not State.SCORE:
            self._is_answered = True
        self._state = state
        if self._is_answered:
            return None
        if state is State.QUEUED or now - self._asked > GRACE_SECONDS + LAST_SECONDS:
            return signal.SIGKILL  # one that has not yet said anything has nothing to lose
        return signal.SIGTERM if now - self._asked > GRACE_SECONDS else None


class ResultWriter:
    """The short process that compares an experiment's arms. Use it with `with`: what was begun has ended then."""

    def __init__(self, directory: Path | None) -> None:
        """Begin nothing yet; None is no experiment, and there will be nothing to compare."""
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Still nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no process behind."""
        if self._process:
            self._process.kill()
            self._process.communicate()

    def prepare(self) -> None:
        """Let it import what it needs, which takes longer than its work; it waits then for the last arm's end."""
        if self._process is None and not is_memory_short():
            with suppress(OSError):  # it is tried again when it must be
                self._begin()

    def write(self) -> None:
        """All arms have ended: have them compared where there is a score."""
        if not self._directory or not any(self._directory.glob(f"*/{SIGN}")):
            return
        for _ in range(REPORT_TRIES):
            report = self._begin()
            report.communicate(b"\n", timeout=REPORT_SECONDS)
            if report.returncode in (UNWRITTEN, UNFLUSHED):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._directory / "result.json"))
            if report.returncode >= 0:
                return
            self._process = None

    def _begin(self) -> "subprocess.Popen[bytes]":
        assert self._directory
        if self._process is None:
            arguments = ("core.tasks.report", str(self._directory), "when-told")
            self._process = _started(arguments, {}, self._directory / "report.log", stdin=subprocess.PIPE)
        return self._process


def start(
    directory: Path, arguments: Sequence[str], environment: Mapping[str, str], standby: Standby | None = None
) -> Child:
    """Start `python -m <arguments>` for `directory`; what it prints goes to its log.txt.

    A standby becomes that process, which must be a training then; where it has died a new one is started all the same.
    """
    log = directory / "log.txt"
    process = standby.become(arguments[1:], environment, log) if standby else None
    if process is None:
        process = _started(arguments, environment, log)
    return Child(directory, identity.of(process.pid), process)


def _started(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, *, stdin: int = subprocess.DEVNULL
) -> "subprocess.Popen[bytes]":
    with log.open("ab") as output:
        process = subprocess.Popen(
            [settings().python, "-m", *arguments],
            cwd=ROOT,
            env={**os.environ, **settings().places(), **environment, PARENT_VARIABLE: str(os.getpid())},
            stdin=stdin,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    with suppress(ProcessLookupError, PermissionError):
        os.setpriority(os.PRIO_PROCESS, process.pid, niceness())
    return process


def end(directory: Path, state: State, said: Said | None = None) -> None:
    """Write a final state, unless the directory is gone or has one."""
    status = read_status(directory) or Status()
    if directory.is_dir() and not status.state.is_final:
        last = {"state": state, "said": said, "seconds_left": None}
        write_status(directory, status.model_copy(update=last))


def is_settled(directory: Path) -> bool:
    """Whether no process is to be started for `directory`; one that is stopped while it waits is told so here."""
    status = read_status(directory) or Status()
    if directory.is_dir() and status.state is State.QUEUED and stop_requests(directory):
        with suppress(OSError):  # on a full disk it is told the next time
            end(directory, State.STOPPED, NEVER_STARTED)
        return True
    return status.state.is_final or not directory.is_dir()


def _last_lines(log: Path) -> str:
    """The end of a log in one line, without what is empty."""
    try:
        text = log.read_bytes()[-TAIL_BYTES:].decode(errors="replace")
    except FileNotFoundError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-TAIL_LINES:])[-400:]
