"""A second attempt at an arm whose process the system ended, probably for memory: once, and easier on it.

    <arm>/attempt.json  what the arm does otherwise than its experiment says: the size of a batch, or of its pictures

The process of the arm reads it; the page and the report say so.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from core import bases, record, runs
from core.experiment import Arm, Experiment

LEAST_BATCH = 2
SMALLER = 0.75  # times the side of a picture, where batches are as small as they can be
LEFT = ("metrics.jsonl", "arm.json")  # of the first attempt


class Attempt(BaseModel):
    """What a second attempt changes."""

    model_config = ConfigDict(frozen=True)

    batch_size: int
    usual_batch_size: int
    image_size: int
    usual_image_size: int

    def applied(self, experiment: Experiment, arm: Arm) -> Experiment:
        """The experiment as this attempt at one of its arms carries it out."""
        if arm is Arm.TRANSFER:
            training = experiment.training.model_copy(update={"batch_size": self.batch_size})
            return experiment.model_copy(update={"training": training})
        assert experiment.opponent
        own = {"batch_size": self.batch_size, "image_size": self.image_size}
        return experiment.model_copy(update={"opponent": experiment.opponent.model_copy(update=own)})

    @property
    def change(self) -> str:
        """What is done otherwise, in a few words."""
        if self.image_size != self.usual_image_size:
            return f"pictures of {self.image_size} px instead of {self.usual_image_size}"
        return f"batches of {self.batch_size} instead of {self.usual_batch_size}"

    @property
    def sentence(self) -> str:
        """What happened and what was changed."""
        return f"Memory ran out at the first attempt, so this is a second one, with {self.change}."


def read(directory: Path) -> Attempt | None:
    """The second attempt that the arm of `directory` is at, or was; None where there was none."""
    return record.read_as(Attempt, directory / "attempt.json")


def prepare(directory: Path) -> Attempt | None:
    """Make an arm's directory ready for a second attempt; None where it has had it, or where nothing can be lowered.

    Args:
        directory: Of an arm whose process is gone, in its experiment's.
    """
    value = runs.read_json(directory.parent / "experiment.json")
    if value is None or read(directory) is not None:
        return None
    easier = _easier(Experiment.model_validate(value), Arm(directory.name))
    if easier is None:
        return None
    for name in LEFT:
        (directory / name).unlink(missing_ok=True)
    runs.write_json(directory / "attempt.json", easier.model_dump())
    runs.write_status(directory, runs.Status(message=easier.sentence))
    return easier


def _easier(experiment: Experiment, arm: Arm) -> Attempt | None:
    """Half the batch, or where that is small already smaller pictures, which only an arm from scratch may have."""
    batch, size = experiment.training_of(arm).batch_size, experiment.image_size_of(arm)
    same = Attempt(batch_size=batch, usual_batch_size=batch, image_size=size, usual_image_size=size)
    if batch // 2 >= LEAST_BATCH:
        return same.model_copy(update={"batch_size": batch // 2})
    smaller = max(bases.base(experiment.base).min_size, round(SMALLER * size))
    if arm is Arm.SCRATCH and smaller < size:
        return same.model_copy(update={"image_size": smaller})
    return None
