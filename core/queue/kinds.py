"""The kinds of jobs. `RULES` has a row for each, which says all in which it differs from the others."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from core.data.uploads import discard
from core.disk import home, record
from core.disk.home import dataset_directory, experiment_directory
from core.errors import DamagedError
from core.plan import estimate, weights
from core.plan.experiment import Experiment
from core.plan.experiments import read_experiment
from core.settings import MEBIBYTE, SAMPLE
from core.words.said import Said, say

LOWER = say("lower.training")
FREE = say("lower.host")


class Kind(StrEnum):
    """What a job does."""

    EXPERIMENT = "experiment"
    PROBE = "probe"
    INGEST = "ingest"
    PREDICTION = "prediction"
    WEIGHTS = "weights"


class Lane(StrEnum):
    """The queues: what fills the processor or a GPU for long, what never waits behind that, and the app's own sample.

    What people upload may take any time. The sample is known to take a second, so it waits for none of that.
    """

    EXPERIMENTS = "experiments"
    SHORT = "short"
    SAMPLE = "sample"


class Step(NamedTuple):
    """One process of a job: the directory that it reports in, and what follows `python -m`."""

    directory: Path
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """What holds for all jobs of a kind. A subject is an id, a base's name, or the path of a probe's directory."""

    lane: Callable[[str], Lane]  # in which a subject waits
    steps: Callable[[str], list[Step]]  # a subject's processes in the order in which they run, one at a time
    need_bytes: Callable[[str], int]  # the most memory that they hold at any one time, about
    priority: int = 0  # in its lane; of two that are equal, who came first is first
    noun: str = ""  # by which those that wait are counted for others; "" where nobody waits for them
    remedy: Said = FREE  # for want of memory
    is_in_name: bool = True  # whether the subject is the end of a job's name, so that a damaged file loses nothing
    is_training: bool = False  # once only; with the standby, a second attempt and, at the end, a result
    gives_way: bool = False  # it is ended as soon as a training waits
    tidy: Callable[[Path], object] = lambda _: None  # done to each step's directory, however the work has ended


def _lane(lane: Lane) -> Callable[[str], Lane]:
    return lambda _: lane


def _ingest_lane(dataset_id: str) -> Lane:
    """That of the sample for a zip that has its very bytes, whoever brought it."""
    request = record.readable(dataset_directory(dataset_id) / "request.json")
    return Lane.SAMPLE if request.get("zip_sha256") == _sample_hash() else Lane.SHORT


@lru_cache
def _sample_hash() -> str:
    return hashlib.sha256(SAMPLE.read_bytes()).hexdigest()


def _step(module: str, directory: Callable[[str], Path]) -> Callable[[str], list[Step]]:
    """One process, which is told its directory."""
    return lambda subject: [Step(directory(subject), (module, str(directory(subject))))]


def _arms(experiment_id: str) -> list[Step]:
    """None of an experiment deleted or damaged."""
    folder, experiment = experiment_directory(experiment_id), _experiment(experiment_id)
    arms = experiment.arms if experiment else ()
    return [Step(folder / arm.name, ("core.tasks.train", str(folder), arm.name)) for arm in arms]


def _experiment(experiment_id: str) -> Experiment | None:
    try:
        return read_experiment(experiment_id)
    except DamagedError:  # whoever opens it is told
        return None


def _fetch(base_name: str) -> list[Step]:
    return [Step(weights.directory(base_name), ("core.tasks.fetch", base_name))]


def _mebibytes(number: int) -> Callable[[str], int]:
    return lambda _: number * MEBIBYTE


def _of_the_larger_arm(experiment_id: str) -> int:
    experiment = _experiment(experiment_id)
    return max(estimate.memory_bytes(experiment).values()) if experiment else 0


def _discard_unread(directory: Path) -> None:
    """No upload stays, and no pictures of an ingest that did not come to its end."""
    if not (directory / "manifest.parquet").exists():
        discard(directory)


def _remove_uploads(directory: Path) -> None:
    shutil.rmtree(directory / "uploads", ignore_errors=True)


RULES = {
    Kind.EXPERIMENT: Rules(
        lane=_lane(Lane.EXPERIMENTS),
        steps=_arms,
        need_bytes=_of_the_larger_arm,
        noun="training",
        remedy=LOWER,
        is_training=True,
    ),
    Kind.PROBE: Rules(
        lane=_lane(Lane.EXPERIMENTS),
        steps=_step("core.tasks.probe", Path),
        need_bytes=_mebibytes(450),
        priority=-1,
        is_in_name=False,
        gives_way=True,
    ),
    Kind.INGEST: Rules(
        lane=_ingest_lane,
        steps=_step("core.tasks.ingest", dataset_directory),
        need_bytes=_mebibytes(120),
        noun="upload",
        tidy=_discard_unread,
    ),
    Kind.PREDICTION: Rules(
        lane=_lane(Lane.SHORT),
        steps=_step("core.tasks.predict", home.prediction_directory),
        need_bytes=_mebibytes(450),
        noun="prediction",
        tidy=_remove_uploads,
    ),
    Kind.WEIGHTS: Rules(lane=_lane(Lane.SHORT), steps=_fetch, need_bytes=_mebibytes(60)),
}
