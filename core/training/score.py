"""Scoring an arm: the saved file is reloaded, and it is the reloaded network that answers the test part."""

import platform
import time
from contextlib import suppress
from dataclasses import replace
from importlib import metadata
from typing import Any

import keras
import numpy as np
import pandas as pd

from core import host
from core.data.dataset import Dataset
from core.data.pictures import picture
from core.data.pictures.recipe import labels
from core.disk.files import write_json
from core.disk.status import read_metrics
from core.errors import RunError, StopRequested
from core.network import engine, model
from core.network.batches import Pictures, Rows
from core.network.model import Network
from core.plan import estimate, facts
from core.plan.estimate import Rates
from core.plan.facts import ArmFacts, QuickCheck, ReloadCheck
from core.training import inputs
from core.training.arm import Run
from core.training.fit import Fitted

PROOF_PICTURES = 32
PROOF_TOLERANCE = 1e-4  # between a picture's probabilities by way of its stored features and through the whole file
FAST_TOLERANCE = 0.01  # share of the test pictures that may be answered otherwise on the quick outputs
FLOAT_BYTES = 4
PACKAGES = (
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "jax",
    "torch",
    "openvino",
    "numpy",
    "pillow",
    "scikit-learn",
    "streamlit",
)


def score(job: Run, data: Dataset, fitted: Fitted) -> None:
    """Write model.keras, labels.json, arm.json and, as a sign that all of it is there, predictions.parquet.

    Raises:
        StopRequested: A further stop was asked for.
        RunError: The reloaded file does not answer as the trained network does.
    """
    begun = time.monotonic()
    host.give_back()  # what the fit is done with
    trained = model.float32_copy(fitted.network, job.arm.head, n_classes=fitted.n_classes)
    _save(job, data, trained.model)
    reloaded = keras.saving.load_model(job.directory / "model.keras", compile=False)
    proof = pixels_of(fitted.test, job.image_size, slice(PROOF_PICTURES))
    fast = None
    if fitted.frozen is None:
        answers = _whole(job, reloaded, fitted.test)
        other = _through_all(trained, trained.model, proof)
    else:
        prefix, _ = model.cut(trained.model, trained.frontier)
        _, suffix = model.cut(reloaded, trained.frontier)
        if fitted.beside:
            fitted.beside.join()
        exact = inputs.exact(job, replace(fitted.frozen, prefix=prefix), fitted.test)
        answers = _by_suffix(suffix, exact)
        other = _through_all(trained, reloaded, proof)
        fast = _fast_check(answers, suffix, fitted.fast)
    check = _checked(answers[: len(other)], other)
    known = _facts(job, fitted, reloaded, check, fast, begun=begun)
    _go_on(job)
    facts.write(job.directory, known, _frame(fitted.test, answers, data.classes))
    with suppress(OSError):  # rates are worth less than the scores that are written by now
        _record_rates(job, known)


def _record_rates(job: Run, known: ArmFacts) -> None:
    """Keep how fast this arm was, unless it was stopped within a batch, so that nobody knows."""
    if known.fit_rate:
        measured = Rates(
            start=known.seconds.start + known.tracing_seconds,
            features_rate=known.features_rate,
            fit_rate=known.fit_rate,
            evaluate=known.seconds.evaluate,
            peak_memory_bytes=known.peak_memory_bytes,
            batch_size=job.training.batch_size,
        )
        estimate.record(job.arm, measured)


def _save(job: Run, data: Dataset, trained: keras.Model) -> None:
    for layer in trained.layers:
        layer.trainable = True  # whoever loads the file decides anew what is frozen
    partial = job.directory / "partial.keras"
    trained.save(partial)
    partial.replace(job.directory / "model.keras")
    said = labels(data.classes, data.depth, image_size=job.image_size)
    write_json(job.directory / "labels.json", said)


def pixels_of(pictures: Pictures, size: int, chosen: slice) -> np.ndarray:
    """Some pictures as a network sees them, shape (n, size, size, 3), uint8."""
    return np.stack([picture.load(path, size) for path in pictures.paths[chosen]])


def _whole(job: Run, network: keras.Model, pictures: Pictures) -> np.ndarray:
    answers = []
    for start in range(0, len(pictures), engine.BATCH):
        _go_on(job)
        pixels = pixels_of(pictures, job.image_size, slice(start, start + engine.BATCH))
        answers.append(engine.predict(network, pixels))
        job.report.progress(start + len(pixels), len(pictures))
    return model.probabilities(np.concatenate(answers))


