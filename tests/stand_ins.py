"""Experiments whose arms are played by the interpreter of the fixture `stand_in`, and what is seen of them."""

import json

import pandas as pd

from core import experiment, runs
from core.experiment import Arm
from core.runs import State


def experiment_of(**parts: str) -> str:
    """An experiment of two arms; `transfer` and `scratch` say what their stand-ins do."""
    split = pd.DataFrame({"picture": ["a"], "label": ["b"], "part": ["train"]})
    experiment_id = runs.create_experiment(experiment.default(runs.new_id()), split)
    for arm, part in parts.items():
        (runs.arm_directory(experiment_id, Arm(arm)) / "part").write_text(part)
    return experiment_id


def state(experiment_id: str, arm: Arm = Arm.TRANSFER) -> State:
    return (runs.read_status(runs.arm_directory(experiment_id, arm)) or runs.Status()).state


def starts(experiment_id: str, arm: Arm = Arm.TRANSFER) -> list[dict]:
    """What each process of the arm wrote of itself: {pid, gpu, was_standby}."""
    lines = (runs.arm_directory(experiment_id, arm) / "starts").read_text().splitlines()
    return [json.loads(line) for line in lines]
