"""Experiments on disk: made, read, listed, removed.

experiments/<id>/  experiment.json  split.parquet  result.json  a folder for each arm
"""

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.disk import record
from core.disk.files import new_directory, write_frame, write_json
from core.disk.home import experiment_directory, files_of_all, new_id
from core.errors import DamagedError
from core.plan.experiment import Experiment

if TYPE_CHECKING:  # see `files`
    import pandas as pd


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
    with new_directory(directory):
        for arm in experiment.arms:
            (directory / arm.name).mkdir()
        write_frame(directory / "split.parquet", split)
        write_json(directory / "experiment.json", stamped.model_dump(mode="json"))
    return experiment_id


def _next_number() -> int:
    """One more than any experiment of this home has; two that are created at once may share it."""
    found = (record.readable(path) for path in files_of_all("experiments", "experiment.json"))
    return 1 + max((value.get("number", 0) for value in found), default=0)


def read_experiment(experiment_id: str) -> Experiment | None:
    """The experiment, or None where the id names none (any more).

    Raises:
        DamagedError: Its file cannot be read.
    """
    return record.read_as(Experiment, experiment_directory(experiment_id) / "experiment.json")


def owner_of(experiment_id: str) -> str | None:
    """The link that an experiment belongs to, empty for the command line; None when there is no such experiment."""
    experiment = read_experiment(experiment_id)
    return None if experiment is None else experiment.workspace


def read_split(experiment_id: str) -> "pd.DataFrame":
    """Columns picture, label, part of an experiment's split."""
    return record.read_frame(experiment_directory(experiment_id) / "split.parquet", ("picture", "label", "part"))


def experiments_of(workspace: str) -> list[tuple[str, Experiment]]:
    """Ids and experiments that belong to a link, newest first; none for an empty workspace."""
    found = []
    for path in files_of_all("experiments", "experiment.json") if workspace else ():
        if record.readable(path).get("workspace") == workspace:
            with suppress(DamagedError):
                if experiment := read_experiment(path.parent.name):
                    found.append((path.parent.name, experiment))
    return sorted(found, key=lambda pair: (pair[1].number, pair[1].created), reverse=True)


def delete_experiment(experiment_id: str) -> None:
    """Remove an experiment's directory and what it was asked about."""
    directory = experiment_directory(experiment_id)
    (directory / "experiment.json").unlink(missing_ok=True)  # first, and not in silence: on a read-only disk it stays
    shutil.rmtree(directory, ignore_errors=True)
    for path in files_of_all("predictions", "request.json"):
        if record.readable(path).get("experiment") == experiment_id:
            shutil.rmtree(path.parent, ignore_errors=True)
