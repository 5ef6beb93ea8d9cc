"""One arm from end to end: fit and score together. Whole runs in this process, stops and ends in real ones."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import psutil
import pytest
from plans import ARMS

from core.data import dataset
from core.data.pictures import picture
from core.data.pictures.augmentation import Augmentation
from core.disk.home import arm_directory, dataset_directory
from core.disk.status import State, Status, read_metrics, read_status, request_stop, write_status
from core.network import backend, batches, engine, loading, model
from core.network.batchnorm import Reestimation
from core.plan import bases, predictions
from core.plan.arm import Head
from core.plan.counts import parameter_counts
from core.plan.experiments import create_experiment, read_experiment, read_split
from core.plan.facts import Prepared
from core.report import result
from core.settings import ASSETS, ROOT, settings
from core.tasks import train
from core.training import inputs
from core.training.arm import Run
from core.words.said import Said
from core.words.sentences import sentence

STOP_SECONDS = 1.0
SLACK_SECONDS = 0.5  # this machine is shared
FILES = {
    "status.json",
    "metrics.jsonl",
    "predictions.parquet",
    "model.keras",
    "labels.json",
    "arm.json",
}
FACTS = {
    *("seconds", "epochs", "phase_change", "best_epoch", "trained_parameters", "frozen_parameters", "weights_sha256"),
    *("frozen_unchanged", "reload_check", "seed", "versions", "device", "engine", "image_size", "stopped"),
    "peak_memory_bytes",
}
EVERY_VIEW = Augmentation().model_dump()
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "core.tasks.train", *sys.argv[1:]], start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""


def trained(experiment_id: str, arm: str = "transfer", *, code: int = 0) -> Path:
    """Run an arm in this process, which has Keras already; its directory."""
    directory = arm_directory(experiment_id, arm)
    assert train.main([str(directory.parent), arm]) == code, read_status(directory)
    return directory


def status(directory: Path) -> Status:
    return read_status(directory) or Status()


def facts(directory: Path) -> dict:
    return json.loads((directory / "arm.json").read_text(encoding="utf-8"))


def files(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def reloaded(directory: Path) -> keras.Model:
    return keras.saving.load_model(directory / "model.keras", compile=False)


def pixels_of(experiment_id: str, arm: str, part: str) -> tuple[np.ndarray, pd.DataFrame]:
    """What the arm's network is asked about a part, and the rows of the split."""
    experiment, split = read_experiment(experiment_id), read_split(experiment_id)
    assert experiment
    data, rows = dataset.read(experiment.dataset), split[split["part"] == part]
    assert data
    return np.stack([picture.load(data.path(name), experiment.arm(arm).image_size) for name in rows["picture"]]), rows


def assert_the_saved_network_is_that_of_the_best_epoch(experiment_id: str, arm: str) -> None:
    """Loss and accuracy on the validation part by Keras itself equal the line of the best epoch."""
    directory = arm_directory(experiment_id, arm)
    metrics = read_metrics(directory).set_index("epoch")
    best = facts(directory)["best_epoch"]
    assert best == metrics["val_loss"].idxmin()
    pixels, rows = pixels_of(experiment_id, arm, "validation")
    labels = json.loads((directory / "labels.json").read_text())["classes"]
    network, truth = reloaded(directory), rows["label"].map(labels.index).to_numpy()
    chosen = read_experiment(experiment_id)
    assert chosen
    model.compile_for(network, chosen.arm(arm).training, steps=1)
    loss, accuracy = network.evaluate(pixels, truth, verbose=0)
    is_quick = facts(directory)["views"] is not None  # the fit saw the frozen part's outputs in the quick precision
    assert loss == pytest.approx(metrics.loc[best, "val_loss"], rel=0.02 if is_quick else 1e-3, abs=1e-5)
    assert accuracy == pytest.approx(metrics.loc[best, "val_accuracy"], abs=1.01 / len(rows) if is_quick else None)


# What a run leaves behind: both arms of the real `compare`


