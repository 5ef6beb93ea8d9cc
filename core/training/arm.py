"""One arm in a process of its own: what it works on, what it reports, and whether it is still wanted. No Keras."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from core import host
from core.disk import record
from core.disk.record import read_json
from core.disk.status import State
from core.plan import attempt
from core.plan.arm import Arm, Training
from core.plan.arm_files import SIGN, remove_temporary, remove_unscored
from core.plan.experiment import Experiment
from core.words.said import say
from core.worker import process
from core.worker.task import Task

PATIENCE_SECONDS = 0.6  # for a batch or an import to end by itself after a stop was asked for
IMPATIENCE_SECONDS = 0.3  # where nothing that took long would be lost
SCORE_FLAG = "--score"
STOPPED_AND_SCORED = say("run.being-scored")


class Run(Task):
    """An arm's process.

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
        self.experiment = Experiment.model_validate(read_json(directory / "experiment.json"))
        self.attempt = attempt.read(directory / name)
        planned = self.experiment.arm(name)
        self.arm: Arm = self.attempt.applied(planned) if self.attempt else planned
        self.split = record.read_frame(directory / "split.parquet")
        state, said = (State.SCORE, STOPPED_AND_SCORED) if self.scores_only else (State.STARTING, None)
        super().__init__(directory / name, state=state, said=said, served=served)

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

    @property
    def patience_seconds(self) -> float:
        """Longer where the present batch ends soon, and something would be lost."""
        ends_soon = self.report.state in (State.FIT, State.SCORE)
        return PATIENCE_SECONDS if ends_soon else IMPATIENCE_SECONDS

    def begin_scoring(self) -> None:
        """A stop that led here is served by scoring; from here on only a further one ends this process."""
        self._served = self._watch.requests
        self.report.enter(State.SCORE, STOPPED_AND_SCORED if self.was_stopped else None)

    def finish(self) -> None:
        """Say the last word of an arm that was scored."""
        if self.was_stopped:
            self.report.tell(state=State.STOPPED, said=say("run.was-scored"))
        else:
            self.report.tell(state=State.DONE, said=None, seconds_left=None)

    def give_up(self) -> None:
        """Say the last word of an arm that was stopped, without scores unless the last of them was just written."""
        if (self.directory / SIGN).exists():
            self.finish()
            return
        said = say("run.no-scores") if self.report.state is State.SCORE else say("run.no-epoch")
        self.report.tell(state=State.STOPPED, said=said, seconds_left=None)

    def leave(self) -> None:
        """Begin anew where there is something to score, else end."""
        if self.report.state is State.FIT and self.best_path.exists():
            self._begin_anew()
        super().leave()

    def tidy(self) -> None:
        """Free the disk of what only this process needed."""
        remove_temporary(self.directory)

    def make_room(self) -> None:
        """Free it of a network without scores as well."""
        remove_unscored(self.directory)

    def _begin_anew(self) -> NoReturn:
        served = str(self._watch.requests)  # what is asked from now on is a further stop
        self.report.enter(State.SCORE, STOPPED_AND_SCORED)
        arguments = [str(self.directory.parent), self.arm.name, SCORE_FLAG, served]
        command = [sys.executable, "-m", "core.tasks.train", *arguments]
        os.execve(sys.executable, command, {**os.environ, process.PARENT_VARIABLE: str(process.PARENT)})
