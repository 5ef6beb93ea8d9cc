"""What the callback of a fit does at the end of each epoch; whole fits are in test_training."""

import math
from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np
import pytest

from core.disk.home import experiment_directory
from core.disk.status import read_metrics
from core.errors import RunError
from core.network import model
from core.network.batches import Rows
from core.network.model import Network
from core.plan.arm import Head
from core.training import keeper
from core.training.arm import Run
from core.training.keeper import Keeper

PATIENT = {"epochs": 9, "patience": 2}  # the first 3 epochs for the head alone, where blocks are unfrozen


@pytest.fixture
def job_of(new_experiment: Callable[..., str]) -> Callable[..., Run]:
    def write(arm: str = "transfer", **choices: object) -> Run:
        return Run(experiment_directory(new_experiment(**choices)), arm)

    return write


@pytest.fixture(scope="module")
def network() -> Network:
    keras.utils.set_random_seed(1)
    return model.build("MobileNet", Head(), image_size=32, n_classes=2, frozen_blocks=14)


def keeper_of(job: Run, network: Network, rows: Rows | None = None) -> Keeper:
    found = Keeper(job, network, rows or Rows(np.zeros((4, 1)), np.arange(4)[:, None], np.zeros(4)), total_steps=9)
    found.set_model(network.model)
    found.on_train_begin()
    network.model.stop_training = False
    return found


def end_epochs(watched: Keeper, *losses: float) -> list[bool]:
    """Validation losses of epochs, and after which of them the fit is to stop."""
    stops = []
    for loss in losses:
        watched.on_epoch_end(0, {"loss": 1.0, "accuracy": 0.5, "val_loss": loss, "val_accuracy": 0.5})
        stops.append(watched.model.stop_training)
    return stops


def test_a_fit_stops_early_after_so_many_epochs_without_a_lower_validation_loss(job_of, network):
    watched = keeper_of(job_of(training=PATIENT), network)
    assert end_epochs(watched, 5.0, 4.0, 4.5, 3.9, 3.9, 4.0) == [False] * 5 + [True]


def test_without_patience_it_never_does(job_of, network):
    watched = keeper_of(job_of(training={"epochs": 9, "patience": None}), network)
    assert not any(end_epochs(watched, 1.0, *[2.0] * 8))


def test_the_head_alone_is_never_stopped_early_and_the_second_phase_waits_anew(job_of, network):
    watched = keeper_of(job_of(training=PATIENT, frozen_blocks=12), network)
    assert not any(end_epochs(watched, 1.0, 2.0, 2.0))
    watched.phase = 2
    watched.on_train_begin()
    assert end_epochs(watched, 1.5, 1.4) == [False, True]


def test_each_epoch_adds_a_line_and_epochs_are_counted_through_both_phases(job_of, network):
    job = job_of(training=PATIENT, frozen_blocks=12)
    watched = keeper_of(job, network)
    end_epochs(watched, 3.0, 2.0)
    watched.phase = 2
    end_epochs(watched, 1.0)
    metrics = read_metrics(job.directory)
    assert metrics["phase"].tolist() == [1, 1, 2]
    assert metrics["epoch"].tolist() == [1, 2, 3]
    assert metrics["val_loss"].tolist() == [3.0, 2.0, 1.0]
    assert metrics["seconds"].is_monotonic_increasing


def test_the_best_epoch_s_weights_come_back_and_no_other_s(job_of, network):
    job = job_of()
    watched, output = keeper_of(job, network), network.head_layers[-1]
    for number, loss in enumerate((3.0, 1.0, 2.0), start=1):
        output.set_weights([np.full_like(value, number) for value in output.get_weights()])
        end_epochs(watched, loss)
    base = model.fingerprint(network.base_layers)
    assert keeper.load_best(job, network) == 2
    assert all((value == 2).all() for value in output.get_weights())
    assert model.fingerprint(network.base_layers) == base


def test_what_is_kept_of_an_epoch_is_only_what_may_have_changed(network):
    def kept(frozen_blocks: int | None) -> set[str]:
        return {layer.name for layer in keeper.changing_layers(replace(network, frozen_blocks=frozen_blocks))}

    everything = {layer.name for layer in network.model.layers if layer.weights}
    assert kept(14) == {"head_output"}
    assert kept(13) == {"head_output", "conv_dw_13", "conv_pw_13"}
    assert kept(None) == everything


@pytest.mark.parametrize("logs", [{"loss": math.nan}, {"loss": math.inf}, {"val_loss": math.nan}])
def test_a_loss_that_is_no_number_ends_the_fit_with_what_to_lower(job_of, network, logs):
    watched = keeper_of(job_of(), network)
    end_epochs(watched, 1.0)
    with pytest.raises(
        RunError, match=r"Expected a finite loss; found (nan|inf) in epoch 2\. Lower the learning rate\."
    ):
        watched.on_epoch_end(1, {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5} | logs)


def test_statistics_are_re_estimated_before_each_validation_from_scratch_and_never_for_transfer(job_of, network):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    rows = Rows(pixels, np.arange(8)[:, None], np.zeros(8, int))
    before = model.fingerprint(network.base_layers)
    keeper_of(job_of(), network, rows).on_test_begin()
    assert model.fingerprint(network.base_layers) == before
    keeper_of(job_of("scratch"), network, rows).on_test_begin()
    assert model.fingerprint(network.base_layers) != before


def test_progress_counts_steps_through_all_epochs_and_leaves_the_building_of_the_graph_out(
    job_of, network, monkeypatch
):
    job, reported = job_of(), []
    watched = keeper_of(job, network)
    monkeypatch.setattr(job.report, "progress", lambda *done, **rest: reported.append((done, rest["seconds_left"])))
    begun = watched._watch._start
    watched.on_epoch_begin(0)
    for step, seconds in enumerate((10.0, 11.0, 12.0)):  # the first step builds the graph
        monkeypatch.setattr("time.perf_counter", lambda now=begun + seconds: now)
        watched.on_train_batch_end(step)
    assert reported == [((1, 9), None), ((2, 9), pytest.approx(7, abs=0.1)), ((3, 9), pytest.approx(6, abs=0.1))]
