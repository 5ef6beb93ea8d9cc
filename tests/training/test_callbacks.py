"""What the callbacks of a fit do at the end of each epoch; whole fits are in test_training."""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from core.disk.home import experiment_directory
from core.disk.status import read_metrics
from core.errors import RunError, StopRequested
from core.network import model
from core.network.batches import Rows
from core.network.batchnorm import Reestimation
from core.network.model import Network
from core.plan.arm import Head
from core.training import fit
from core.training.arm import Run
from core.training.callbacks import best
from core.training.callbacks.best import KeepBest
from core.training.callbacks.early import StopEarly
from core.training.callbacks.finite import RefuseInfinite
from core.training.callbacks.metrics import WriteMetrics
from core.training.callbacks.pace import Pace
from core.training.callbacks.statistics import ReestimateStatistics
from core.training.callbacks.stop import StopAsAsked
from core.training.layers import changing_layers

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


def begun(callback: Any, network: Network) -> Any:
    callback.set_model(network.model)
    callback.on_train_begin()
    network.model.stop_training = False
    return callback


def end_epochs(callback: keras.callbacks.Callback, losses: Iterable[float], *, first: int = 0) -> list[bool]:
    """Validation losses of epochs, and after which of them the fit is to stop."""
    stops = []
    for epoch, loss in enumerate(losses, start=first):
        callback.on_epoch_end(epoch, {"loss": 1.0, "accuracy": 0.5, "val_loss": loss, "val_accuracy": 0.5})
        stops.append(callback.model.stop_training)
    return stops


def test_a_fit_stops_early_after_so_many_epochs_without_a_lower_validation_loss(network):
    early = begun(StopEarly(2), network)
    assert end_epochs(early, [5.0, 4.0, 4.5, 3.9, 3.9, 4.0]) == [False] * 5 + [True]


def test_how_long_it_has_waited_is_forgotten_when_a_fit_begins(network):
    early = begun(StopEarly(2), network)
    end_epochs(early, [1.0, 2.0])
    begun(early, network)
    assert end_epochs(early, [2.0, 2.0, 2.0]) == [False, False, True]


def test_an_epoch_that_is_no_better_than_the_phases_before_counts(network):
    early = begun(StopEarly(2, baseline=1.0), network)
    assert end_epochs(early, [1.5, 1.4]) == [False, True]


def test_only_the_last_phase_of_a_patient_training_is_stopped_early(job_of):
    patient, whole = job_of(training=PATIENT).training, job_of(training=PATIENT | {"patience": None}).training
    assert [type(each) for each in fit._early(patient, 1.0, is_last=True)] == [StopEarly]
    assert fit._early(patient, 1.0, is_last=False) == fit._early(whole, 1.0, is_last=True) == []


def test_each_epoch_adds_a_line_with_its_phase(tmp_path, network):
    seconds = iter([1.0, 2.0, 3.0])
    for phase, losses, first in ((1, [3.0, 2.0], 0), (2, [1.0], 2)):
        writing = begun(WriteMetrics(tmp_path, phase=phase, seconds=lambda: next(seconds)), network)
        end_epochs(writing, losses, first=first)
    metrics = read_metrics(tmp_path)
    assert metrics["phase"].tolist() == [1, 1, 2]
    assert metrics["epoch"].tolist() == [1, 2, 3]
    assert metrics["val_loss"].tolist() == [3.0, 2.0, 1.0]
    assert metrics["seconds"].tolist() == [1.0, 2.0, 3.0]


def test_the_best_epoch_s_weights_come_back_and_no_other_s(network, tmp_path: Path):
    layers, output = changing_layers(network), network.head_layers[-1]
    keeping = begun(KeepBest(tmp_path / "best.npz", layers), network)
    for number, loss in enumerate((3.0, 1.0, 2.0), start=1):
        output.set_weights([np.full_like(value, number) for value in output.get_weights()])
        end_epochs(keeping, [loss], first=number - 1)
    base = model.fingerprint(network.base_layers)
    assert best.load(tmp_path / "best.npz", layers) == 2
    assert keeping.best == 1.0
    assert all((value == 2).all() for value in output.get_weights())
    assert model.fingerprint(network.base_layers) == base


