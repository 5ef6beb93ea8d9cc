"""One job: a file in `jobs/` of the home folder, from its submission until its work is over."""

import time
from collections.abc import Container
from pathlib import Path

from pydantic import ConfigDict

from core.disk import home, record
from core.disk.files import write_json
from core.errors import DamagedError
from core.identity import Identified
from core.queue.kinds import RULES, Kind, Lane, Rules, Step


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
    def rules(self) -> Rules:
        """What holds for all jobs of its kind."""
        return RULES[self.kind]

    @property
    def lane(self) -> Lane:
        """Where it waits."""
        return self.rules.lane(self.subject)

    @property
    def priority(self) -> int:
        """What an earlier consumer has begun comes first, whatever it is."""
        return 1 if self.is_begun else self.rules.priority

    @property
    def is_discarded(self) -> bool:
        """Whether nobody wants its results any more."""
        return _discard_path(self.name).exists()

    def steps(self) -> list[Step]:
        """Its processes in the order in which they run, one at a time; none of an experiment deleted or damaged."""
        return self.rules.steps(self.subject)

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
    """What is known of a job whose file is damaged: what it does. None where its name does not."""
    kind, _, subject = name.partition("-")
    if kind not in {*Kind} or not RULES[Kind(kind)].is_in_name:
        return None
    return Job(kind=Kind(kind), subject=subject, submitted=_path(name).stat().st_mtime_ns)


def read_all(*, besides: Container[str] = ()) -> list[Job]:
    """All jobs that wait or run, besides those of these names, in the order of their submission."""
    names = [path.stem for path in home.jobs_directory().glob("*.json")]
    found = [read(name) for name in names if name not in besides]
    return sorted((job for job in found if job), key=lambda job: job.submitted)


def next_submitted() -> int:
    """The `submitted` of a job that comes now: after all that are there, also when the clock was set back."""
    return max([time.time_ns(), *(each.submitted + 1 for each in read_all())])


def _path(name: str) -> Path:
    return home.jobs_directory() / f"{name}.json"


def _discard_path(name: str) -> Path:
    return home.jobs_directory() / f"{name}.discard"
