"""Data set and experiment directories: the contract between processes, with readers that need no Keras.

Every file has one writer. Whole files are written beside themselves and moved into place with `os.replace`;
`metrics.jsonl` only grows, and its readers ignore a torn last line.
"""

import errno
import json
import os
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict

from core.disk import record
from core.disk.record import read_json as read_json
from core.errors import DamagedError, InputError, ResourceError
from core.identity import Identified
from core.plan.experiment import Arm, Experiment
from core.settings import settings

if TYPE_CHECKING:  # the consumer and the children's first status need no frames: pandas is 60 MB and half a second
    import pandas as pd

ID = re.compile("[0-9a-f]{32}")
METRICS = ["phase", "epoch", "seconds", "loss", "accuracy", "val_loss", "val_accuracy"]


class State(StrEnum):
    """Where a process stands; the last three are final."""

    QUEUED = "queued"
    STARTING = "starting"
    WEIGHTS = "weights"
    FEATURES = "features"
    FIT = "fit"
    SCORE = "score"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self in (State.DONE, State.STOPPED, State.FAILED)


class Status(Identified):
    """What `status.json` says. `done` of `total` are pictures, bytes or training steps of the present state."""

    model_config = ConfigDict(frozen=True)

    state: State = State.QUEUED
    device: str = ""
    engine: str = ""
    rate: float | None = None  # pictures a second
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    message: str = ""


def new_id() -> str:
    """A random 128-bit id as 32 hexadecimal digits: who knows it may see what it names."""
    return secrets.token_hex(16)


def check_home() -> None:
    """Make the folder for all that is written, where it is not there yet. `disk.check_writable` looks at one that is.

    Raises:
        ResourceError: It cannot be made.
    """
    home = settings().home
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(
            f"Headstart needs a folder that it can write to, for pictures and results. Found {home.absolute()}: "
            f"{error.strerror or error}. Name another one in the environment variable HEADSTART_HOME and start the "
            "app again."
        ) from None


def dataset_directory(dataset_id: str) -> Path:
    """The directory of a data set, which may not exist yet."""
    return settings().home / "datasets" / checked_id(dataset_id)


def experiment_directory(experiment_id: str) -> Path:
    """The directory of an experiment, which may not exist yet."""
    return settings().home / "experiments" / checked_id(experiment_id)


def directories(kind: str) -> list[Path]:
    """The directories of a kind, "datasets" say, whatever is in them; others' files and folders are left out."""
    found = (settings().home / kind).glob("*")
    return [path for path in found if ID.fullmatch(path.name) and path.is_dir()]


def checked_id(identifier: str) -> str:
    """The id itself, once it is seen to be one: it becomes part of a path.

    Raises:
        InputError: It is none.
    """
    if not ID.fullmatch(identifier):
        raise InputError(
            "Expected an id of 32 hexadecimal digits, as the app's own links have. Open the app without it."
        )
    return identifier


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then move it into place at once."""
    own = f"{os.getpid()}-{threading.get_native_id()}"  # two threads may write the same file
    partial = path.with_name(f".{path.name}.{own}.partial")
    try:
        write(partial)
        partial.replace(path)
    except BaseException:
        with suppress(OSError):  # of a read-only disk, on which there is none
            partial.unlink(missing_ok=True)
        raise


@contextmanager
def made(directory: Path) -> Iterator[None]:
    """Make a new directory, which is gone again if the block fails."""
    directory.mkdir(parents=True)
    with kept(directory):
        yield


@contextmanager
def kept(directory: Path) -> Iterator[None]:
    """Remove a directory if the block fails: what should become of it will not."""
    try:
        yield
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def remove_partial(directory: Path) -> None:
    """Remove what a process that was killed has left beside its files. Nobody may be writing there."""
    for path in directory.glob(".*.partial"):
        path.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Write `value` as JSON, whole."""
    write_whole(path, lambda partial: partial.write_text(json.dumps(value, indent=1), encoding="utf-8"))


def write_frame(path: Path, frame: "pd.DataFrame") -> None:
    """Write a frame as parquet, whole."""
    write_whole(path, lambda partial: frame.to_parquet(partial, index=False))


def write_status(directory: Path, status: Status) -> None:
    """Write `directory/status.json`."""
    write_json(directory / "status.json", status.model_dump(mode="json"))


def read_status(directory: Path) -> Status | None:
    """What `directory/status.json` says, or None where there is none. One that is damaged says that it failed."""
    try:
        return record.read_as(Status, directory / "status.json")
    except DamagedError as error:
        return Status(state=State.FAILED, message=str(error))


