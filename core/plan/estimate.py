"""Seconds and memory of an arm before it is started, from rates that earlier runs or a probe recorded on this host."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from core import host
from core.disk import home
from core.errors import ResourceError
from core.plan import bases
from core.plan.arm import Arm
from core.plan.counts import head_parameters
from core.plan.experiment import Experiment
from core.plan.labels import labels
from core.settings import MEBIBYTE, settings

BYTES = 4  # of a float32
# Anonymous memory of an arm's process, fitted to what benchmarks/memory.py finds for all bases: within a tenth of it.
IMPORTED_BYTES = 260 * MEBIBYTE  # TensorFlow, Keras, pandas and the rest, and their first words
WEIGHTS_KEPT = 3.0  # times the weights: read, built, and loaded again from the file
WEIGHTS_MOVED = 3.0  # times the trained ones: their gradients and the optimizer's two means
LAYER_BYTES = 0.6 * MEBIBYTE  # of a layer as Keras has it, twice
GRAPH_BYTES = 0.95 * MEBIBYTE  # of a trained layer in the graphs of step, validation and re-estimation
KEPT_FOR_BACKWARD = 0.9  # of the trained layers' outputs
ENGINE_BYTES = 25 * MEBIBYTE  # OpenVINO's own, and twice the weights: as read and as it computes with them
AHEAD_BYTES = 160 * MEBIBYTE  # of decoded pictures, at most
PROOF_BYTES = 96 * MEBIBYTE  # at most
PICTURE_BYTES = 3  # of a pixel
MANY = 10**6  # pictures, more than may wait for the engine

# What is beside the arm's process, in the memory that the host or the container has for all of them.
CONSUMER_BYTES = 30 * MEBIBYTE
FILES_BYTES = 60 * MEBIBYTE  # of programs and libraries that must stay in memory to get on at all


@dataclass(frozen=True)
class Estimate:
    """What one arm will need. `seconds` is for all its epochs; early stopping may make it less."""

    seconds: float | None  # None: nothing was measured on this host yet
    memory_bytes: int


class Rates(BaseModel):
    """What an arm or a probe measured on this host."""

    model_config = ConfigDict(frozen=True)

    start: float  # seconds until the first step, the building of graphs included
    features_rate: float | None  # pictures a second; None: there is no frozen part, or all of it was in the cache
    fit_rate: float  # training pictures a second
    evaluate: float  # seconds
    peak_memory_bytes: int | None
    batch_size: int | None


class _Line(Rates):
    """Rates as a line of rates.jsonl; one of an earlier version, with other names, is none."""

    key: str
    head_parameters: int | None


def estimate(experiment: Experiment, *, n_train: int, n_validation: int, n_test: int) -> dict[str, Estimate]:
    """What each arm of the experiment will need on so many pictures, by the arm's name."""
    rates = _read()
    return {arm.name: _of_arm(arm, rates, n_train, n_validation + n_test) for arm in experiment.arms}


def _of_arm(arm: Arm, rates: dict[str, _Line], n_train: int, n_rest: int) -> Estimate:
    measured = rates.get(_key(arm))
    n_views = arm.n_views(n_train) * n_train + n_rest
    memory = _memory(arm, n_views)
    if measured is None:
        return Estimate(None, memory)
    if measured.peak_memory_bytes and measured.head_parameters is not None:
        more = head_parameters(arm, n_classes=2) - measured.head_parameters  # measured with another head
        memory = int(measured.peak_memory_bytes + BYTES * (WEIGHTS_KEPT + WEIGHTS_MOVED) * max(0, more))
    seconds = measured.start + measured.evaluate + arm.training.epochs * n_train / measured.fit_rate
    if measured.features_rate:
        seconds += n_views / measured.features_rate
    return Estimate(seconds, memory)


def memory_bytes(experiment: Experiment) -> dict[str, int]:
    """The memory that each arm will need on however many pictures, by the arm's name."""
    return {arm.name: _of_arm(arm, _read(), MANY, 0).memory_bytes for arm in experiment.arms}


def unmeasured(experiment: Experiment) -> tuple[Arm, ...]:
    """The arms that have no rates on this host, so that a probe is worth its seconds."""
    rates = _read()
    return tuple(arm for arm in experiment.arms if _key(arm) not in rates)


def missing(experiment: Experiment) -> tuple[str, ...]:
    """What names the rates that are missing, an entry an arm; the same for choices that are as fast."""
    return tuple(_key(arm) for arm in unmeasured(experiment))


