"""The proof that a saved file is the network that was trained; whole runs are in test_training."""

import platform

import keras
import numpy as np
import pytest

from core.disk.home import arm_directory
from core.disk.status import State, read_status
from core.errors import RunError
from core.tasks import train
from core.training import score


def test_answers_within_the_tolerance_are_taken_with_their_largest_difference():
    answers = np.array([[0.5, 0.5], [0.1, 0.9]])
    check = score._checked(answers, answers + [[0.0, 0.0], [5e-5, -5e-5]])
    assert (check.pictures, check.passed) == (2, True)
    assert check.largest_difference == pytest.approx(5e-5)


def test_answers_that_differ_more_give_no_scores():
    answers = np.array([[0.5, 0.5], [0.1, 0.9]])
    with pytest.raises(RunError, match=r"within 0\.0001; found a difference of 0\.002"):
        score._checked(answers, answers + [[0.0, 0.0], [2e-3, 0.0]])


def test_a_file_that_answers_otherwise_fails_the_run_without_scores(new_experiment, monkeypatch):
    load = keras.saving.load_model

    def damaged(*arguments: object, **options: object) -> keras.Model:
        network = load(*arguments, **options)
        norm = network.get_layer("conv1_bn")
        norm.set_weights([value * 1.5 for value in norm.get_weights()])
        return network

    monkeypatch.setattr(keras.saving, "load_model", damaged)
    directory = arm_directory(new_experiment(training={"epochs": 9, "learning_rate": 0.1}), "transfer")
    assert train.main([str(directory.parent), "transfer"]) == 1
    status = read_status(directory)
    assert status
    assert status.state is State.FAILED
    assert "Expected the saved file to answer like the trained network" in status.message
    assert not (directory / "predictions.parquet").exists()
    assert not (directory / "arm.json").exists()


def test_the_versions_are_those_of_what_a_result_depends_on():
    found = score.versions()
    assert found["python"] == platform.python_version()
    assert found["keras"] == keras.__version__
    assert {"tensorflow", "tensorflow-cpu"} & set(found)
