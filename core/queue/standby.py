"""A process that waits, with Keras imported, to become an arm's (`tasks.standby`): started, ordered, given up."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

from core import host
from core.settings import GIBIBYTE, MEBIBYTE, ROOT, settings

NICENESS = 5  # above the pages' own: a training fills all cores, and they stay quick beside it
HIGHEST_NICENESS = 19
LEAST_MEMORY_BYTES = 3 * GIBIBYTE // 2  # of a host that has a standby without being told to
OWN_BYTES = 340 * MEBIBYTE  # of one that waits
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
        command = [settings().python, "-m", "core.tasks.standby", *([str(note.absolute())] if note else [])]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **settings().places()},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        with suppress(ProcessLookupError, PermissionError):
            os.setpriority(os.PRIO_PROCESS, self.process.pid, niceness())

    @property
    def is_alive(self) -> bool:
        """Whether it still waits."""
        return self.process.poll() is None

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
        assert self.process.stdin
        try:
            with self.process.stdin as pipe:
                pipe.write(json.dumps(order).encode() + b"\n")
        except OSError:
            self.end()
            return None
        return self.process if self.is_alive else None

    def end(self) -> None:
        """End it, used or not."""
        self.process.kill()
        self.process.wait()
        if self.process.stdin:
            with suppress(OSError):
                self.process.stdin.close()
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
