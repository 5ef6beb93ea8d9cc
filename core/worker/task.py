"""What a process does for one directory, from its first status to its exit code. All that have a status do it alike."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from core.disk import space
from core.disk.status import State
from core.errors import HeadstartError, StopRequested
from core.words.said import Said, say
from core.worker import process
from core.worker.writer import FAULT, StatusWriter

MARKS_OF_MEMORY = ("ResourceExhaustedError", "RESOURCE_EXHAUSTED", "OutOfMemoryError")  # TensorFlow, JAX, PyTorch
LOOK_SECONDS = 0.02


class Task:
    """The work of this process. `carry_out` does it; inside, the parent and the file that asks for a stop are watched.

    A stop is answered within a second: work that looks at `is_stopped` ends by itself and raises `StopRequested`, and
    what has not ended after `patience_seconds` is left where it is. What is special about some work is said by a
    subclass.
    """

    def __init__(
        self,
        directory: Path,
        *,
        state: State = State.STARTING,
        said: Said | None = None,
        patience_seconds: float = 0.0,
        stopped: str | None = None,
        fault: str = FAULT,
        served: int = 0,
    ) -> None:
        """Write the first status; a process whose parent is gone ends here instead.

        Args:
            directory: Where this process reports, and is asked to stop.
            state: Of the first status.
            said: In the first status.
            patience_seconds: For the work to end by itself after a stop was asked for.
            stopped: The kind of the last word of work that was stopped.
            fault: That of work which failed by a fault of ours; its values are the `error`'s name and the `reason`.
            served: So many stops are already dealt with.
        """
        self.directory = directory
        self.begun = time.monotonic()
        first = process.started().model_copy(update={"state": state, "said": said})
        self.report = StatusWriter(directory, first)
        self._patience_seconds, self._served = patience_seconds, served
        self._stopped, self._fault = stopped, fault
        self._watch = process.Watch(directory, self._on_stop, on_orphaned=self.tidy, level=served)

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._watch.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Watch no more, and tidy up."""
        self._watch.__exit__()
        self.tidy()

    @property
    def patience_seconds(self) -> float:
        """For the work to end by itself after a stop, as it stands now."""
        return self._patience_seconds

    def is_stopped(self) -> bool:
        """Whether a stop was asked for that is not served yet; as cheap as a comparison."""
        return self._watch.requests > self._served

    def progress(self, done: int, total: int) -> None:
        """Note progress at the pace that it had since the beginning."""
        self.report.progress(done, total, rate=done / max(time.monotonic() - self.begun, 1e-3))

    def carry_out(self, work: Callable[[Self], object]) -> int:
        """Do it, and say how it ended.

        Returns:
            The exit code: 0 unless it failed, and a code of its own where memory was refused.

        Raises:
            OSError: How it ended could not be written (`process.carried_out` makes an exit code of that).
        """
        with self:
            try:
                work(self)
                self.finish()
            except StopRequested:
                self.give_up()
            except Exception as error:
                if not isinstance(error, HeadstartError):
                    process.note()
                if is_out_of_memory(error):
                    return process.OUT_OF_MEMORY  # whoever started this process says so, or tries it again
                refusal = space.refusal(error)
                if refusal:
                    self.make_room()  # for the last word
                self.report.fail(refusal or error, self._fault)
                return 1
        return 0

    def finish(self) -> None:
        """Say the last word of work that came to its end."""
        self.report.tell(state=State.DONE, seconds_left=None)

    def give_up(self) -> None:
        """Say the last word of work that was stopped."""
        self.report.tell(state=State.STOPPED, said=say(self._stopped) if self._stopped else None, seconds_left=None)

    def leave(self) -> None:
        """End the process at once, as stopped, from whatever thread: nothing of it is worth waiting for."""
        try:
            self.tidy()
            self.give_up()
        finally:
            os._exit(0)

    def tidy(self) -> None:
        """Remove what only this process needed; called however it ends."""

    def make_room(self) -> None:
        """Remove, on a full disk, what failed work is not worth."""

    def _on_stop(self, _: int) -> None:
        threading.Thread(target=self._insist, daemon=True).start()

    def _insist(self) -> None:
        deadline = time.monotonic() + self.patience_seconds
        while time.monotonic() < deadline:
            if not self.is_stopped() or self.report.state.is_final:
                return
            time.sleep(LOOK_SECONDS)
        if self.is_stopped():  # else it was served in the last moment
            self.leave()


def is_out_of_memory(error: Exception) -> bool:
    """Whether Python, or the backend in its own words, was refused memory."""
    said = f"{type(error).__name__}: {error}"
    return isinstance(error, MemoryError) or any(mark in said for mark in MARKS_OF_MEMORY)
