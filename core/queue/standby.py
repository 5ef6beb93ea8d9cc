"""A process that has already imported Keras and waits to become an arm's. `python -m core.queue.standby`

Importing TensorFlow takes seconds, and it does not depend on what will be trained. So this process does it beforehand
and then reads one line from its standard input, the order: from there on it is the run that `python -m
core.tasks.train` would have been, in every respect. It holds nothing of a GPU before, for only the order says which one
is its own. When its input ends without an order, as it does when the process that started it dies, it ends at once.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TypedDict

from core import host, identity
from core.disk import runs
from core.settings import GIBIBYTE, MEBIBYTE, ROOT, settings
from core.worker import process

NICENESS = 5  # above the pages' own: a training fills all cores, and they stay quick beside it
HIGHEST_NICENESS = 19
LEAST_MEMORY_BYTES = 3 * GIBIBYTE // 2  # of a host that has a standby without being told to
OWN_BYTES = 340 * MEBIBYTE  # of one that waits, and
CONVERTING_BYTES = 300 * MEBIBYTE  # what it takes for a moment to convert a network beforehand
PAUSE_SECONDS = 30.0  # after one has ended unused: for lack of memory, or by itself


class Order(TypedDict):
    """What a standby is to become."""

    arguments: list[str]  # what would follow `python -m core.tasks.train`
    environment: dict[str, str]  # what that process would have in its environment in addition
    log: str  # where its output goes from then on
    parent: int  # who gives the order


class Standby:
    """Such a process as the one that started it sees it."""

    def __init__(self, log: Path, *, note: Path | None = None) -> None:
        """Start it.

        Args:
            log: Where its output goes until it has an order.
            note: The file that it writes when it has imported everything: which one it is.
        """
        self._note = note
        command = [settings().python, "-m", "core.queue.standby", *([str(note.absolute())] if note else [])]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **settings().places()},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        with suppress(ProcessLookupError, PermissionError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, niceness())

    @property
    def is_alive(self) -> bool:
        """Whether it still waits."""
        return self._process.poll() is None

    def become(
        self, arguments: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> "subprocess.Popen[bytes] | None":
        """Give it its order. It need not be ready: it goes on with its imports, and has a head start.

        Args:
            arguments: See `Order`.
            environment: See `Order`.
            log: See `Order`.

        Returns:
            The process, which is no standby any more; None when it had died.
        """
        order = Order(
            arguments=[*arguments], environment=dict(environment), log=str(log.absolute()), parent=os.getpid()
        )
        assert self._process.stdin
        try:
            with self._process.stdin as pipe:
                pipe.write(json.dumps(order).encode() + b"\n")
        except OSError:
            self.end()
            return None
        return self._process if self.is_alive else None

    def end(self) -> None:
        """End it, used or not."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()
        if self._note:
            self._note.unlink(missing_ok=True)


class Reserve:
    """At most one standby, as long as there is memory for it. Several threads may ask for it."""

    def __init__(self, folder: Path | None = None) -> None:
        """Without one.

        Args:
            folder: Where `standby.log` and, once it is ready, `standby.json` are; without it nobody sees either.
        """
        self._log = folder / "standby.log" if folder else Path(os.devnull)
        self._note = folder / "standby.json" if folder else None
        self._is_on = is_on()
        self._lock = threading.Lock()
        self._standby: Standby | None = None
        self._paused_until = 0.0

    def take(self) -> Standby | None:
        """The standby, which is the caller's from now on; None without one."""
        with self._lock:
            taken, self._standby = self._standby, None
            return taken

    def tend(self, *, is_wanted: bool) -> None:
        """Start one where it is wanted and there is room; give it up where memory is short. To be called often."""
        with self._lock:
            if self._standby and (not self._standby.is_alive or is_memory_short()):
                self._end()
            elif is_wanted and self._is_on and not self._standby and time.monotonic() > self._paused_until:
                self._paused_until = time.monotonic() + 1.0
                if has_room():
                    with suppress(OSError):  # without one every run starts cold, and says what is wrong then
                        self._standby = Standby(self._log, note=self._note)

    def close(self) -> None:
        """End it for good."""
        with self._lock:
            self._is_on = False
            if self._standby:
                self._end()

    def _end(self) -> None:
        assert self._standby
        self._standby.end()
        self._standby = None
        self._paused_until = time.monotonic() + PAUSE_SECONDS