def _through_all(built: Network, network: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """Pictures through all layers of a network that is built like `built`, shape (n, classes).

    Without a graph, whose making takes longer than so few pictures. Keras then keeps what every layer of a model puts
    out until the model's end, so block after block is a model of its own, and as many pictures go together as fit.
    """
    scale = (network.input.shape[1] / built.row.image_size) ** 2 * FLOAT_BYTES
    largest = scale * max(block.activations for block in built.row.blocks)
    at_once = max(1, min(len(pixels), int(estimate.proof_bytes() / largest)))
    blocks = model.stretches(network, built.block_ends)
    answers = []
    for start in range(0, len(pixels), at_once):
        values: Any = pixels[start : start + at_once].astype(np.float32)
        for block in blocks:
            values = block(values, training=False)
        answers.append(keras.ops.convert_to_numpy(values))
    return model.probabilities(np.concatenate(answers))


def _by_suffix(suffix: keras.Model, values: np.ndarray) -> np.ndarray:
    """In one go where the suffix is a head on vectors, else with a graph."""
    if values.ndim == 2:
        return model.probabilities(keras.ops.convert_to_numpy(suffix(values.astype(np.float32), training=False)))
    return model.probabilities(engine.predict(suffix, values.astype(np.float32)))


def _fast_check(answers: np.ndarray, suffix: keras.Model, fast: Rows | None) -> QuickCheck | None:
    """How far the answers on the quick outputs of the frozen part, which the fit saw, are from the exact ones."""
    if fast is None:
        return None
    quick = _by_suffix(suffix, fast.first())
    differ = int((model.chosen(quick) != model.chosen(answers)).sum())
    return QuickCheck(
        pictures=len(answers),
        answers_differ=differ,
        largest_difference=float(np.abs(quick - answers).max()),
        passed=differ <= FAST_TOLERANCE * len(answers),
    )


def _go_on(job: Run) -> None:
    if job.is_stopped():
        raise StopRequested("run.left-scoring")


def _checked(answers: np.ndarray, other: np.ndarray) -> ReloadCheck:
    largest = float(np.abs(answers - other).max())
    if largest > PROOF_TOLERANCE:
        raise RunError("run.answers-differ", tolerance=PROOF_TOLERANCE, found=largest)
    return ReloadCheck(pictures=len(other), largest_difference=largest, passed=True)


def _frame(pictures: Pictures, answers: np.ndarray, classes: tuple[str, ...]) -> pd.DataFrame:
    names = np.array(classes, dtype=object)
    true, predicted = names[pictures.labels], names[model.chosen(answers)]
    frame = pd.DataFrame({"picture": pictures.names, "part": "test", "true": true, "predicted": predicted})
    columns = pd.DataFrame(answers, columns=[f"p_{name}" for name in classes])
    return pd.concat([frame, columns], axis=1)


def _facts(
    job: Run, fitted: Fitted, reloaded: keras.Model, check: ReloadCheck, fast: QuickCheck | None, *, begun: float
) -> ArmFacts:
    """All that is known of the arm now; scoring it has `begun` then."""
    metrics, before = read_metrics(job.directory), fitted.facts
    frozen = [reloaded.get_layer(layer.name) for layer in fitted.network.frozen_layers if layer.weights]
    is_unchanged = model.fingerprint(frozen) == before.frozen_before if frozen else None
    now = time.monotonic()
    seconds = {
        "train": float(metrics["seconds"].iloc[-1]),
        "evaluate": now - begun,
        "total": fitted.seconds_before + now - job.begun,
    }
    failure = engine.failure(fitted.frozen.facts) if fitted.frozen else before.openvino_failure
    return facts.then(
        ArmFacts,
        before,
        seconds=before.seconds.model_copy(update=seconds),
        openvino_failure=failure,
        epochs=len(metrics),
        trained_parameters=fitted.trained_parameters,
        frozen_parameters=int(reloaded.count_params()) - fitted.trained_parameters,
        frozen_unchanged=is_unchanged,
        reload_check=check,
        fast_check=fast,
        seed=job.arm.seed,
        versions=versions(),
        device=job.report.device,
        engine=job.report.engine,
        image_size=job.image_size,
        stopped=job.was_stopped,
        second_attempt=job.attempt.said if job.attempt else None,
        peak_memory_bytes=job.peak_memory_bytes,
    )


def versions() -> dict[str, str]:
    """Of Python and of the packages that a result depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found
