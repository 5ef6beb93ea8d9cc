"""What every process that works on a directory needs: who it is, whether it is still wanted."""

import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn, Self

from core import host, identity
from core.disk import space
from core.disk.status import State, Status, stop_requests
from core.errors import HeadstartError

PARENT_VARIABLE = "HEADSTART_PARENT"  # who starts this process, said by itself: it may die before we could ask
PARENT = int(os.environ.pop(PARENT_VARIABLE, os.getppid()))  # no business of the processes that this one starts
LOOK_SECONDS = 0.2
OUT_OF_MEMORY = 71  # exit code of a process that was refused memory, on a graphics card for instance
ORPHANED = 70  # exit code, of no meaning to anybody: who would have read it is gone
UNWRITTEN = 74  # exit code: what the process had to say could not be written
UNFLUSHED = 120  # the same, of Python itself when it ends


def started() -> Status:
    """The first status of this process: starting, and which one it is. One whose parent is gone ends here instead."""
    if is_orphaned():  # another one may have been started for the same work
        os._exit(ORPHANED)
    return Status(state=State.STARTING, process=identity.own())


def is_orphaned() -> bool:
    """Whether the process that started this one is gone."""
    return os.getppid() != PARENT


def carried_out(main: Callable[[list[str]], int], arguments: list[str]) -> int:
    """The exit code of a process: 1 and a line on stderr where it is told nothing that it could do.

    It is `UNWRITTEN` where a full disk kept it from saying how it ended.
    """
    try:
        return main(arguments)
    except HeadstartError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except Exception as error:
        if space.refusal(error) is None:
            raise
        note()
        return UNWRITTEN


def note() -> None:
    """Leave the present error in the log; that it cannot be written either is no reason to fail."""
    with suppress(OSError):
        traceback.print_exc()


@contextmanager
def without(module: str) -> Iterator[None]:
    """Meanwhile `module` counts as not installed for whoever could do without it, unless it is imported already.

    Keras, say, imports scikit-learn if it can, for wrappers that nobody here uses: 0.7 s and 60 MB a process.
    """
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment] # (documented: an import of it fails)
    try:
        yield
    finally:
        del sys.modules[module]


class Watch:
    """A thread that looks every 0.2 s whether this process is still wanted; use it with `with`.

    When the parent is gone the process ends at once: nobody reads what it writes, and a second one may be started.
    Each rise of `status.stop_requests(directory)` above `level` calls `on_stop` with the new number, in this thread.
    """

    def __init__(
        self,
        directory: Path,
        on_stop: Callable[[int], object] | None = None,
        *,
        on_orphaned: Callable[[], object] | None = None,
        level: int = 0,
    ) -> None:
        """Start nothing yet.

        Args:
            directory: Where stops are asked for.
            on_stop: Called with the number of requests so far. It must be quick and must not raise.
            on_orphaned: Called before the end that a gone parent brings, to tidy up.
            level: So many requests are already dealt with.
        """
        self.requests = level
        self.peak_bytes = 0  # of memory, as `host.own_bytes` counts it; a peak between two looks is missed
        self._directory = directory
        self._on_stop, self._on_orphaned = on_stop, on_orphaned
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    @property
    def is_stopped(self) -> bool:
        """Whether a stop was asked for; as cheap as a variable, so it may be read in an inner loop."""
        return self.requests > 0

    def __enter__(self) -> Self:
        """Start to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look no more."""
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        is_over = False
        while not is_over:
            if is_orphaned():
                self._end_orphaned()
            self.peak_bytes = max(self.peak_bytes, host.own_bytes())
            requests = stop_requests(self._directory)
            if requests > self.requests:
                self.requests = requests
                if self._on_stop:
                    self._on_stop(requests)
            is_over = self._is_over.wait(LOOK_SECONDS)

    def _end_orphaned(self) -> NoReturn:
        try:
            if self._on_orphaned:
                self._on_orphaned()
        finally:
            os._exit(ORPHANED)