@pytest.mark.parametrize("arm", ARMS)
def test_a_run_writes_every_file_of_the_contract_and_leaves_nothing_else(compared, arm):
    assert files(compared.arm(arm)) == FILES | {"log.txt"}
    assert set(facts(compared.arm(arm))) >= FACTS
    found = status(compared.arm(arm))
    assert found.state is State.DONE
    assert found.device.startswith(("CPU", "GPU"))
    assert "Keras" in found.engine


@pytest.mark.parametrize("arm", ARMS)
def test_the_predictions_are_those_of_the_test_part_in_the_contract_s_columns(compared, arm):
    predictions = pd.read_parquet(compared.arm(arm) / "predictions.parquet")
    classes = ["earth", "grass", "water"]
    assert list(predictions) == ["picture", "part", "true", "predicted", *(f"p_{label}" for label in classes)]
    pixels, rows = pixels_of(compared.experiment_id, arm, "test")
    assert predictions["picture"].tolist() == rows["picture"].tolist()
    assert predictions["true"].tolist() == rows["label"].tolist()
    assert set(predictions["part"]) == {"test"}
    answers = model.probabilities(engine.predict(reloaded(compared.arm(arm)), pixels))
    np.testing.assert_allclose(predictions[[f"p_{label}" for label in classes]], answers, atol=1e-4)
    assert predictions["predicted"].tolist() == [classes[index] for index in model.chosen(answers)]


@pytest.mark.parametrize("arm", ARMS)
def test_what_is_saved_is_the_best_epoch_s_network(compared, arm):
    assert_the_saved_network_is_that_of_the_best_epoch(compared.experiment_id, arm)


@pytest.mark.parametrize(("arm", "epochs", "phases"), [("transfer", 3, [1, 2, 2]), ("scratch", 2, [1, 1])])
def test_each_epoch_has_a_line_and_its_phase(compared, arm, epochs, phases):
    metrics = read_metrics(compared.arm(arm))
    assert metrics["epoch"].tolist() == list(range(1, epochs + 1))
    assert metrics["phase"].tolist() == phases
    assert metrics["seconds"].is_monotonic_increasing
    assert np.isfinite(metrics.to_numpy(float)).all()
    assert metrics["val_accuracy"].between(0, 1).all()
    assert facts(compared.arm(arm))["epochs"] == epochs


def test_the_facts_of_both_arms_are_true(compared):
    chosen = read_experiment(compared.experiment_id)
    assert chosen
    transfer, scratch = (facts(compared.arm(arm)) for arm in ARMS)
    for arm, found in zip(ARMS, (transfer, scratch), strict=True):
        counts = parameter_counts(chosen.arm(arm), n_classes=3)
        assert (found["trained_parameters"], found["frozen_parameters"]) == (counts.trained, counts.frozen)
        assert found["reload_check"]["passed"] is True
        assert found["reload_check"]["pictures"] == min(
            32, int((read_split(compared.experiment_id)["part"] == "test").sum())
        )
        assert found["reload_check"]["largest_difference"] <= 1e-4
        assert found["image_size"] == 32
        assert found["seed"] == 5
        assert found["stopped"] is False
        assert 2**28 < found["peak_memory_bytes"] < 2**35
        assert {"python", "keras", "numpy"} <= set(found["versions"])
    assert transfer["phase_change"] == 2
    assert transfer["frozen_unchanged"] is True
    assert transfer["weights_sha256"]
    assert (scratch["phase_change"], scratch["frozen_unchanged"], scratch["weights_sha256"]) == (None, None, None)


def test_the_frozen_weights_are_imagenet_s_and_the_unfrozen_ones_have_moved(compared):
    chosen = read_experiment(compared.experiment_id)
    assert chosen
    original = model.build("MobileNet", chosen.lead.head, image_size=32, n_classes=3)
    loading.load_base_weights(original, ASSETS / "weights" / "mobilenet_1_0_224_tf.fp16.h5")
    network = reloaded(compared.arm("transfer"))
    frozen = {layer.name for layer in replace(original, frozen_blocks=12).frozen_layers}
    for layer in original.base_layers:
        now = network.get_layer(layer.name)
        same = [np.array_equal(old, new) for old, new in zip(layer.get_weights(), now.get_weights(), strict=True)]
        assert all(same) if layer.name in frozen else not any(same), layer.name


