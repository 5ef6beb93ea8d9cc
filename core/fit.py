"""Fitting an arm: weights in, the frozen part once, then the epochs; the best one's weights are what remains."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from core import bases, features, model, runs, weights
from core.arm import Job
from core.dataset import Dataset
from core.errors import StopRequested
from core.experiment import NO_AUGMENTATION, Arm
from core.features import Batches, Pictures, Rows
from core.keeper import Keeper, frozen_layers, load_best
from core.layout import PARTS
from core.model import Network
from core.runs import State

PHASE_TWO_FACTOR = 0.1  # of the learning rate, once blocks of the base are trained too


@dataclass(frozen=True)
class Fitted:
    """A network with the weights of its best epoch, and what is known of the way there."""

    network: Network
    n_classes: int
    frozen_layers: list[keras.Layer]
    trained_parameters: int
    facts: dict[str, Any]  # for arm.json; survives a restart for scoring alone in start.json
    test: Pictures
    test_features: np.ndarray | None = field(repr=False)  # (n, …) in float32, where they are equal to Keras's own


@dataclass(frozen=True)
class _Phase:
    number: int
    epochs: int
    rate_factor: float
    prepare: Callable[[], None]


def fit(job: Job, data: Dataset) -> Fitted:
    """Fit this arm and leave its network with the best epoch's weights.

    Raises:
        StopRequested: Before the first epoch was complete.
        WeightsError: The base's weights are not to be had.
    """
    device = model.prepare_device()
    job.report.tell(device=device.label, engine=device.engine)
    network, facts = _network(job, len(data.classes))
    facts["seconds"]["start"] = time.monotonic() - job.begun
    parts = pictures_of(job, data)
    rows, frontier, seconds = _rows(job, network, parts, facts)
    facts["seconds"]["features"] = seconds
    facts["frozen_before"] = model.fingerprint(frozen_layers(job, network))
    phases = _phases(job, network)
    facts["phase_change"] = phases[0].epochs + 1 if len(phases) > 1 else None
    facts["seconds"]["before"] = 0.0
    runs.write_json(job.directory / "start.json", facts)
    keeper = _run_phases(job, network, frontier, rows, phases)
    facts |= {"fit_rate": keeper.rate, "tracing_seconds": keeper.tracing_seconds}
    facts["best_epoch"] = load_best(job, network)
    test = rows["test"].values[:, 0] if frontier and device.is_float32 else None
    return _fitted(job, network, len(data.classes), facts, parts["test"], test)


def restore(job: Job, data: Dataset) -> Fitted:
    """What a fit left that was stopped in the middle of a batch."""
    device = model.prepare_device()
    job.report.tell(device=device.label, engine=device.engine)
    facts = runs.read_json(job.directory / "start.json") | {"fit_rate": None}
    trained_until = float(runs.read_metrics(job.directory)["seconds"].iloc[-1])
    facts["seconds"]["before"] = facts["seconds"]["start"] + facts["seconds"]["features"] + trained_until
    network, _ = _network(job, len(data.classes), is_quiet=True)
    facts["best_epoch"] = load_best(job, network)
    return _fitted(job, network, len(data.classes), facts, pictures_of(job, data)["test"], None)


def _fitted(
    job: Job, network: Network, n_classes: int, facts: dict[str, Any], test: Pictures, values: np.ndarray | None
) -> Fitted:
    """With the trainable marks as in the last phase, which is what the numbers of parameters speak of."""
    _phases(job, network)[-1].prepare()
    trained = sum(math.prod(weight.shape) for weight in network.model.trainable_weights)
    return Fitted(network, n_classes, frozen_layers(job, network), trained, facts, test, values)


def pictures_of(job: Job, data: Dataset) -> dict[str, Pictures]:
    """The pictures of each part, in the split's order."""
    index = {name: number for number, name in enumerate(data.classes)}
    parts = {}
    for part in PARTS:
        rows = job.split[job.split["part"] == part]
        labels = rows["label"].map(index).to_numpy(np.int64)
        parts[part] = Pictures(rows["picture"].tolist(), [data.path(name) for name in rows["picture"]], labels)
    return parts


