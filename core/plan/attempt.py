"""A second attempt at an arm whose process was ended by the system, for memory, or by a crash: once, and easier on it.

    <arm>/attempt.json  what the arm does otherwise than its experiment says: the size of a batch, or of its pictures;
                        or that it does without OpenVINO, whose C++ may end a process where it should raise an error

The process of the arm reads it; the page and the report say so.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from core import host
from core.disk import record
from core.disk.files import write_json
from core.disk.record import read_json
from core.disk.status import Status, write_status
from core.plan import bases
from core.plan.arm import Arm
from core.plan.experiment import Experiment
from core.words.said import Said, say

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
    crash: str = ""  # the signal by which the first process ended itself, after which OpenVINO is left out

    def applied(self, arm: Arm) -> Arm:
        """The arm as this attempt at it carries it out."""
        smaller = arm.model_copy(update={"image_size": self.image_size}) if arm.is_scratch else arm
        return smaller.with_training(batch_size=self.batch_size)

    @property
    def change(self) -> Said:
        """What is done otherwise, in a few words."""
        if self.crash:
            return say("attempt.without-openvino")
        if self.image_size != self.usual_image_size:
            return say("attempt.size", size=self.image_size, usual=self.usual_image_size)
        return say("attempt.batch", batch=self.batch_size, usual=self.usual_batch_size)

    @property
    def cause(self) -> Said:
        """What happened at the first attempt, in a few words."""
        return say("attempt.crash", signal=self.crash) if self.crash else say("attempt.memory")

    @property
    def said(self) -> Said:
        """What happened and what was changed."""
        return say("attempt.second", cause=self.cause, crash=self.crash, change=self.change)


def read(directory: Path) -> Attempt | None:
    """The second attempt that the arm of `directory` is at, or was; None where there was none."""
    return record.read_as(Attempt, directory / "attempt.json")


def is_without_openvino(directory: Path) -> bool:
    """Whether nothing may load OpenVINO for this arm any more, as every standby does."""
    second = read(directory)
    return second is not None and bool(second.crash)


def prepare(directory: Path, *, crash: str = "") -> Attempt | None:
    """Make an arm's directory ready for a second attempt; None where it has had it, or where nothing can be changed.

    Args:
        directory: Of an arm whose process is gone, in its experiment's.
        crash: The signal by which it ended itself; without one it was memory that it lacked.
    """
    value = read_json(directory.parent / "experiment.json")
    if value is None or read(directory) is not None:
        return None
    arm = Experiment.model_validate(value).arm(directory.name)
    easier = _without_openvino(arm, crash) if crash else _easier(arm)
    if easier is None:
        return None
    for name in LEFT:
        (directory / name).unlink(missing_ok=True)
    write_json(directory / "attempt.json", easier.model_dump())
    write_status(directory, Status(said=easier.said))
    return easier


def _easier(arm: Arm) -> Attempt | None:
    """Half the batch, or where that is small already smaller pictures, which only an arm from scratch may have."""
    same = _same(arm)
    batch, size = same.batch_size, same.image_size
    if batch // 2 >= LEAST_BATCH:
        return same.model_copy(update={"batch_size": batch // 2})
    smaller = max(bases.base(arm.base).min_size, round(SMALLER * size))
    if arm.is_scratch and smaller < size:
        return same.model_copy(update={"image_size": smaller})
    return None


def _without_openvino(arm: Arm, crash: str) -> Attempt | None:
    """Any process of an arm may have loaded OpenVINO; where it does not compute it was something else that crashed."""
    is_used = host.has_openvino() and not host.device().has_gpu
    return _same(arm).model_copy(update={"crash": crash}) if is_used else None


def _same(arm: Arm) -> Attempt:
    batch, size = arm.training.batch_size, arm.image_size
    return Attempt(batch_size=batch, usual_batch_size=batch, image_size=size, usual_image_size=size)
