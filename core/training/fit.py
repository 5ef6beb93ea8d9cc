"""Fitting an arm: weights in, its inputs once, then the epochs; the best one's weights are what remains."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import keras
import numpy as np

from core.data.dataset import Dataset
from core.data.labels.layout import PARTS
from core.disk.status import State, read_metrics
from core.errors import StopRequested
from core.network import backend, kernels, loading, model
from core.network.batches import Batches, Pictures, Rows, for_fit
from core.network.batchnorm import Reestimation
from core.network.features import Frozen
from core.network.model import Network
from core.plan import bases, facts, weights
from core.plan.arm import Training
from core.plan.facts import ArmSeconds, Built, FitFacts, Prepared
from core.training import inputs
from core.training.arm import Run
from core.training.callbacks import best
from core.training.callbacks.best import KeepBest
from core.training.callbacks.early import StopEarly
from core.training.callbacks.finite import RefuseInfinite
from core.training.callbacks.metrics import WriteMetrics
from core.training.callbacks.pace import Pace
from core.training.callbacks.statistics import ReestimateStatistics
from core.training.callbacks.stop import StopAsAsked
from core.training.inputs import Beside, Inputs
from core.training.layers import changing_layers

STEPS_AT_ONCE = 16  # of a head on vectors, for each return to Python: some 20 ms, so that a stop is seen at once
PHASE_TWO_FACTOR = 0.1  # of the learning rate, once blocks of the base are trained too


@dataclass(frozen=True)
class Fitted:
    """A network with the weights of its best epoch, and what is known of the way there."""

    network: Network
    n_classes: int
    trained_parameters: int
    facts: FitFacts
    seconds_before: float  # of a process that left the fit, and of which this one scores the best epoch
    test: Pictures
    frozen: Frozen | None = field(default=None, repr=False)  # whose outputs were cached
    fast: Rows | None = field(default=None, repr=False)  # the test part as the fit would see it
    beside: Beside | None = field(default=None, repr=False)  # still at work on the exact outputs of the test part


@dataclass(frozen=True)
class _Phase:
    number: int
    epochs: int
    rate_factor: float
    prepare: Callable[[], None]


def fit(job: Run, data: Dataset) -> Fitted:
    """Fit this arm and leave its network with the best epoch's weights.

    Raises:
        StopRequested: Before the first epoch was complete.
        WeightsError: The base's weights are not to be had.
    """
    device = backend.prepare_device()
    job.report.tell(device=device.label, engine=device.engine)
    network, built = _network(job, len(data.classes))
    parts = pictures_of(job, data)
    prepared, known = inputs.prepare(job, network, parts, built)
    phases = _phases(job, network)
    known = facts.then(
        Prepared,
        known,
        frozen_before=model.fingerprint(network.frozen_layers),
        phase_change=phases[0].epochs + 1 if len(phases) > 1 else None,
    )
    facts.write_start(job.directory, known)
    job.report.enter(State.FIT, prepared.frozen.failure if prepared.frozen else None)
    job.report.tell(engine=f"{device.engine}{kernels.remark(network.model, prepared.frontier)}")
    beside = inputs.Beside(job, prepared.frozen, parts["test"])
    try:
        pace = _run_phases(job, network, prepared, phases)
    except BaseException:
        beside.leave()
        raise
    known = facts.then(
        FitFacts,
        known,
        fit_rate=pace.rate,
        tracing_seconds=pace.tracing_seconds,
        best_epoch=best.load(job.best_path, changing_layers(network)),
    )
    return replace(_fitted(job, network, len(data.classes), known, parts["test"], prepared), beside=beside)


def restore(job: Run, data: Dataset) -> Fitted:
    """What a fit left that was stopped in the middle of a batch."""
    device = backend.prepare_device()
    job.report.tell(device=device.label, engine=device.engine)
    begun = facts.read_start(job.directory)
    trained_until = float(read_metrics(job.directory)["seconds"].iloc[-1])
    before = begun.seconds.start + begun.seconds.features + trained_until
    network, _ = _network(job, len(data.classes), is_quiet=True)
    known = facts.then(FitFacts, begun, best_epoch=best.load(job.best_path, changing_layers(network)))
    frozen = inputs.frozen_part(job, network, begun) if begun.views else None
    test = pictures_of(job, data)["test"]
    rows = {"test": inputs.quick(job, frozen, test)} if frozen else {}
    prepared = Inputs(rows, network.frontier if frozen else None, frozen)
    return _fitted(job, network, len(data.classes), known, test, prepared, seconds_before=before)


def _fitted(
    job: Run,
    network: Network,
    n_classes: int,
    known: FitFacts,
    test: Pictures,
    prepared: Inputs,
    *,
    seconds_before: float = 0.0,
) -> Fitted:
    """With the trainable marks as in the last phase, which is what the numbers of parameters speak of."""
    _phases(job, network)[-1].prepare()
    trained = sum(math.prod(weight.shape) for weight in network.model.trainable_weights)
    fast = prepared.rows.get("test")
    return Fitted(network, n_classes, trained, known, seconds_before, test, prepared.frozen, fast)


def pictures_of(job: Run, data: Dataset) -> dict[str, Pictures]:
    """The pictures of each part, in the split's order."""
    index = {name: number for number, name in enumerate(data.classes)}
    parts = {}
    for part in PARTS:
        rows = job.split[job.split["part"] == part]
        labels = rows["label"].map(index).to_numpy(np.int64)
        parts[part] = Pictures(rows["picture"].tolist(), [data.path(name) for name in rows["picture"]], labels)
    return parts


