"""Every path below the home folder. Nobody else asks the settings where that is.

datasets/<id>/          a data set (`data.dataset`)
experiments/<id>/<arm>/ an experiment (`plan.experiments`) and its arms
predictions/<id>/       new pictures and their answers (`tasks.predict`)
cache/<key>/            what a run computed and a later one may use (`shelves`)
weights/  probes/       downloaded weights; timings of a few batches
jobs/  …                the queue (`queue`), with its locks and its log
rates.jsonl  ages.json  how fast this host was; what the last look for what nobody uses saw
"""

import re
import secrets
from pathlib import Path

from core.errors import InputError, ResourceError
from core.settings import settings

ID = re.compile("[0-9a-f]{32}")


def folder() -> Path:
    """The home folder itself, which may not exist yet."""
    return settings().home


def new_id() -> str:
    """A random 128-bit id as 32 hexadecimal digits: who knows it may see what it names."""
    return secrets.token_hex(16)


def make() -> None:
    """Make the home folder, where it is not there yet. `space.check_writable` looks at one that is.

    Raises:
        ResourceError: It cannot be made.
    """
    home = folder()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ResourceError("disk.no-home", folder=home.absolute(), reason=reason) from None


def dataset_directory(dataset_id: str) -> Path:
    """The directory of a data set, which may not exist yet."""
    return folder() / "datasets" / checked_id(dataset_id)


def experiment_directory(experiment_id: str) -> Path:
    """The directory of an experiment, which may not exist yet."""
    return folder() / "experiments" / checked_id(experiment_id)


def arm_directory(experiment_id: str, arm: str) -> Path:
    """The directory of one arm of an experiment."""
    return experiment_directory(experiment_id) / arm


def prediction_directory(prediction_id: str) -> Path:
    """The directory of a prediction, which may not exist yet."""
    return folder() / "predictions" / checked_id(prediction_id)


def probe_directory(key: str) -> Path:
    """The directory of the timing of a few batches; `key` is made of all that it depends on."""
    return folder() / "probes" / checked_id(key)


def weights_directory(base_name: str = "") -> Path:
    """Where downloaded weights are; with a base's name, where its download keeps its status, stop and log."""
    return folder() / "weights" / base_name


def cache_directory() -> Path:
    """Where all folders of the cache are."""
    return folder() / "cache"


def jobs_directory() -> Path:
    """Where the files of the jobs are."""
    return folder() / "jobs"


def file(name: str) -> Path:
    """A file of the whole host, directly in the home folder."""
    return folder() / name


def directories(kind: str) -> list[Path]:
    """The directories of a kind, "datasets" say, whatever is in them; others' files and folders are left out."""
    return [path for path in (folder() / kind).glob("*") if ID.fullmatch(path.name) and path.is_dir()]


def files_of_all(kind: str, name: str) -> list[Path]:
    """The files of that name in the directories of a kind, "experiments" say."""
    return list((folder() / kind).glob(f"*/{name}"))


def name_below(path: Path) -> str:
    """How a path is called from the home folder on.

    Raises:
        ValueError: It lies elsewhere.
    """
    return str(path.relative_to(folder()))


def checked_id(identifier: str) -> str:
    """The id itself, once it is seen to be one: it becomes part of a path.

    Raises:
        InputError: It is none.
    """
    if not ID.fullmatch(identifier):
        raise InputError("home.no-id")
    return identifier
