"""One arm in a process of its own: what it works on, what it reports, and whether it is still wanted. No Keras."""

import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from core import host
from core.disk import record, runs, space
from core.disk.runs import State
from core.errors import HeadstartError
from core.plan import attempt
from core.plan.experiment import Arm, Experiment, Training
from core.worker import process

PATIENCE_SECONDS = 0.6  # for a batch or an import to end by itself after a stop was asked for
IMPATIENCE_SECONDS = 0.3  # where nothing that took long would be lost
STATUS_SECONDS = 0.3
SCORE_FLAG = "--score"
SIGN = "predictions.parquet"  # the last file of an arm that was scored
STOPPED_AND_SCORED = "Stopped by you; the best epoch until then is scored."
TEMPORARY = ("*.npy", "*best.npz*", "start.json", "partial.keras")  # what only a running arm needs, half written too


class Report:
    """A process's status.json. Two threads tell it things, so it has a lock; after a final state it says no more."""

    def __init__(self, directory: Path, status: runs.Status) -> None:
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
                runs.write_status(self._directory, changed)
                self._status = changed

    def enter(self, state: State, message: str = "") -> None:
        """Begin a new state with its progress at zero."""
        self.tell(state=state, message=message, done=0, total=0, rate=None, seconds_left=None)

    def progress(self, done: int, total: int, *, rate: float | None = None, seconds_left: float | None = None) -> None:
        """Note progress; written a few times a second. Without `seconds_left` it follows from the rate."""
        if seconds_left is None and rate:
            seconds_left = (total - done) / rate
        if time.monotonic() - self._written > STATUS_SECONDS or done == total:
            try:
                self.tell(done=done, total=total, rate=rate, seconds_left=seconds_left)
            except OSError as error:  # a number that nobody sees is no reason to end
                if space.refusal(error) is None:
                    raise

    def leave(self, message: str) -> None:
        """End the process at once, as stopped, from whatever thread: nothing of it is worth waiting for."""
        try:
            self.tell(state=State.STOPPED, message=message, seconds_left=None)
        finally:
            os._exit(0)

    def fail(self, error: BaseException) -> None:
        """Say what went wrong: our own errors in their words, others by name with the log as the place to look."""
        error = space.refusal(error) or record.gone(error) or error
        known = isinstance(error, HeadstartError)
        message = str(error) if known else f"Failed with {type(error).__name__}: {error}. The log tells more."
        self.tell(state=State.FAILED, message=message, seconds_left=None)


class Job:
    """An arm's process. Use it with `with`: inside, the stop file and the parent are watched.

    A stop is answered within a second in every state. Short batches end by themselves; what does not is left where it
    is: during the fit the process starts anew, under the same pid, and scores the best epoch so far; in any other
    state it ends.
    """

    def __init__(self, directory: Path, arm: Arm, *, served: int = 0) -> None:
        """Read what to do.

        Args:
            directory: The experiment's.
            arm: Which of its arms.
            served: So many stops made the fit be left, so that only its best epoch is to be scored.
        """
        self.arm, self.scores_only = arm, served > 0
        self.directory = directory / arm
        self.experiment = Experiment.model_validate(runs.read_json(directory / "experiment.json"))
        self.attempt = attempt.read(self.directory)
        if self.attempt:
            self.experiment = self.attempt.applied(self.experiment, arm)
        self.split = record.read_frame(directory / "split.parquet")
        first = process.started()
        if self.scores_only:
            first = first.model_copy(update={"state": State.SCORE, "message": STOPPED_AND_SCORED})
        self.report = Report(self.directory, first)
        self.begun = time.monotonic()
        self._served = served
        self._watch = process.Watch(
            self.directory, self._on_stop, on_orphaned=lambda: remove_temporary(self.directory), level=self._served
        )

    def __enter__(self) -> "Job":
        """Begin to watch."""
        self._watch.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Watch no more, and free the disk of what only this process needed."""
        self._watch.__exit__()
        remove_temporary(self.directory)

    @property
    def training(self) -> Training:
        """This arm's."""
        return self.experiment.training_of(self.arm)

    @property
    def image_size(self) -> int:
        """Side in pixels of this arm's pictures."""
        return self.experiment.image_size_of(self.arm)

    @property
    def frozen_blocks(self) -> int:
        """Blocks of the base that this arm keeps as they are."""
        return self.experiment.frozen_blocks_of(self.arm)

    @property
    def best_path(self) -> Path:
        """Where the weights of the best epoch so far are kept."""
        return self.directory / "best.npz"

    @property
    def was_stopped(self) -> bool:
        """Whether a stop was asked for at any time."""
        return self._watch.requests > 0

    @property
    def peak_memory_bytes(self) -> int:
        """The most memory that this process held so far."""
        return max(self._watch.peak_bytes, host.own_bytes())

    def is_stopped(self) -> bool:
        """Whether the present state shall end."""
        return self._watch.requests > self._served

    def begin_scoring(self) -> None:
        """A stop that led here is served by scoring; from here on only a further one ends this process."""
        self._served = self._watch.requests
        self.report.enter(State.SCORE, STOPPED_AND_SCORED if self.was_stopped else "")

    def finish(self) -> None:
        """Say the last word of an arm that was scored."""
        if self.was_stopped:
            self.report.tell(state=State.STOPPED, message="Stopped by you; the best epoch until then was scored.")
        else:
            self.report.tell(state=State.DONE, message="", seconds_left=None)

    def give_up(self) -> None:
        """Say the last word of an arm that was stopped, without scores unless the last of them was just written."""
        if (self.directory / SIGN).exists():
            self.finish()
            return
        if self.report.state is State.SCORE:
            message = "Stopped while it was scored: there are no scores. Train again to get them."
        else:
            message = "Stopped before its first epoch was complete: there is nothing to score."
        self.report.tell(state=State.STOPPED, message=message, seconds_left=None)

    def _on_stop(self, _: int) -> None:
        threading.Thread(target=self._insist, daemon=True).start()

    def _insist(self) -> None:
        ends_soon = self.report.state in (State.FIT, State.SCORE)  # after the present batch
        deadline = time.monotonic() + (PATIENCE_SECONDS if ends_soon else IMPATIENCE_SECONDS)
        while time.monotonic() < deadline:
            if not self.is_stopped() or self.report.state.is_final:
                return
            time.sleep(0.02)
        if not self.is_stopped():  # in the last moment it began to score
            return
        if self.report.state is State.FIT and self.best_path.exists():
            served = str(self._watch.requests)  # what is asked from now on is a further stop
            self.report.enter(State.SCORE, STOPPED_AND_SCORED)
            command = [
                sys.executable,
                "-m",
                "core.tasks.train",
                str(self.directory.parent),
                self.arm,
                SCORE_FLAG,
                served,
            ]
            os.execve(sys.executable, command, {**os.environ, process.PARENT_VARIABLE: str(process.PARENT)})
        try:
            remove_temporary(self.directory)
            self.give_up()
        finally:
            os._exit(0)


def remove_temporary(directory: Path) -> None:
    """Free the disk of what only a running arm needs; for one that was killed somebody else must do it."""
    with suppress(OSError):  # on a disk that became read-only it stays
        while found := [path for pattern in TEMPORARY for path in directory.glob(pattern)]:  # a fit may still write
            for path in found:
                path.unlink(missing_ok=True)


def remove_unscored(directory: Path) -> None:
    """Free the disk of a network without scores as well, which nobody can use."""
    remove_temporary(directory)
    if not (directory / SIGN).exists():
        with suppress(OSError):
            for name in ("model.keras", "labels.json", "arm.json"):
                (directory / name).unlink(missing_ok=True)
