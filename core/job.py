"""One job: a file in `jobs/` of the home folder, from its submission until its work is over."""

import hashlib
import time
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pydantic import ConfigDict

from core import runs, weights
from core.identity import Identified
from core.settings import SAMPLE, settings


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
        """Its processes in the order in which they run, one at a time; none when the experiment is deleted."""
        if self.kind is Kind.EXPERIMENT:
            experiment, folder = runs.read_experiment(self.subject), runs.experiment_directory(self.subject)
            arms = experiment.arms if experiment else ()
            return [Step(folder / arm, ("core.training", str(folder), arm)) for arm in arms]
        if self.kind is Kind.WEIGHTS:
            return [Step(weights.directory(self.subject), ("core.weights", self.subject))]
        directory, module = Path(self.subject), "core.probe"
        if self.kind is Kind.INGEST:
            directory, module = runs.dataset_directory(self.subject), "core.dataset"
        elif self.kind is Kind.PREDICTION:
            directory, module = settings().home / "predictions" / runs.checked_id(self.subject), "core.predict"
        return [Step(directory, (module, str(directory)))]

    def write(self) -> None:
        """Write the file."""
        runs.write_json(_path(self.name), self.model_dump(mode="json"))

    def discard(self) -> None:
        """Nobody wants its results any more."""
        _discard_path(self.name).touch()

    def remove(self) -> None:
        """The work is over."""
        _path(self.name).unlink(missing_ok=True)
        _discard_path(self.name).unlink(missing_ok=True)


def _is_sample(dataset_id: str) -> bool:
    """Whether its zip has the very bytes of the sample, whoever brought it."""
    request = runs.read_json(runs.dataset_directory(dataset_id) / "request.json") or {}
    return request.get("zip_sha256") == _sample_hash()


@lru_cache
def _sample_hash() -> str:
    return hashlib.sha256(SAMPLE.read_bytes()).hexdigest()


def name_of(kind: Kind, subject: str) -> str:
    """The name of the job that does this."""
    return f"{kind}-{Path(subject).name}"


def read(name: str) -> Job | None:
    """The job of that name, or None when its work is over."""
    value = runs.read_json(_path(name))
    return None if value is None else Job.model_validate(value)


def read_all() -> list[Job]:
    """All jobs that wait or run, in the order of their submission."""
    found = [read(path.stem) for path in folder().glob("*.json")]
    return sorted((job for job in found if job), key=lambda job: job.submitted)


def next_submitted() -> int:
    """The `submitted` of a job that comes now: after all that are there, also when the clock was set back."""
    return max([time.time_ns(), *(each.submitted + 1 for each in read_all())])


def folder() -> Path:
    """Where the files are."""
    return settings().home / "jobs"


def _path(name: str) -> Path:
    return folder() / f"{name}.json"


def _discard_path(name: str) -> Path:
    return folder() / f"{name}.discard"
