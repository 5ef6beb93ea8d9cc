"""The status of a process, written by itself: where it stands, how far it is, and what its last word is."""

import threading
import time
from pathlib import Path

from core.disk import record, space
from core.disk.status import State, Status, write_status
from core.errors import HeadstartError
from core.words.said import Said, say

STATUS_SECONDS = 0.3  # between two notes of progress
FAULT = "process.failed"


class StatusWriter:
    """A process's status.json. Two threads tell it things, so it has a lock; after a final state it says no more."""

    def __init__(self, directory: Path, status: Status) -> None:
        """Begin with `status`, and write it."""
        self._directory, self._status = directory, status
        self._lock = threading.Lock()
        self._written = 0.0
        self.tell(state=status.state)

    @property
    def state(self) -> State:
        """The present state."""
        return self._status.state

    @property
    def device(self) -> str:
        """What this process computes on."""
        return self._status.device

    @property
    def engine(self) -> str:
        """And with what."""
        return self._status.engine

    def tell(self, **fields: object) -> None:
        """Write a change of the status at once."""
        with self._lock:
            if not self._status.state.is_final:
                changed = self._status.model_copy(update=fields)
                self._written = time.monotonic()
                write_status(self._directory, changed)
                self._status = changed

    def enter(self, state: State, said: Said | None = None) -> None:
        """Begin a new state with its progress at zero."""
        self.tell(state=state, said=said, done=0, total=0, rate=None, seconds_left=None)

    def progress(self, done: int, total: int, *, rate: float | None = None, seconds_left: float | None = None) -> None:
        """Note progress; written a few times a second, and once it is known of how much.

        Without `seconds_left` it follows from the rate.
        """
        if seconds_left is None and rate:
            seconds_left = (total - done) / rate
        is_due = time.monotonic() - self._written > STATUS_SECONDS
        if is_due or done == total or total != self._status.total:
            try:
                self.tell(done=done, total=total, rate=rate, seconds_left=seconds_left)
            except OSError as error:  # a number that nobody sees is no reason to end
                if space.refusal(error) is None:
                    raise

    def fail(self, error: BaseException, fault: str = FAULT) -> None:
        """Say what went wrong: our own errors in their words, others by name with the log as the place to look.

        Args:
            error: What was raised.
            fault: The kind of what is said of others.
        """
        error = space.refusal(error) or record.gone(error) or error
        if isinstance(error, HeadstartError):
            said = error.said
        else:
            said = say(fault, error=type(error).__name__, reason=str(error))
        self.tell(state=State.FAILED, said=said, seconds_left=None)