def niceness() -> int:
    """Of a process that works in the background for this one, whose own may be any."""
    return min(HIGHEST_NICENESS, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)


def is_on() -> bool:
    """Whether this host shall have a standby: the setting, or else whether it has the memory."""
    chosen = settings().standby
    return host.prudent_bytes() >= LEAST_MEMORY_BYTES if chosen is None else chosen


def is_memory_short() -> bool:
    """Whether a standby must make room, and nothing else is to be prepared that can be done without."""
    is_blind = not host.is_limit_known() and not settings().standby
    return is_blind or host.available_bytes() < settings().standby_min_free_bytes


def has_room() -> bool:
    """Whether memory would not be short right after a standby was started, with something to spare."""
    return host.available_bytes() > settings().standby_min_free_bytes + 1.25 * OWN_BYTES


def main(arguments: list[str]) -> int:
    """Import everything, wait for the order, carry it out. Returns its exit code."""
    from core.tasks import train  # no Keras yet

    note = _Note(Path(arguments[0]) if arguments else None)
    loading = threading.Thread(target=_load, args=[note], daemon=True)
    loading.start()
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        _leave()
    order: Order = json.loads(line)
    if os.getppid() != order["parent"]:
        _leave()
    note.remove()
    _become(order, loading)
    return train.main(order["arguments"], loaded=loading.join)


class _Note:
    """The file by which others see that this process is ready and still waits. Two threads write it."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._lock = path, threading.Lock()

    @property
    def is_wanted(self) -> bool:
        return self._path is not None

    def write(self) -> None:
        with self._lock:
            if self._path:
                runs.write_json(self._path, identity.own().model_dump())

    def remove(self) -> None:
        """For good: it does not wait any more."""
        with self._lock:
            if self._path:
                self._path.unlink(missing_ok=True)
                self._path = None


def _load(note: _Note) -> None:
    """What a run imports, wherever it does so first."""
    import gc

    import pyarrow.parquet  # noqa: F401 (for pandas, when it reads the split)

    with process.without("sklearn"):
        from core.training import (
            fit,  # noqa: F401 (for `training.run`)
            score,  # noqa: F401 (for `training.run`)
        )
    with suppress(Exception, SystemExit):  # one that is broken may raise anything; the run that needs it says so
        import openvino  # noqa: F401 (for the frozen part, where this platform has it)
    gc.collect()
    gc.freeze()  # what is there now stays: looking through it again and again would cost a run 0.1 s
    with suppress(OSError):  # on a full disk nobody sees that it is ready
        note.write()
    has_memory = host.available_bytes() > settings().standby_min_free_bytes + CONVERTING_BYTES
    if note.is_wanted and has_memory:  # nobody has given an order meanwhile
        threading.Thread(target=_convert, daemon=True).start()


def _convert() -> None:
    """An idle host makes the first run on the usual base quicker."""
    from core.errors import HeadstartError
    from core.training import inputs

    with suppress(HeadstartError, OSError, RuntimeError):  # OpenVINO raises the last
        inputs.convert_ahead()


def _become(order: Order, loading: threading.Thread) -> None:
    """Take on the environment, the input and the output that the run would have been started with."""
    if any(os.environ.get(name) != value for name, value in order["environment"].items()):
        loading.join()  # libraries read the environment, without a lock, while they are imported
        os.environ.update(order["environment"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for source, targets in ((nothing, (0,)), (log, (1, 2))):
        for target in targets:
            os.dup2(source, target)
        os.close(source)


def _leave() -> NoReturn:
    os._exit(process.ORPHANED)  # at once, in the midst of an import as well


if __name__ == "__main__":
    sys.exit(process.carried_out(main, sys.argv[1:]))