def test_from_scratch_the_saved_statistics_are_those_re_estimated_on_the_training_pictures(compared):
    network = reloaded(compared.arm("scratch"))
    before = network.get_weights()
    pixels, _ = pixels_of(compared.experiment_id, "scratch", "train")
    Reestimation(network).run(pixels, batch_size=16)
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_allclose(old, new, rtol=1e-3, atol=1e-4)


def test_both_arms_learn_and_score_the_very_same_pictures(compared):
    transfer, scratch = (pd.read_parquet(compared.arm(arm) / "predictions.parquet") for arm in ARMS)
    assert transfer["picture"].tolist() == scratch["picture"].tolist()
    assert transfer["true"].tolist() == scratch["true"].tolist()


# Whole runs in this process


def test_each_of_three_arms_trains_the_network_of_its_own_plan(new_experiment):
    usual = new_experiment(2)
    transfer, scratch = read_experiment(usual).arms
    small = transfer.model_copy(update={"name": "small-head", "head": Head(hidden=(3,)), "image_size": 64, "seed": 9})
    three = read_experiment(usual).model_copy(update={"arms": (transfer, small, scratch)})
    experiment_id = create_experiment(three, read_split(usual))
    found = facts(trained(experiment_id, "small-head"))
    assert (found["image_size"], found["seed"], found["epochs"]) == (64, 9, 2)
    assert found["trained_parameters"] == parameter_counts(small, n_classes=2).trained
    assert found["frozen_unchanged"] is True
    trained(experiment_id)
    assert predictions.scored_arms(experiment_id) == ["transfer", "small-head"]
    (pair,) = result.result(experiment_id)["pairs"]
    assert (pair["a"], pair["b"]) == ("transfer", "small-head")