def test_an_epoch_that_is_no_better_than_the_phases_before_is_not_kept(network, tmp_path: Path):
    keeping = begun(KeepBest(tmp_path / "best.npz", network.head_layers[-1:], baseline=1.0), network)
    end_epochs(keeping, [1.0, 1.5], first=3)
    assert not (tmp_path / "best.npz").exists()
    end_epochs(keeping, [0.5], first=5)
    assert best.load(tmp_path / "best.npz", network.head_layers[-1:]) == 6
    assert begun(keeping, network).best == 1.0


def test_what_is_kept_of_an_epoch_is_only_what_may_have_changed(network):
    def kept(frozen_blocks: int | None) -> set[str]:
        return {layer.name for layer in changing_layers(replace(network, frozen_blocks=frozen_blocks))}

    everything = {layer.name for layer in network.model.layers if layer.weights}
    assert kept(14) == {"head_output"}
    assert kept(13) == {"head_output", "conv_dw_13", "conv_pw_13"}
    assert kept(None) == everything


@pytest.mark.parametrize("logs", [{"loss": math.nan}, {"loss": math.inf}, {"val_loss": math.nan}])
def test_a_loss_that_is_no_number_ends_the_fit_with_what_to_lower(network, logs):
    refusing = begun(RefuseInfinite(), network)
    end_epochs(refusing, [1.0])
    with pytest.raises(
        RunError, match=r"Expected a finite loss; found (nan|inf) in epoch 2\. Lower the learning rate\."
    ):
        refusing.on_epoch_end(1, {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5} | logs)


def test_statistics_are_re_estimated_before_each_validation_from_scratch_and_never_for_transfer(job_of, network):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    rows = Rows(pixels, np.arange(8)[:, None], np.zeros(8, int))
    before = model.fingerprint(network.base_layers)
    assert fit._statistics(job_of(), network, rows) == []
    (callback,) = fit._statistics(job_of("scratch"), network, rows)
    assert isinstance(callback, ReestimateStatistics)
    assert model.fingerprint(network.base_layers) == before
    callback.on_test_begin()
    after = model.fingerprint(network.base_layers)
    assert after != before
    ReestimateStatistics(Reestimation(network.model), rows, batch_size=32).on_test_begin()
    assert model.fingerprint(network.base_layers) == after


def test_a_stop_leaves_the_fit_after_a_batch_of_training_or_validation(network):
    asked: list[bool] = []
    stopping = begun(StopAsAsked(lambda: bool(asked)), network)
    stopping.on_train_batch_end(0)
    stopping.on_test_batch_end(0)
    asked.append(True)
    with pytest.raises(StopRequested):
        stopping.on_train_batch_end(1)
    with pytest.raises(StopRequested):
        stopping.on_test_batch_end(1)


def test_progress_counts_steps_through_all_epochs_and_leaves_the_building_of_the_graph_out(
    job_of, network, monkeypatch
):
    job, reported, clock = job_of(), [], [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    monkeypatch.setattr(job.report, "progress", lambda *done, **rest: reported.append((done, rest["seconds_left"])))
    pace = begun(Pace(job.report, batch_size=2, n_train=6, total_steps=9), network)
    pace.on_epoch_begin(0)
    for step, seconds in enumerate((10.0, 11.0, 12.0)):  # the first step builds the graph
        clock[0] = 100.0 + seconds
        pace.on_train_batch_end(step)
    assert reported == [((1, 9), None), ((2, 9), pytest.approx(7)), ((3, 9), pytest.approx(6))]
    pace.on_test_begin()
    clock[0] += 3.0  # the first validation builds one too
    pace.on_test_end()
    pace.on_epoch_end(0)
    assert pace.tracing_seconds == 13.0
    assert pace.rate == pytest.approx(6 / 2.0)
    begun(pace, network)
    pace.on_epoch_begin(1)
    clock[0] += 5.0  # and so does the next phase
    pace.on_train_batch_end(0)
    assert reported[-1][0] == (4, 9)
    assert pace.tracing_seconds == 18.0