def _network(job: Run, n_classes: int, *, is_quiet: bool = False) -> tuple[Network, Built]:
    """The arm's network as it begins: the base's weights from ImageNet, or all of them random."""
    with model.DRAWING:
        keras.utils.set_random_seed(job.arm.seed)
        network = model.build_for(job.arm, n_classes=n_classes)
    digest = None
    if not job.arm.is_scratch:
        if not is_quiet:
            job.report.enter(State.WEIGHTS)
        row = bases.base(job.arm.base)
        path = weights.fetch(row, progress=job.report.progress, stopped=job.is_stopped)
        loading.load_base_weights(network, path)
        digest = weights.sha256(path)
    network.train_unfrozen()
    return network, Built(weights_sha256=digest, seconds=ArmSeconds(start=time.monotonic() - job.begun))


def _phases(job: Run, network: Network) -> list[_Phase]:
    """One from scratch, and where all blocks are frozen; else the head alone, then the unfrozen blocks as well."""
    epochs = job.arm.phases
    if job.arm.is_scratch:
        return [_Phase(1, epochs[0], 1.0, network.train_unfrozen)]
    head_alone = _Phase(1, epochs[0], 1.0, network.train_head)
    if len(epochs) == 1:
        return [head_alone]
    return [head_alone, _Phase(2, epochs[1], PHASE_TWO_FACTOR, network.train_unfrozen)]


def _run_phases(job: Run, network: Network, prepared: Inputs, phases: list[_Phase]) -> Pace:
    """The fit itself; returns how fast it was."""
    training, rows = job.training, prepared.rows
    _, suffix = model.cut(network.model, prepared.frontier)
    suffix = kernels.for_training(suffix)
    batches = Batches(
        rows["train"],
        batch_size=training.batch_size,
        seed=job.arm.seed,
        weights=_class_weights(rows["train"].labels) if training.class_weights else None,
    )
    validation = Batches(rows["validation"], batch_size=training.batch_size, seed=0, shuffles=False)
    is_head_alone = len(suffix.input.shape) == 2
    total_steps = sum(phase.epochs for phase in phases) * len(batches)
    pace = Pace(job.report, batch_size=training.batch_size, n_train=len(rows["train"]), total_steps=total_steps)
    always = [StopAsAsked(job.is_stopped), pace, *_statistics(job, network, rows["train"]), RefuseInfinite()]
    epochs, lowest = 0, math.inf
    for phase in phases:
        phase.prepare()
        steps = phase.epochs * len(batches)
        at_once = min(STEPS_AT_ONCE, len(batches)) if is_head_alone else 1
        model.compile_for(suffix, training, steps=steps, rate_factor=phase.rate_factor, steps_at_once=at_once)
        source, turns = for_fit(batches)
        held_out, _ = for_fit(validation)
        keeping = KeepBest(job.best_path, changing_layers(network), baseline=lowest)
        callbacks = [
            *always,
            WriteMetrics(job.directory, phase=phase.number, seconds=pace.seconds),
            keeping,
            *_early(training, lowest, is_last=phase is phases[-1]),
            *turns,
        ]
        try:
            suffix.fit(
                source,
                validation_data=held_out,
                initial_epoch=epochs,
                epochs=epochs + phase.epochs,
                callbacks=callbacks,
                verbose=0,
                shuffle=False,
            )
        except StopRequested:
            if not job.best_path.exists():
                raise
            break
        epochs, lowest = epochs + phase.epochs, keeping.best
    return pace


def _statistics(job: Run, network: Network, rows: Rows) -> list[keras.callbacks.Callback]:
    """From scratch alone: a base's BatchNorm layers are left as they are."""
    if not job.arm.is_scratch:
        return []
    return [ReestimateStatistics(Reestimation(network.model), rows, batch_size=job.training.batch_size)]


def _early(training: Training, lowest: float, *, is_last: bool) -> list[keras.callbacks.Callback]:
    """In the last phase alone: the head by itself is given all its epochs."""
    return [StopEarly(training.patience, baseline=lowest)] if training.patience and is_last else []


def _class_weights(labels: np.ndarray) -> np.ndarray:
    """Inverse of each class's share, so that the mean weight of a picture is 1."""
    counts = np.bincount(labels)
    return (len(labels) / (len(counts) * np.maximum(counts, 1))).astype(np.float32)
