"""Scoring an arm: the saved file is reloaded, and it is the reloaded network that answers the test part."""

import platform
import resource
import sys
import time
from contextlib import suppress
from dataclasses import replace
from importlib import metadata
from typing import Any

import keras
import numpy as np
import pandas as pd

from core import engine, estimate, inputs, model, picture, runs
from core.arm import SIGN, Job
from core.batches import Pictures, Rows
from core.dataset import Dataset
from core.errors import RunError, StopRequested
from core.fit import Fitted

PROOF_PICTURES = 32
PROOF_TOLERANCE = 1e-4  # between a picture's probabilities by way of its stored features and through the whole file
FAST_TOLERANCE = 0.01  # share of the test pictures that may be answered otherwise on the quick outputs
PROOF_BATCH = 8  # what all layers put out for these is in memory at once
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


def score(job: Job, data: Dataset, fitted: Fitted) -> None:
    """Write model.keras, labels.json, arm.json and, as a sign that all of it is there, predictions.parquet.

    Raises:
        StopRequested: A further stop was asked for.
        RunError: The reloaded file does not answer as the trained network does.
    """
    begun = time.monotonic()
    trained = model.float32_copy(fitted.network, job.experiment.head, n_classes=fitted.n_classes)
    _save(job, data, trained.model)
    reloaded = keras.saving.load_model(job.directory / "model.keras", compile=False)
    proof = pixels_of(fitted.test, job.image_size, slice(PROOF_PICTURES))
    fast = None
    if fitted.frozen is None:
        answers = _whole(job, reloaded, fitted.test)
        other = _at_once(trained.model, proof)
    else:
        frontier = trained.frontier(job.frozen_blocks)
        prefix, _ = model.cut(trained.model, frontier)
        _, suffix = model.cut(reloaded, frontier)
        if fitted.beside:
            fitted.beside.join()
        exact = inputs.exact(job, replace(fitted.frozen, prefix=prefix), fitted.test)
        answers = _by_suffix(suffix, exact)
        other = _at_once(reloaded, proof)
        fast = _fast_check(answers, suffix, fitted.fast)
    check = _checked(answers[: len(other)], other)
    facts = _facts(job, fitted, reloaded, check) | {"fast_check": fast}
    facts["seconds"]["evaluate"] = time.monotonic() - begun
    facts["seconds"]["total"] = facts["seconds"].pop("before") + time.monotonic() - job.begun
    _go_on(job)
    runs.write_json(job.directory / "arm.json", facts)
    runs.write_frame(job.directory / SIGN, _frame(fitted.test, answers, data.classes))
    start = facts["seconds"]["start"] + facts.get("tracing_seconds", 0.0)
    measured = {"start": start, "evaluate": facts["seconds"]["evaluate"], "batch_size": job.training.batch_size}
    with suppress(OSError):  # rates are worth less than the scores that are written by now
        estimate.record(job.experiment, job.arm, facts | measured)


def _save(job: Job, data: Dataset, trained: keras.Model) -> None:
    for layer in trained.layers:
        layer.trainable = True  # whoever loads the file decides anew what is frozen
    partial = job.directory / "partial.keras"
    trained.save(partial)
    partial.replace(job.directory / "model.keras")
    labels = {
        "classes": list(data.classes),
        "image_size": job.image_size,
        "resize": "stretched to a square by Pillow's bilinear filter",
        "input": "(n, image_size, image_size, 3), RGB, 0 to 255",
        "output": "P(classes[1])" if len(data.classes) == 2 else "a probability for each class",
    }
    runs.write_json(job.directory / "labels.json", labels)


def pixels_of(pictures: Pictures, size: int, chosen: slice) -> np.ndarray:
    """Some pictures as a network sees them, shape (n, size, size, 3), uint8."""
    return np.stack([picture.load(path, size) for path in pictures.paths[chosen]])