@pytest.fixture(scope="module")
def _of_two_classes(new_experiment: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home and the experiment in it, trained with early stopping."""
    home = tmp_path_factory.mktemp("two")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(home))
        settings.cache_clear()
        chosen = {"epochs": 500, "patience": 6, "learning_rate": 0.1, "optimizer": "sgd"}
        experiment_id = new_experiment(2, n=20, image_size=64, is_alone=True, training=chosen)
        trained(experiment_id)
    return home, experiment_id


@pytest.fixture
def of_two_classes(_of_two_classes: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A trained experiment."""
    monkeypatch.setenv("HEADSTART_HOME", str(_of_two_classes[0]))
    settings.cache_clear()
    return _of_two_classes[1]


def test_of_two_classes_each_picture_has_both_probabilities(of_two_classes):
    directory = arm_directory(of_two_classes, "transfer")
    predictions = pd.read_parquet(directory / "predictions.parquet")
    np.testing.assert_allclose(predictions["p_earth"] + predictions["p_grass"], 1.0)
    is_second = predictions["p_grass"] >= 0.5
    assert predictions["predicted"].tolist() == np.where(is_second, "grass", "earth").tolist()
    assert reloaded(directory).output_shape == (None, 1)
    assert json.loads((directory / "labels.json").read_text())["output"] == "P(classes[1])"


def test_pictures_that_are_easy_to_tell_apart_are_told_apart(of_two_classes):
    predictions = pd.read_parquet(arm_directory(of_two_classes, "transfer") / "predictions.parquet")
    assert len(predictions) == 10
    assert (predictions["true"] == predictions["predicted"]).mean() >= 0.8


def test_early_stopping_ends_the_fit_and_keeps_the_best_epoch(of_two_classes):
    directory = arm_directory(of_two_classes, "transfer")
    metrics = read_metrics(directory)
    assert len(metrics) < 500
    assert facts(directory)["best_epoch"] == len(metrics) - 6
    assert status(directory).state is State.DONE
    assert_the_saved_network_is_that_of_the_best_epoch(of_two_classes, "transfer")


@pytest.mark.slow
def test_the_same_seed_gives_the_same_curve_and_another_seed_another(new_experiment):
    def curve(seed: int) -> list[float]:
        directory = trained(new_experiment(2, seed=seed, augmentation=EVERY_VIEW))
        return read_metrics(directory)["loss"].tolist()

    first = curve(1)
    assert curve(1) == pytest.approx(first, rel=1e-4)
    assert curve(2) != pytest.approx(first, rel=1e-2)


def test_where_the_features_would_not_fit_the_frozen_part_runs_in_the_batch(new_experiment, monkeypatch):
    monkeypatch.setenv("HEADSTART_MAX_FEATURE_BYTES", "1")
    settings.cache_clear()
    experiment_id = new_experiment(2, augmentation=EVERY_VIEW)
    found = facts(trained(experiment_id))
    assert found["views"] is None
    assert found["frozen_unchanged"] is True
    assert found["trained_parameters"] == 1024 + 1025 * 256 + 257
    assert found["reload_check"]["passed"] is True
    assert_the_saved_network_is_that_of_the_best_epoch(experiment_id, "transfer")


@pytest.mark.slow
def test_a_flattened_map_hidden_layers_and_class_weights_are_trained_too(new_experiment):
    head = {"pooling": "flatten", "hidden": [8], "dropout": 0.5}
    chosen = {"epochs": 2, "patience": None, "class_weights": True, "optimizer": "adamw"}
    experiment_id = new_experiment(3, head=head, training=chosen)
    experiment = read_experiment(experiment_id)
    assert experiment
    found = facts(trained(experiment_id))
    assert found["trained_parameters"] == parameter_counts(experiment.lead, n_classes=3).trained
    assert_the_saved_network_is_that_of_the_best_epoch(experiment_id, "transfer")


@pytest.mark.slow
def test_in_mixed_precision_what_is_saved_and_scored_is_float32(new_experiment, monkeypatch):
    """What a GPU makes `prepare_device` choose."""

    def half_precision() -> backend.Placement:
        keras.config.set_dtype_policy("mixed_bfloat16")
        return backend.Placement("GPU of a test", "Keras in half precision")

    monkeypatch.setattr(backend, "prepare_device", half_precision)
    experiment_id = new_experiment(2, frozen_blocks=13)
    try:
        directory = trained(experiment_id)
        network = reloaded(directory)
    finally:
        keras.config.set_dtype_policy("float32")
    layers = [layer for layer in network.layers if layer.weights]
    assert {layer.compute_dtype for layer in layers} == {"float32"}
    assert facts(directory)["frozen_unchanged"] is True
    pixels, _ = pixels_of(experiment_id, "transfer", "test")
    predictions = pd.read_parquet(directory / "predictions.parquet")
    answers = model.probabilities(engine.predict(reloaded(directory), pixels))
    np.testing.assert_allclose(predictions[["p_earth", "p_grass"]], answers, atol=1e-4)


# Runs on which OpenVINO fails

needs_openvino = pytest.mark.skipif(not engine.is_openvino(), reason="OpenVINO does not compute on this host")


@needs_openvino
def test_an_openvino_that_does_not_start_fails_no_run(new_experiment, start, tmp_path):
    broken = tmp_path / "path" / "openvino"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('libtbb.so.12: cannot open shared object file')\n")
    directory = arm_directory(new_experiment(2), "transfer")
    process = start("core.tasks.train", directory.parent, "transfer", PYTHONPATH=str(broken.parent))
    assert process.wait(200) == 0, status(directory)
    found = facts(directory)
    assert found["features_engine"] == f"Keras {keras.__version__} on tensorflow, float32"
    assert "does not start" in sentence(Said.read(found["openvino_failure"]))
    assert "libtbb.so.12" in sentence(Said.read(found["openvino_failure"]))
    assert found["reload_check"]["passed"] is True


@needs_openvino
def test_a_network_that_cannot_be_converted_is_computed_by_keras_and_the_pages_know(new_experiment, monkeypatch):
    def fails(*_: object) -> None:
        raise NameError("name 'tensorflow' is not defined")

    written: list[Status] = []
    genuine = write_status
    monkeypatch.setattr(
        "core.worker.writer.write_status", lambda place, each: (written.append(each), genuine(place, each))
    )
    monkeypatch.setattr("core.network.conversion._converted", fails)
    monkeypatch.setattr(engine, "_FAILURES", {})
    found = facts(trained(new_experiment(2)))
    assert sentence(Said.read(found["openvino_failure"])).endswith("(NameError: name 'tensorflow' is not defined)")
    assert found["fast_check"]["answers_differ"] == 0
    for state in (State.FEATURES, State.FIT):
        said = [each.message for each in written if each.state is state]
        assert any("OpenVINO cannot convert this network" in message for message in said), state
    assert written[-1].message == ""


@needs_openvino
@pytest.mark.skipif(engine.fast_precision() != "bfloat16", reason="here the quick outputs are the exact ones")
def test_scores_come_from_keras_where_openvino_fails_after_the_fit(new_experiment, monkeypatch):
    import openvino

    genuine = openvino.Core.compile_model

    def fails(core: openvino.Core, path: Path, device: str, options: dict[str, str]) -> object:
        if options["INFERENCE_PRECISION_HINT"] == "f32":
            raise RuntimeError("no kernel")
        return genuine(core, path, device, options)

    monkeypatch.setattr(openvino.Core, "compile_model", fails)
    monkeypatch.setattr(engine, "_FAILURES", {})
    found = facts(trained(new_experiment(2)))
    assert found["features_engine"].startswith("OpenVINO")
    assert "no kernel" in sentence(Said.read(found["openvino_failure"]))
    assert found["reload_check"]["passed"] is True


def test_a_run_that_begins_anew_for_scoring_still_knows_that_openvino_failed(new_experiment, monkeypatch):
    monkeypatch.setattr(engine, "_FAILURES", {})
    directory = arm_directory(new_experiment(2), "transfer")
    job = Run(directory.parent, "transfer")
    network = model.build_for(job.arm, n_classes=2)
    frozen = inputs.frozen_part(job, network, Prepared(weights_sha256="0" * 64, openvino_failure="OpenVINO is tired"))
    assert frozen
    assert not frozen.choose("float32").is_openvino


# Runs that fail


def failure(experiment_id: str, arm: str = "transfer") -> str:
    directory = trained(experiment_id, arm, code=1)
    found = status(directory)
    assert found.state is State.FAILED
    assert not files(directory) & {"predictions.parquet", "arm.json", "best.npz", "start.json", "train.npy"}
    return found.message


def test_without_its_data_set_a_run_fails_and_says_so(new_experiment):
    experiment_id = new_experiment()
    experiment = read_experiment(experiment_id)
    assert experiment
    shutil.rmtree(dataset_directory(experiment.dataset))
    assert failure(experiment_id) == (
        "Expected this experiment's data set on this host; found none. Upload the pictures again."
    )


def test_a_weight_file_that_is_cut_off_fails_the_run_with_its_name_and_what_to_do(
    new_experiment, tmp_path, monkeypatch
):
    whole = (ASSETS / "weights" / "mobilenet_1_0_224_tf.fp16.h5").read_bytes()
    path = tmp_path / bases.base("MobileNet").weights.name
    path.write_bytes(whole[: len(whole) // 2])
    monkeypatch.setenv("HEADSTART_WEIGHTS", str(tmp_path))
    settings.cache_clear()
    message = failure(new_experiment())
    assert str(path) in message
    assert "cut off" in message
    assert path.exists(), "a user's file is never deleted"


def test_a_picture_that_has_gone_fails_the_run_with_where_to_look(new_experiment):
    experiment_id = new_experiment()
    experiment = read_experiment(experiment_id)
    assert experiment
    next((dataset_directory(experiment.dataset) / "pictures").iterdir()).unlink()
    assert "Found it gone" in failure(experiment_id)


def test_a_loss_that_is_no_number_fails_the_run_with_what_to_lower(new_experiment, monkeypatch):
    batch = batches.Rows.batch
    monkeypatch.setattr(batches.Rows, "batch", lambda *rows, **which: batch(*rows, **which) * np.nan)
    plain = new_experiment(head={})  # a hidden layer may make a zero of what is no number
    assert failure(plain) == "Expected a finite loss; found nan in epoch 1. Lower the learning rate."


# Stops, in real processes


class Process:
    """A process of `core.tasks.train`, and how long it takes to answer."""

    def __init__(self, process: "subprocess.Popen[bytes]", directory: Path, wait_for: Callable[..., None]) -> None:
        self.process, self.directory, self._wait_for = process, directory, wait_for

    @property
    def status(self) -> Status:
        return status(self.directory)

    def reaches(self, state: State, seconds: float = 120.0) -> None:
        """Wait until it is in `state`."""

        def is_there() -> bool:
            assert not self.status.state.is_final, self.status
            return self.status.state is state

        self._wait_for(is_there, seconds)

    def stop(self) -> float:
        """Ask it to stop; seconds until it scores, or has ended, in answer to that."""
        before = self.status.state
        begun = time.monotonic()
        request_stop(self.directory)
        self._wait_for(lambda: self.status.state.is_final or self.status.state is State.SCORE is not before, 30)
        return time.monotonic() - begun

    def ends(self, seconds: float = 120.0) -> Status:
        """Wait for its end; its last status."""
        assert self.process.wait(seconds) == 0
        assert not files(self.directory) & {"best.npz", "start.json", "train.npy", "validation.npy", "test.npy"}
        return self.status


@pytest.fixture
def start_arm(start: Callable[..., "subprocess.Popen[bytes]"], wait_for: Callable[..., None]) -> Callable[..., Process]:
    def begin(experiment_id: str, arm: str = "transfer", **environment: str) -> Process:
        directory = arm_directory(experiment_id, arm)
        return Process(start("core.tasks.train", directory.parent, arm, **environment), directory, wait_for)

    return begin


@pytest.fixture
def silent_proxy() -> Iterator[str]:
    """An address that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def assert_in_time(seconds: float) -> None:
    assert seconds <= STOP_SECONDS + SLACK_SECONDS


def test_a_stop_while_keras_is_imported_ends_the_run(new_experiment, start_arm):
    run = start_arm(new_experiment())
    run.reaches(State.STARTING)
    assert_in_time(run.stop())
    assert run.ends().state is State.STOPPED
    assert "nothing to score" in run.status.message


def test_a_stop_while_the_weights_are_fetched_ends_the_run(new_experiment, start_arm, silent_proxy):
    run = start_arm(new_experiment(base="VGG16", frozen_blocks=5), HTTPS_PROXY=silent_proxy)
    run.reaches(State.WEIGHTS)
    assert_in_time(run.stop())
    assert run.ends().state is State.STOPPED


def test_a_stop_while_pictures_go_through_the_frozen_part_ends_the_run(new_experiment, start_arm):
    run = start_arm(new_experiment(n=20, image_size=512, augmentation=EVERY_VIEW))
    run.reaches(State.FEATURES)
    assert_in_time(run.stop())
    assert run.ends().state is State.STOPPED
    assert not (run.directory / "metrics.jsonl").exists()


def test_a_stop_before_the_first_epoch_s_end_leaves_no_scores(new_experiment, start_arm):
    run = start_arm(new_experiment(base="VGG16", frozen_blocks=5), "scratch")
    run.reaches(State.FIT)
    assert_in_time(run.stop())
    assert run.ends().state is State.STOPPED
    assert "before its first epoch" in run.status.message
    assert files(run.directory) <= {"status.json", "cancel"}


def test_a_stop_during_the_fit_keeps_the_best_epoch_and_scores_it(new_experiment, start_arm, wait_for):
    experiment_id = new_experiment(training={"epochs": 1000, "patience": None})
    run = start_arm(experiment_id)
    run.reaches(State.FIT)
    wait_for(lambda: len(read_metrics(run.directory)) >= 3)
    assert_in_time(run.stop())
    last = run.ends()
    assert last.state is State.STOPPED
    assert "best epoch" in last.message
    assert files(run.directory) == FILES | {"cancel"}
    found = facts(run.directory)
    assert found["stopped"] is True
    assert 3 <= found["epochs"] < 1000
    assert_the_saved_network_is_that_of_the_best_epoch(experiment_id, "transfer")


@pytest.mark.slow
def test_a_second_stop_ends_the_scoring(new_experiment, start_arm, wait_for):
    """With pictures so large that the 32 of the proof take a while."""
    run = start_arm(new_experiment(image_size=384, training={"epochs": 1000, "patience": None}))
    wait_for(lambda: len(read_metrics(run.directory)) >= 1, 120)
    run.stop()
    assert run.status.state is State.SCORE
    assert_in_time(run.stop())
    assert run.ends().state is State.STOPPED
    assert "no scores" in run.status.message
    assert "predictions.parquet" not in files(run.directory)


def test_a_run_ends_and_tidies_up_when_its_parent_is_gone(new_experiment, wait_for, tmp_path):
    experiment_id = new_experiment(training={"epochs": 1000, "patience": None})
    directory = arm_directory(experiment_id, "transfer")
    command = [sys.executable, "-c", PARENT, str(directory.parent), "transfer"]
    with (tmp_path / "log.txt").open("wb") as log:
        parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
    with parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        wait_for(lambda: (directory / "best.npz").exists(), 120)
        parent.send_signal(signal.SIGKILL)
    begun = time.monotonic()
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 10)
    assert_in_time(time.monotonic() - begun)
    left = {name for name in files(directory) if not name.startswith(".")}  # a hidden one was half written
    assert left == {"status.json", "metrics.jsonl"}


@pytest.mark.slow
def test_a_batch_that_takes_long_is_left_and_the_best_epoch_is_scored_under_the_same_pid(
    new_experiment, start_arm, wait_for
):
    """VGG16 at 224 px with batches of 32, all of it trained: seconds a batch."""
    opponent = {"epochs": 30, "patience": None, "image_size": 224}
    chosen = {"epochs": 30, "patience": None, "batch_size": 32}
    experiment_id = new_experiment(2, n=28, base="VGG16", scratch=opponent, training=chosen)
    run = start_arm(experiment_id, "scratch")
    wait_for(lambda: len(read_metrics(run.directory)) >= 1, 280)
    pid = run.status.pid
    wait_for(lambda: run.status.done >= 1, 60)
    assert_in_time(run.stop())
    states = set()
    while run.process.poll() is None:
        states.add(run.status.state)
        assert run.status.pid == pid == run.process.pid
        time.sleep(0.05)
    assert states <= {State.SCORE, State.STOPPED}, "it never looks as if it began anew"
    assert run.ends().state is State.STOPPED
    assert "best epoch" in run.status.message
    found = facts(run.directory)
    assert found["stopped"] is True
    assert found["reload_check"]["passed"] is True
    assert found["trained_parameters"] > 14_000_000
    assert_the_saved_network_is_that_of_the_best_epoch(experiment_id, "scratch")


@pytest.mark.slow
def test_a_second_stop_ends_a_scoring_that_began_anew(new_experiment, start_arm, wait_for):
    opponent = {"epochs": 30, "patience": None, "image_size": 224}
    experiment_id = new_experiment(
        2, n=28, base="VGG16", scratch=opponent, training={"epochs": 1, "patience": None, "batch_size": 32}
    )
    run = start_arm(experiment_id, "scratch")
    wait_for(lambda: len(read_metrics(run.directory)) >= 1, 280)
    run.stop()
    assert run.status.state is State.SCORE
    wait_for(lambda: "--score" in psutil.Process(run.process.pid).cmdline(), 10)
    assert_in_time(run.stop() - 1.0)  # the new process must be there before it can answer
    assert run.ends().state is State.STOPPED
    assert "no scores" in run.status.message
