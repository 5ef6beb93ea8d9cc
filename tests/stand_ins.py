"""What plays a part in tests: experiments whose arms are played by the interpreter of the fixture `stand_in`, and what
is seen of them; pictures that are made small in this process and not in one of `core.data.pictures.decoder`.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil
from PIL import Image

from core.data.pictures import picture, pixels
from core.data.pictures.picture import Stored
from core.disk.home import arm_directory, new_id
from core.disk.status import State, Status, read_status
from core.plan.experiments import create_experiment
from core.settings import settings
from tests.plans import planned


def experiment_of(**parts: str) -> str:
    """An experiment of two arms; `transfer` and `scratch` say what their stand-ins do."""
    split = pd.DataFrame({"picture": ["a"], "label": ["b"], "part": ["train"]})
    experiment_id = create_experiment(planned(new_id()), split)
    for arm, part in parts.items():
        (arm_directory(experiment_id, arm) / "part").write_text(part)
    return experiment_id


def state(experiment_id: str, arm: str = "transfer") -> State:
    return (read_status(arm_directory(experiment_id, arm)) or Status()).state


def starts(experiment_id: str, arm: str = "transfer") -> list[dict]:
    """What each process of the arm wrote of itself: {pid, gpu, was_standby}."""
    lines = (arm_directory(experiment_id, arm) / "starts").read_text().splitlines()
    return [json.loads(line) for line in lines]


def store(data: bytes, folder: Path, *, is_compared: bool = False) -> Stored:
    """What decoding stores of a picture's bytes."""
    most, side = settings().max_picture_pixels, settings().stored_side
    return picture.write(pixels.small(data, max_pixels=most, side=side, is_compared=is_compared), data, folder)


def normalise(data: bytes) -> Image.Image:
    """A picture as it is stored, before it is packed."""
    return pixels.upright(data, max_pixels=settings().max_picture_pixels, side=settings().stored_side)


def is_gone(pid: int) -> Callable[[], bool]:
    """A claim for `wait_for`: that a process has ended."""

    def look() -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return look