def record(arm: Arm, measured: Rates) -> None:
    """Keep what an arm or a probe measured."""
    key = _key(arm)
    row = {"key": key} | measured.model_dump() | {"head_parameters": head_parameters(arm, n_classes=2)}
    if measured.features_rate is None:  # all of it was in the cache, which says nothing of other pictures
        before = _read().get(key)
        row["features_rate"] = before.features_rate if before else None
    line = f"\n{json.dumps(row)}\n"  # begun anew: the line before it may be torn
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line.encode())  # one call appends whole lines, also when two arms end at once
    finally:
        os.close(descriptor)


def _path() -> Path:
    return home.file("rates.jsonl")


def _read() -> dict[str, _Line]:
    """The latest rates of each key; a line that cannot be read counts for nothing."""
    try:
        lines = _path().read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    rows = (row for row in map(_row, lines) if row)
    return {row.key: row for row in rows}


def _row(line: str) -> _Line | None:
    """What `record` wrote as one line; None for a torn one, or one of an earlier version with other names."""
    try:
        return _Line.model_validate_json(line)
    except ValidationError:
        return None


def _key(arm: Arm) -> str:
    facts = (arm.kind, arm.base, arm.image_size, arm.frozen_blocks, arm.head.pooling, arm.training.batch_size)
    return " ".join(str(fact) for fact in facts)


def _memory(arm: Arm, n_views: int) -> int:
    """What Keras keeps of the whole network, of what is trained, and the engine of the frozen part."""
    row = bases.base(arm.base)
    frozen, side = arm.frozen_blocks, arm.image_size
    trained = row.blocks[frozen:]
    scale = (side / row.image_size) ** 2 * BYTES
    head = head_parameters(arm, n_classes=2)
    layers = row.blocks[-1].last_layer
    first = row.blocks[frozen - 1].last_layer if frozen else 0
    kept = WEIGHTS_KEPT * BYTES * (row.parameters + head) + LAYER_BYTES * layers
    moved = WEIGHTS_MOVED * BYTES * (row.trained_parameters(frozen, trains_batch_norm=not frozen) + head)
    graph = GRAPH_BYTES * (layers - first) if trained else 0
    outputs = sum(block.activations for block in trained) * arm.training.batch_size
    pictures = min(decoded_ahead_bytes(), n_views * side**2 * PICTURE_BYTES)
    prefix = sum(block.parameters for block in row.blocks[:frozen])
    engine = ENGINE_BYTES + 2 * BYTES * prefix + pictures if frozen else 0  # gone before the fit
    fit = moved + graph + KEPT_FOR_BACKWARD * scale * outputs
    proof = max(proof_bytes(), scale * max(block.activations for block in row.blocks))
    return int(IMPORTED_BYTES + kept + max(engine, fit, proof))


def decoded_ahead_bytes() -> int:
    """Of decoded pictures that may wait for the engine of the frozen part: most of them while it is made ready."""
    return min(AHEAD_BYTES, host.prudent_bytes() // 16)


def proof_bytes() -> int:
    """Of what the layers of one block put out for the pictures that go through it together, to check a saved file."""
    return min(PROOF_BYTES, host.prudent_bytes() // 32)


def memory_limit_bytes() -> int:
    """What one arm may use: the setting, or else what host or container has, less what is there beside it.

    That is this process, be it the app's server or the command line, the consumer, and what cannot do without files
    in memory. A standby becomes the arm, or makes room for it.
    """
    chosen: int | None = settings().memory_bytes
    if chosen is not None:
        return chosen
    return max(0, host.memory_bytes() - host.own_bytes() - CONSUMER_BYTES - FILES_BYTES)


def prudent_limit_bytes() -> int:
    """Likewise, but with little where a container's limit may be there that cannot be seen: for defaults."""
    if settings().memory_bytes is not None:
        return memory_limit_bytes()
    return max(0, host.prudent_bytes() - host.memory_bytes() + memory_limit_bytes())


def check_memory(
    experiment: Experiment,
    estimates: dict[str, Estimate],
    *,
    arms: Sequence[str] | None = None,
    limit_bytes: int | None = None,
) -> None:
    """Refuse what cannot fit.

    Args:
        experiment: What is to run.
        estimates: Of its arms.
        arms: Names of the arms to look at; by default all.
        limit_bytes: Memory for one arm; by default `memory_limit_bytes`.

    Raises:
        ResourceError: An arm needs more memory than this host has; the message says what to lower.
    """
    limit = memory_limit_bytes() if limit_bytes is None else limit_bytes
    for name in estimates if arms is None else arms:
        needed, arm = estimates[name].memory_bytes, experiment.arm(name)
        if needed > limit:
            title = labels(experiment.arms)[name].adjective.lower()
            if arm.is_scratch:
                raise ResourceError("memory.scratch", arm=title, needed=needed, limit=limit)
            trains_blocks = not arm.is_all_frozen
            raise ResourceError("memory.transfer", arm=title, needed=needed, limit=limit, trains_blocks=trains_blocks)
