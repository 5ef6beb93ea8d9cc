"""What a user takes along: a trained network as one zip, with what is needed to use it elsewhere."""

import io
import zipfile

from core.disk.home import arm_directory
from core.errors import InputError
from core.settings import ASSETS

FILES = ("model.keras", "labels.json")
TAKE_ALONG = ASSETS / "take_along"  # predict.py, README.md: they need nothing of this project


def network(experiment_id: str, arm: str) -> bytes:
    """A zip of the arm's model.keras and labels.json, and of a program that uses them; made anew at each call.

    Raises:
        InputError: This arm has no saved network.
    """
    directory = arm_directory(experiment_id, arm)
    if not all((directory / name).exists() for name in FILES):
        raise InputError("report.no-network")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:  # weights hardly shrink
        for path in [*(directory / name for name in FILES), *sorted(TAKE_ALONG.glob("*.*"))]:
            archive.write(path, path.name)
    return packed.getvalue()
