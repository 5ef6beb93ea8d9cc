"""One job: a file in `jobs/` of the home folder, from its submission until its work is over."""

import hashlib
import time
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pydantic import ConfigDict

from core.disk import home, record
from core.disk.files import write_json
from core.disk.home import dataset_directory, experiment_directory
from core.errors import DamagedError
from core.identity import Identified
from core.plan import weights
from core.plan.arm import Arm
from core.plan.experiments import read_experiment
from core.settings import SAMPLE


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


class Job(Identified):
    """What a job's file says. The consumer notes in it that the work has begun, and with which process."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    subject: str  # an id, a base's name, or the path of a probe's directory
    submitted: int  # Unix time in nanoseconds, later than all that was submitted before: the order of the queue
    is_begun: bool = False
    step: str = ""  # the name of the directory on which `process` works

    @property
    def name(self) -> str:
        """No two jobs have the same, for it says what they do."""
        return name_of(self.kind, self.subject)

    @property
    def lane(self) -> Lane:
        """Where it waits."""
        if self.kind in (Kind.EXPERIMENT, Kind.PROBE):
            return Lane.EXPERIMENTS
        return Lane.SAMPLE if self.kind is Kind.INGEST and _is_sample(self.subject) else Lane.SHORT

    @property
    def priority(self) -> int:
        """What an earlier consumer has begun comes first, probes come last."""
        return 1 if self.is_begun else -1 if self.kind is Kind.PROBE else 0

    @property
    def is_discarded(self) -> bool:
        """Whether nobody wants its results any more."""
        return _discard_path(self.name).exists()

    def steps(self) -> list[Step]:
        """Its processes in the order in which they run, one at a time; none of an experiment deleted or damaged."""
        if self.kind is Kind.EXPERIMENT:
            folder = experiment_directory(self.subject)
            return [Step(folder / arm.name, ("core.tasks.train", str(folder), arm.name)) for arm in _arms(self.subject)]
        if self.kind is Kind.WEIGHTS:
            return [Step(weights.directory(self.subject), ("core.tasks.fetch", self.subject))]
        directory, module = Path(self.subject), "core.tasks.probe"
        if self.kind is Kind.INGEST:
            directory, module = dataset_directory(self.subject), "core.tasks.ingest"
        elif self.kind is Kind.PREDICTION:
            directory, module = home.prediction_directory(self.subject), "core.tasks.predict"
        return [Step(directory, (module, str(directory)))]

    def write(self) -> None:
        """Write the file."""
        write_json(_path(self.name), self.model_dump(mode="json"))

    def discard(self) -> None:
        """Nobody wants its results any more."""
        _discard_path(self.name).touch()

    def remove(self) -> None:
        """The work is over."""
        _path(self.name).unlink(missing_ok=True)
        _discard_path(self.name).unlink(missing_ok=True)


def _arms(experiment_id: str) -> tuple[Arm, ...]:
    try:
        experiment = read_experiment(experiment_id)
    except DamagedError:  # whoever opens it is told
        return ()
    return experiment.arms if experiment else ()


def _is_sample(dataset_id: str) -> bool:
    """Whether its zip has the very bytes of the sample, whoever brought it."""
    request = record.readable(dataset_directory(dataset_id) / "request.json")
    return request.get("zip_sha256") == _sample_hash()


@lru_cache
def _sample_hash() -> str:
    return hashlib.sha256(SAMPLE.read_bytes()).hexdigest()


def name_of(kind: Kind, subject: str) -> str:
    """The name of the job that does this."""
    return f"{kind}-{Path(subject).name}"


def read(name: str) -> Job | None:
    """The job of that name, or None when its work is over."""
    try:
        return record.read_as(Job, _path(name))
    except DamagedError:
        return _of_the_name(name)


def _of_the_name(name: str) -> Job | None:
    """What is known of a job whose file is damaged: what it does. None of a probe, for which nobody need wait."""
    kind, _, subject = name.partition("-")
    if kind not in {*Kind} - {Kind.PROBE}:
        return None
    return Job(kind=Kind(kind), subject=subject, submitted=_path(name).stat().st_mtime_ns)


def read_all() -> list[Job]:
    """All jobs that wait or run, in the order of their submission."""
    found = [read(path.stem) for path in home.jobs_directory().glob("*.json")]
    return sorted((job for job in found if job), key=lambda job: job.submitted)


def next_submitted() -> int:
    """The `submitted` of a job that comes now: after all that are there, also when the clock was set back."""
    return max([time.time_ns(), *(each.submitted + 1 for each in read_all())])


def _path(name: str) -> Path:
    return home.jobs_directory() / f"{name}.json"


def _discard_path(name: str) -> Path:
    return home.jobs_directory() / f"{name}.discard"
