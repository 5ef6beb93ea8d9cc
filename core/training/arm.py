"""One arm in a process of its own: what it works on, what it reports, and whether it is still wanted. No Keras."""

import os
import sys
import threading
import time
from pathlib import Path

from core import host
from core.disk import record
from core.disk.record import read_json
from core.disk.status import State
from core.plan import attempt
from core.plan.arm import Arm, Training
from core.plan.arm_files import SIGN, remove_temporary
from core.plan.experiment import Experiment
from core.worker import process
from core.worker.writer import StatusWriter

PATIENCE_SECONDS = 0.6  # for a batch or an import to end by itself after a stop was asked for
IMPATIENCE_SECONDS = 0.3  # where nothing that took long would be lost
SCORE_FLAG = "--score"
STOPPED_AND_SCORED = "Stopped by you; the best epoch until then is scored."


class Run:
    """An arm's process. Use it with `with`: inside, the stop file and the parent are watched.

    A stop is answered within a second in every state. Short batches end by themselves; what does not is left where it
    is: during the fit the process starts anew, under the same pid, and scores the best epoch so far; in any other
    state it ends.
    """

    def __init__(self, directory: Path, name: str, *, served: int = 0) -> None:
        """Read what to do.

        Args:
            directory: The experiment's.
            name: Of the arm.
            served: So many stops made the fit be left, so that only its best epoch is to be scored.
        """
        self.scores_only = served > 0
        self.directory = directory / name
        self.experiment = Experiment.model_validate(read_json(directory / "experiment.json"))
        self.attempt = attempt.read(self.directory)
        planned = self.experiment.arm(name)
        self.arm: Arm = self.attempt.applied(planned) if self.attempt else planned
        self.split = record.read_frame(directory / "split.parquet")
        first = process.started()
        if self.scores_only:
            first = first.model_copy(update={"state": State.SCORE, "message": STOPPED_AND_SCORED})
        self.report = StatusWriter(self.directory, first)
        self.begun = time.monotonic()
        self._served = served
        self._watch = process.Watch(
            self.directory, self._on_stop, on_orphaned=lambda: remove_temporary(self.directory), level=self._served
        )

    def __enter__(self) -> "Run":
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
        return self.arm.training

    @property
    def image_size(self) -> int:
        """Side in pixels of this arm's pictures."""
        return self.arm.image_size

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
                self.arm.name,
                SCORE_FLAG,
                served,
            ]
            os.execve(sys.executable, command, {**os.environ, process.PARENT_VARIABLE: str(process.PARENT)})
        try:
            remove_temporary(self.directory)
            self.give_up()
        finally:
            os._exit(0)
