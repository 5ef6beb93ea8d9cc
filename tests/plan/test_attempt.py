from pathlib import Path

import pandas as pd
import pytest
from plans import ARMS, planned

from core import host
from core.disk.home import arm_directory
from core.disk.status import State, Status, append_metrics, read_metrics, read_status, write_status
from core.host import Device
from core.plan import attempt
from core.plan.experiments import create_experiment
from core.words.sentences import sentence


def _arm_directory(arm: str = "scratch", **choices: object) -> Path:
    one = planned("0" * 32, **choices)
    split = pd.DataFrame({"picture": ["a"], "label": ["x"], "part": ["train"]})
    return arm_directory(create_experiment(one, split), arm)


def test_a_second_attempt_has_half_the_batch_and_nothing_of_the_first():
    directory = _arm_directory()
    write_status(directory, Status(state=State.FIT, done=3))
    append_metrics(directory, epoch=1)
    prepared = attempt.prepare(directory)
    assert prepared == attempt.read(directory)
    assert prepared
    assert (prepared.batch_size, prepared.image_size) == (8, 128)
    assert read_metrics(directory).empty
    status = read_status(directory)
    assert status
    assert status.state is State.QUEUED
    assert (
        status.message
        == sentence(prepared.said)
        == ("Memory ran out at the first attempt, so this is a second one, with batches of 8 instead of 16.")
    )


def test_there_is_no_third_attempt():
    directory = _arm_directory()
    assert attempt.prepare(directory)
    assert attempt.prepare(directory) is None


def test_where_batches_cannot_be_halved_pictures_from_scratch_become_smaller():
    directory = _arm_directory(scratch={"batch_size": 2, "image_size": 128})
    prepared = attempt.prepare(directory)
    assert prepared
    assert (prepared.batch_size, prepared.image_size) == (2, 96)
    assert "pictures of 96 px instead of 128" in sentence(prepared.said)


@pytest.mark.parametrize("choices", [{"training": {"batch_size": 2}}], ids=str)
def test_a_transfer_arm_keeps_its_pictures_which_the_frozen_part_was_made_for(choices):
    assert attempt.prepare(_arm_directory("transfer", **choices)) is None


@pytest.mark.parametrize("arm", ARMS)
def test_after_a_crash_the_same_is_tried_without_openvino_and_once(arm, monkeypatch):
    monkeypatch.setattr(host, "has_openvino", lambda: True)
    monkeypatch.setattr(host, "device", lambda: Device("", 2))
    directory = _arm_directory(arm)
    assert not attempt.is_without_openvino(directory)
    prepared = attempt.prepare(directory, crash="SIGILL")
    assert prepared
    assert attempt.is_without_openvino(directory)
    assert (prepared.batch_size, prepared.image_size) == (prepared.usual_batch_size, prepared.usual_image_size)
    assert sentence(prepared.said) == (
        "The process crashed (SIGILL) at the first attempt, so this is a second one, without OpenVINO."
    )
    assert attempt.prepare(directory, crash="SIGILL") is None


@pytest.mark.parametrize(("is_installed", "gpu"), [(False, ""), (True, "H100")])
def test_where_openvino_does_not_compute_a_crash_is_not_put_down_to_it(is_installed, gpu, monkeypatch):
    monkeypatch.setattr(host, "has_openvino", lambda: is_installed)
    monkeypatch.setattr(host, "device", lambda: Device(gpu, 2))
    assert attempt.prepare(_arm_directory(), crash="SIGSEGV") is None


def test_of_a_deleted_experiment_there_is_none(tmp_path):
    assert attempt.prepare(tmp_path / "transfer") is None