def _whole(job: Job, network: keras.Model, pictures: Pictures) -> np.ndarray:
    answers = []
    for start in range(0, len(pictures), engine.BATCH):
        _go_on(job)
        pixels = pixels_of(pictures, job.image_size, slice(start, start + engine.BATCH))
        answers.append(engine.predict(network, pixels))
        job.report.progress(start + len(pixels), len(pictures))
    return model.probabilities(np.concatenate(answers))


def _at_once(network: keras.Model, inputs: np.ndarray, *, batch_size: int = PROOF_BATCH) -> np.ndarray:
    """Without building a graph, which takes longer than so few pictures; layer by layer, so few at a time."""
    pieces = [inputs[start : start + batch_size] for start in range(0, len(inputs), batch_size)]
    answers = [keras.ops.convert_to_numpy(network(piece.astype(np.float32), training=False)) for piece in pieces]
    return model.probabilities(np.concatenate(answers))


def _by_suffix(suffix: keras.Model, values: np.ndarray) -> np.ndarray:
    """In one go where the suffix is a head on vectors, else with a graph."""
    if values.ndim == 2:
        return _at_once(suffix, values, batch_size=len(values))
    return model.probabilities(engine.predict(suffix, values.astype(np.float32)))


def _fast_check(answers: np.ndarray, suffix: keras.Model, fast: Rows | None) -> dict[str, Any] | None:
    """How far the answers on the quick outputs of the frozen part, which the fit saw, are from the exact ones."""
    if fast is None:
        return None
    quick = _by_suffix(suffix, fast.first())
    differ = int((model.chosen(quick) != model.chosen(answers)).sum())
    return {
        "pictures": len(answers),
        "answers_differ": differ,
        "largest_difference": float(np.abs(quick - answers).max()),
        "passed": differ <= FAST_TOLERANCE * len(answers),
    }


def _go_on(job: Job) -> None:
    if job.is_stopped():
        raise StopRequested("Stopped while the test pictures were scored.")


def _checked(answers: np.ndarray, other: np.ndarray) -> dict[str, Any]:
    largest = float(np.abs(answers - other).max())
    if largest > PROOF_TOLERANCE:
        raise RunError(
            f"Expected the saved file to answer like the trained network, within {PROOF_TOLERANCE}; found a difference "
            f"of {largest:.2g}. Its scores would not be those of the file, so there are none. Please report this."
        )
    return {"pictures": len(other), "largest_difference": largest, "passed": True}


def _frame(pictures: Pictures, answers: np.ndarray, classes: tuple[str, ...]) -> pd.DataFrame:
    names = np.array(classes, dtype=object)
    true, predicted = names[pictures.labels], names[model.chosen(answers)]
    frame = pd.DataFrame({"picture": pictures.names, "part": "test", "true": true, "predicted": predicted})
    columns = pd.DataFrame(answers, columns=[f"p_{name}" for name in classes])
    return pd.concat([frame, columns], axis=1)


def _facts(job: Job, fitted: Fitted, reloaded: keras.Model, check: dict[str, Any]) -> dict[str, Any]:
    metrics = runs.read_metrics(job.directory)
    facts = dict(fitted.facts)
    before = facts.pop("frozen_before")
    frozen = [reloaded.get_layer(layer.name) for layer in fitted.frozen_layers]
    return facts | {
        "seconds": facts["seconds"] | {"ingest": 0.0, "train": float(metrics["seconds"].iloc[-1])},
        "epochs": len(metrics),
        "trained_parameters": fitted.trained_parameters,
        "frozen_parameters": int(reloaded.count_params()) - fitted.trained_parameters,
        "frozen_unchanged": model.fingerprint(frozen) == before if frozen else None,
        "reload_check": check,
        "seed": job.experiment.seed,
        "versions": versions(),
        "device": job.report.device,
        "engine": job.report.engine,
        "image_size": job.image_size,
        "stopped": job.was_stopped,
        "peak_memory_bytes": peak_memory_bytes(),
    }


def versions() -> dict[str, str]:
    """Of Python and of the packages that a result depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def peak_memory_bytes() -> int:
    """The most memory this process has held so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
