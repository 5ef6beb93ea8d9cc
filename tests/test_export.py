"""What a user takes along."""

import io
import json
import zipfile
from collections.abc import Callable

import pytest

from core import export, runs
from core.errors import InputError
from core.experiment import Arm


def test_a_network_comes_with_its_labels(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment()
    with zipfile.ZipFile(io.BytesIO(export.network(experiment_id, Arm.SCRATCH))) as archive:
        stored = runs.arm_directory(experiment_id, Arm.SCRATCH) / "model.keras"
        assert archive.read("model.keras") == stored.read_bytes()
        assert json.loads(archive.read("labels.json"))["classes"] == ["bird", "flower", "fruit", "mammal"]


def test_refuses_an_arm_without_a_network(finished_experiment: Callable[..., str]):
    with pytest.raises(InputError, match="Train it first"):
        export.network(finished_experiment(arms=(Arm.TRANSFER,)), Arm.SCRATCH)