def append_metrics(directory: Path, **values: object) -> None:
    """Add one epoch, with the keys of `METRICS`, to `directory/metrics.jsonl`."""
    line = json.dumps({key: values.get(key) for key in METRICS})
    with (directory / "metrics.jsonl").open("ab", buffering=0) as file:
        before, written = file.tell(), file.write(f"{line}\n".encode())
        if written < len(line) + 1:  # a disk that is full takes what it has room for
            file.truncate(before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), file.name)


def read_metrics(directory: Path) -> "pd.DataFrame":
    """A row an epoch with the columns `METRICS`; empty before the first epoch's end.

    `phase` is 1 (head alone, or all that trains) or 2 (head and unfrozen blocks), `epoch` counts from 1 through both,
    `seconds` runs from the first step of the fit to the end of the epoch.
    """
    import pandas as pd

    try:
        text = (directory / "metrics.jsonl").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        text = ""
    whole = text[: text.rfind("\n") + 1]
    return pd.DataFrame([row for row in map(_epoch, whole.splitlines()) if row], columns=METRICS)


def _epoch(line: str) -> dict[str, Any]:
    """What `append_metrics` wrote as one line; nothing of one that is damaged: the others can still be drawn."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def request_stop(directory: Path) -> None:
    """Ask the process of `directory` to stop. Each further call writes one more mark: a stop while scoring."""
    with (directory / "cancel").open("a", encoding="utf-8") as file:
        file.write("stop\n")


def stop_requests(directory: Path) -> int:
    """How often a stop was asked for."""
    try:
        return len((directory / "cancel").read_text(encoding="utf-8").splitlines())
    except FileNotFoundError:
        return 0


def is_alive(status: Status) -> bool:
    """Whether the very process that `status` names still runs."""
    return status.process is not None and status.process.is_alive


def create_experiment(experiment: Experiment, split: "pd.DataFrame") -> str:
    """Write a new experiment's directory: experiment.json, split.parquet and an empty folder an arm.

    Args:
        experiment: What to run.
        split: Columns picture, label, part.

    Returns:
        The new experiment's id.
    """
    experiment_id = new_id()
    directory = experiment_directory(experiment_id)
    created = experiment.created or datetime.now(UTC).isoformat(timespec="seconds")
    stamped = experiment.model_copy(update={"created": created, "number": _next_number()})
    with made(directory):
        for arm in experiment.arms:
            (directory / arm).mkdir()
        write_frame(directory / "split.parquet", split)
        write_json(directory / "experiment.json", stamped.model_dump(mode="json"))
    return experiment_id


def _next_number() -> int:
    """One more than any experiment of this home has; two that are created at once may share it."""
    found = (record.readable(path) for path in (settings().home / "experiments").glob("*/experiment.json"))
    return 1 + max((value.get("number", 0) for value in found), default=0)


def read_experiment(experiment_id: str) -> Experiment | None:
    """The experiment, or None where the id names none (any more).

    Raises:
        DamagedError: Its file cannot be read.
    """
    return record.read_as(Experiment, experiment_directory(experiment_id) / "experiment.json")


def read_split(experiment_id: str) -> "pd.DataFrame":
    """Columns picture, label, part of an experiment's split."""
    return record.read_frame(experiment_directory(experiment_id) / "split.parquet", ("picture", "label", "part"))


def arm_directory(experiment_id: str, arm: Arm) -> Path:
    """The directory of one arm."""
    return experiment_directory(experiment_id) / arm


def experiments_of(workspace: str) -> list[tuple[str, Experiment]]:
    """Ids and experiments that belong to a link, newest first; none for an empty workspace."""
    found = []
    for path in (settings().home / "experiments").glob("*/experiment.json") if workspace else ():
        if record.readable(path).get("workspace") == workspace:
            with suppress(DamagedError):
                if experiment := read_experiment(path.parent.name):
                    found.append((path.parent.name, experiment))
    return sorted(found, key=lambda pair: (pair[1].number, pair[1].created), reverse=True)


def discard_upload(directory: Path) -> None:
    """Remove what was uploaded and stored so far of a data set that will not be."""
    for folder in ("pictures", "unlabelled"):
        shutil.rmtree(directory / folder, ignore_errors=True)
    with suppress(OSError):  # on a disk that became read-only it stays
        for path in (directory / "upload.zip", directory / "near.parquet", *directory.glob("readings.*")):
            path.unlink(missing_ok=True)


def delete_experiment(experiment_id: str) -> None:
    """Remove an experiment's directory and what it was asked about."""
    directory = experiment_directory(experiment_id)
    (directory / "experiment.json").unlink(missing_ok=True)  # first, and not in silence: on a read-only disk it stays
    shutil.rmtree(directory, ignore_errors=True)
    for path in (settings().home / "predictions").glob("*/request.json"):
        if record.readable(path).get("experiment") == experiment_id:
            shutil.rmtree(path.parent, ignore_errors=True)
