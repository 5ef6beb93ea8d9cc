"""What a fit is made of; fits as a whole are in test_training."""

from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np
import pytest

from core.data import dataset
from core.data.labels.layout import PARTS
from core.disk.home import experiment_directory
from core.network import model
from core.network.model import Network
from core.plan.arm import Head
from core.training import fit
from core.training.arm import Run


@pytest.fixture(scope="module")
def network() -> Network:
    return model.build("MobileNet", Head(), image_size=32, n_classes=2)


@pytest.fixture
def job_of(new_experiment: Callable[..., str]) -> Callable[..., Run]:
    def write(arm: str = "transfer", **choices: object) -> Run:
        return Run(experiment_directory(new_experiment(**choices)), arm)

    return write


def trained(network: Network) -> set[str]:
    return {layer.name for layer in network.model.layers if layer.trainable_weights}


def test_the_head_goes_first_and_then_the_unfrozen_blocks_with_it_at_a_tenth_of_the_rate(job_of, network):
    training = {"epochs": 30, "patience": None}
    parted = replace(network, frozen_blocks=13)
    first, second = fit._phases(job_of(frozen_blocks=13, training=training), parted)
    assert (first.number, first.epochs, first.rate_factor) == (1, 10, 1.0)
    assert (second.number, second.epochs, second.rate_factor) == (2, 20, 0.1)
    network.train_unfrozen()
    first.prepare()
    assert trained(network) == {"head_output"}
    second.prepare()
    assert trained(network) == {"head_output", "conv_dw_13", "conv_pw_13"}


@pytest.mark.parametrize(("arm", "frozen"), [("transfer", 14), ("scratch", 3)])
def test_with_all_blocks_frozen_and_from_scratch_there_is_one_phase_at_the_full_rate(arm, frozen, job_of, network):
    job = job_of(arm, frozen_blocks=frozen)
    parted = replace(network, frozen_blocks=None if arm == "scratch" else frozen)
    (only,) = fit._phases(job, parted)
    assert (only.number, only.epochs, only.rate_factor) == (1, 2, 1.0)
    only.prepare()
    norms = [layer for layer in network.base_layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert all(layer.trainable is (arm == "scratch") for layer in norms)


def test_each_part_has_the_split_s_pictures_in_its_order_with_their_labels(job_of):
    job = job_of()
    data = dataset.read(job.experiment.dataset)
    assert data
    parts = fit.pictures_of(job, data)
    assert tuple(parts) == PARTS
    for part, pictures in parts.items():
        rows = job.split[job.split["part"] == part]
        assert pictures.names == rows["picture"].tolist()
        assert [data.classes[label] for label in pictures.labels] == rows["label"].tolist()
        assert [path.stem for path in pictures.paths] == pictures.names


def test_class_weights_give_every_class_the_same_say_and_a_picture_the_weight_one_on_average():
    labels = np.array([0] * 6 + [1] * 3 + [2])
    weights = fit._class_weights(labels)
    np.testing.assert_allclose([weights[label] * (labels == label).sum() for label in range(3)], len(labels) / 3)
    assert weights[labels].mean() == pytest.approx(1.0)
