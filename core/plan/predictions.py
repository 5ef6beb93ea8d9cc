"""New pictures to be asked about, and the answers: what of a prediction is on disk.

predictions/<id>/  request.json     whose networks shall answer, and the pictures' names
                   uploads/         their files, named by their place; gone once they are read
                   pictures.json    what became of them
                   pictures/        those that can be read, as a data set's are stored
                   status.json      progress
                   answers.parquet  written last

`tasks.predict` is the process that answers.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from core.disk import home, record
from core.disk.files import new_directory, write_json
from core.disk.home import arm_directory, new_id
from core.disk.space import check_free
from core.disk.status import Status, write_status
from core.errors import InputError
from core.plan.arm_files import SIGN
from core.plan.experiments import read_experiment
from core.words.said import Said, say
from core.words.sentences import sentence

MAX_PICTURES = 20
NOT_READ: dict[str, Any] = {"pictures": [], "refused": []}  # what has become of pictures that wait


def directory(prediction_id: str) -> Path:
    """Where a prediction is kept."""
    return home.prediction_directory(prediction_id)


def create(experiment_id: str, files: Sequence[tuple[str, bytes]], workspace: str = "") -> str:
    """Keep new pictures as they are, ready for the process: nothing of them is decoded here.

    Args:
        experiment_id: Whose models shall answer.
        files: Name and bytes of each.
        workspace: The link of who asks, who alone may stop it; anyone who sees the experiment may ask.

    Returns:
        The new prediction's id; it is to be submitted.

    Raises:
        InputError: There are none or too many.
        ResourceError: The disk is too full. Nothing is left behind, as after any error.
    """
    if not 1 <= len(files) <= MAX_PICTURES:
        raise InputError("prediction.number", most=MAX_PICTURES, found=len(files))
    if not scored_arms(experiment_id):
        raise InputError("prediction.no-network")
    prediction_id = new_id()
    folder = directory(prediction_id)
    with new_directory(folder):
        check_free(folder, sum(len(data) for _, data in files), what=say("need.pictures"))
        (folder / "uploads").mkdir()
        for number, (_, data) in enumerate(files):
            (folder / "uploads" / str(number)).write_bytes(data)
        asked = {"experiment": experiment_id, "names": [name for name, _ in files], "workspace": workspace}
        write_json(folder / "request.json", asked)
        write_status(folder, Status())
    return prediction_id


def scored_arms(experiment_id: str) -> list[str]:
    """Names of the arms of an experiment whose saved network was checked and scored."""
    experiment = read_experiment(experiment_id)
    names = [arm.name for arm in experiment.arms] if experiment else []
    return [name for name in names if (arm_directory(experiment_id, name) / SIGN).exists()]


def request(prediction_id: str) -> dict[str, Any] | None:
    """What was asked: "experiment" and "names"; and once they are read, "pictures" and "refused".

    The one lists {"name", "file"}, the other {"name", "reason"}; until then both are empty.
    """
    folder = directory(prediction_id)
    asked = record.read_object(folder / "request.json", ("experiment", "names"))
    became = record.read_object(folder / "pictures.json", tuple(NOT_READ)) or NOT_READ
    refused = [{"name": each["name"], "reason": sentence(Said.read(each["reason"]))} for each in became["refused"]]
    return None if asked is None else {**asked, **became, "refused": refused}


def read(prediction_id: str) -> pd.DataFrame | None:
    """A row for each picture and arm, or None until they are computed.

    Columns number (into the request's pictures), name, arm, predicted, and p_<class> for every class.
    """
    path = directory(prediction_id) / "answers.parquet"
    return record.read_frame(path, ("number", "name", "arm", "predicted")) if path.exists() else None