def _network(job: Job, n_classes: int, *, is_quiet: bool = False) -> tuple[Network, dict[str, Any]]:
    """The arm's network as it begins: the base's weights from ImageNet, or all of them random."""
    keras.utils.set_random_seed(job.experiment.seed)
    network = model.build(job.experiment.base, job.experiment.head, image_size=job.image_size, n_classes=n_classes)
    facts: dict[str, Any] = {"weights_sha256": None, "seconds": {}, "phase_change": None}
    if job.arm is Arm.TRANSFER:
        if not is_quiet:
            job.report.enter(State.WEIGHTS)
        row = bases.base(job.experiment.base)
        path = weights.fetch(row, progress=job.report.progress, stopped=job.is_stopped)
        model.load_base_weights(network, path)
        facts["weights_sha256"] = weights.sha256(path)
        network.train_from(job.frozen_blocks)
    else:
        network.train_all()
    return network, facts


def _rows(
    job: Job, network: Network, parts: dict[str, Pictures], facts: dict[str, Any]
) -> tuple[dict[str, Rows], str | None, float]:
    """What the trained part sees of each part, the frontier's layer, and the seconds it took."""
    augmentation = job.experiment.augmentation
    frontier = network.frontier(job.frozen_blocks)
    prefix, _ = model.cut(network.model, frontier)
    views = features.views_of(augmentation)
    n_rows = views * len(parts["train"]) + len(parts["validation"]) + len(parts["test"])
    if prefix is not None and not features.fits(prefix, n_rows):
        frontier = prefix = None
    is_too_large = prefix is None and job.frozen_blocks > 0
    slowly = "The frozen part puts out too much to keep, so it runs in every epoch: slower. " if is_too_large else ""
    job.report.enter(State.FEATURES, "" if prefix else f"{slowly}Reading the pictures.")
    facts["views"] = views if prefix else None
    watch = features.Stopwatch()
    rows, done = {}, 0
    total = n_rows if prefix else sum(map(len, parts.values()))
    for part, pictures in parts.items():

        def progress(number: int, _: int, *, before: int = done) -> None:
            job.report.progress(before + number, total, rate=watch.rate(before + number))

        store = job.directory / f"{part}.npy"
        is_training = part == "train"
        if prefix is None:
            values = features.read_pixels(pictures, job.image_size, store, progress=progress, stopped=job.is_stopped)
            rows[part] = Rows(values, pictures.labels, augmentation if is_training else NO_AUGMENTATION)
            done += len(pictures)
        else:
            values = features.compute(
                prefix,
                pictures,
                store,
                augmentation=augmentation,
                views=views if is_training else 1,
                seed=job.experiment.seed,
                progress=progress,
                stopped=job.is_stopped,
            )
            rows[part] = Rows(values, pictures.labels)
            done += values.shape[0] * values.shape[1]
    facts["features_rate"] = total / watch.seconds if prefix else None
    return rows, frontier, watch.seconds


def _phases(job: Job, network: Network) -> list[_Phase]:
    """One from scratch, and where all blocks are frozen; else the head alone, then the unfrozen blocks as well."""
    epochs = job.experiment.phases_of(job.arm)
    if job.arm is Arm.SCRATCH:
        return [_Phase(1, epochs[0], 1.0, network.train_all)]
    head_alone = _Phase(1, epochs[0], 1.0, network.train_head)
    if len(epochs) == 1:
        return [head_alone]
    return [head_alone, _Phase(2, epochs[1], PHASE_TWO_FACTOR, lambda: network.train_from(job.frozen_blocks))]


def _run_phases(
    job: Job, network: Network, frontier: str | None, rows: dict[str, Rows], phases: list[_Phase]
) -> Keeper:
    """The fit itself; returns what watched it."""
    training = job.training
    _, suffix = model.cut(network.model, frontier)
    batches = Batches(
        rows["train"],
        batch_size=training.batch_size,
        seed=job.experiment.seed,
        weights=_class_weights(rows["train"].labels) if training.class_weights else None,
    )
    validation = Batches(rows["validation"], batch_size=training.batch_size, seed=0, shuffles=False)
    job.report.enter(State.FIT)
    keeper = Keeper(job, network, rows["train"], total_steps=sum(phase.epochs for phase in phases) * len(batches))
    for phase in phases:
        phase.prepare()
        keeper.phase = phase.number
        steps = phase.epochs * len(batches)
        model.compile_for(suffix, training, steps=steps, rate_factor=phase.rate_factor)
        try:
            suffix.fit(
                batches, validation_data=validation, epochs=phase.epochs, callbacks=[keeper], verbose=0, shuffle=False
            )
        except StopRequested:
            if not job.best_path.exists():
                raise
            break
    return keeper


def _class_weights(labels: np.ndarray) -> np.ndarray:
    """Inverse of each class's share, so that the mean weight of a picture is 1."""
    counts = np.bincount(labels)
    return (len(labels) / (len(counts) * np.maximum(counts, 1))).astype(np.float32)
