"""Memory as room for jobs: on a small host one that would not fit beside the others waits for its turn.

Each job counts with the most that it will need, not with what it holds at the moment: an arm that has just begun will
grow. Where there is plenty nobody ever waits. First come, first served, and whoever is alone may always begin.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core import host
from core.plan import estimate
from core.settings import MEBIBYTE

LOOK_SECONDS = 0.2
SERVER_BYTES = 200 * MEBIBYTE  # of the app's server, whichever pages are open


def size_bytes() -> int:
    """What all jobs together may hold."""
    taken = SERVER_BYTES + estimate.CONSUMER_BYTES + estimate.FILES_BYTES
    return max(0, host.prudent_bytes() - taken)


class Room:
    """So much memory, and who holds how much of it. Several threads may ask for it."""

    def __init__(self, size: Callable[[], int] = size_bytes) -> None:
        """Empty.

        Args:
            size: How many bytes it has at present.
        """
        self._size = size
        self._changed = threading.Condition()
        self._held: list[int] = []
        self._line: deque[object] = deque()

    @property
    def n_waiting(self) -> int:
        """How many jobs wait for memory."""
        return len(self._line)

    @contextmanager
    def taken(self, wanted_bytes: int, *, is_unwanted: Callable[[], bool]) -> Iterator[None]:
        """Hold so much, once it is there; at once, and without holding it back from others, where `is_unwanted()`."""
        turn = object()
        with self._changed:
            self._line.append(turn)
            while not (self._line[0] is turn and self._fits(wanted_bytes)) and not is_unwanted():
                self._changed.wait(LOOK_SECONDS)
            self._line.remove(turn)
            self._held.append(wanted_bytes)
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._held.remove(wanted_bytes)
                self._changed.notify_all()

    def _fits(self, wanted_bytes: int) -> bool:
        return not self._held or sum(self._held) + wanted_bytes <= self._size()
