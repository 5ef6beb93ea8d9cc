from pathlib import Path

import pandas as pd
import pytest

from core import attempt, experiment, runs
from core.experiment import Arm
from core.runs import State, Status


def arm_directory(arm: Arm = Arm.SCRATCH, **choices: object) -> Path:
    one = experiment.default("0" * 32, **choices)
    split = pd.DataFrame({"picture": ["a"], "label": ["x"], "part": ["train"]})
    return runs.arm_directory(runs.create_experiment(one, split), arm)


def test_a_second_attempt_has_half_the_batch_and_nothing_of_the_first():
    directory = arm_directory()
    runs.write_status(directory, Status(state=State.FIT, done=3))
    runs.append_metrics(directory, epoch=1)
    prepared = attempt.prepare(directory)
    assert prepared == attempt.read(directory)
    assert prepared
    assert (prepared.batch_size, prepared.image_size) == (8, 128)
    assert runs.read_metrics(directory).empty
    status = runs.read_status(directory)
    assert status
    assert status.state is State.QUEUED
    assert (
        status.message
        == prepared.sentence
        == ("Memory ran out at the first attempt, so this is a second one, with batches of 8 instead of 16.")
    )


def test_there_is_no_third_attempt():
    directory = arm_directory()
    assert attempt.prepare(directory)
    assert attempt.prepare(directory) is None


def test_where_batches_cannot_be_halved_pictures_from_scratch_become_smaller():
    directory = arm_directory(opponent={"batch_size": 2, "image_size": 128})
    prepared = attempt.prepare(directory)
    assert prepared
    assert (prepared.batch_size, prepared.image_size) == (2, 96)
    assert "pictures of 96 px instead of 128" in prepared.sentence


@pytest.mark.parametrize("choices", [{"training": {"batch_size": 2}}], ids=str)
def test_a_transfer_arm_keeps_its_pictures_which_the_frozen_part_was_made_for(choices):
    assert attempt.prepare(arm_directory(Arm.TRANSFER, **choices)) is None


def test_of_a_deleted_experiment_there_is_none(tmp_path):
    assert attempt.prepare(tmp_path / "transfer") is None
