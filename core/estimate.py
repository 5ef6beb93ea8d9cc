"""Seconds and memory of an arm before it is started, from rates that earlier runs or a probe recorded on this host."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from core import bases
from core.errors import ResourceError
from core.experiment import Arm, Experiment, head_parameters
from core.settings import MEBIBYTE, settings

PICTURES_AT_ONCE = 32  # in the frozen part
PROCESS_BYTES = 900 * MEBIBYTE  # TensorFlow and Keras imported, and a first graph traced
BYTES = 4  # of a float32
KEPT_FOR_BACKWARD = 2.5  # times the layers' outputs: their gradients and the workspaces of the convolutions
KEPT_FORWARD = 0.5  # of the layers' outputs at any one time, where no gradient is wanted
RATES = ("start", "features_rate", "fit_rate", "evaluate", "peak_memory_bytes", "batch_size")


@dataclass(frozen=True)
class Estimate:
    """What one arm will need. `seconds` is for all its epochs; early stopping may make it less."""

    seconds: float | None  # None: nothing was measured on this host yet
    memory_bytes: int


def estimate(experiment: Experiment, *, n_train: int, n_validation: int, n_test: int) -> dict[Arm, Estimate]:
    """What each arm of the experiment will need on so many pictures."""
    rates = _read()
    return {arm: _of_arm(experiment, arm, rates, n_train, n_validation + n_test) for arm in experiment.arms}


def _of_arm(experiment: Experiment, arm: Arm, rates: dict[str, Any], n_train: int, n_rest: int) -> Estimate:
    measured = rates.get(_key(experiment, arm))
    training = experiment.training_of(arm)
    memory = _memory(experiment, arm)
    if measured is None:
        return Estimate(None, memory)
    if measured["batch_size"] == training.batch_size and measured["peak_memory_bytes"]:
        memory = max(memory, measured["peak_memory_bytes"])  # measured with another head, perhaps a smaller one
    seconds = measured["start"] + measured["evaluate"] + training.epochs * n_train / measured["fit_rate"]
    if measured["features_rate"]:
        seconds += (experiment.n_views(n_train) * n_train + n_rest) / measured["features_rate"]
    return Estimate(seconds, memory)


def unmeasured(experiment: Experiment) -> tuple[Arm, ...]:
    """The arms that have no rates on this host, so that a probe is worth its seconds."""
    rates = _read()
    return tuple(arm for arm in experiment.arms if _key(experiment, arm) not in rates)


def missing(experiment: Experiment) -> tuple[str, ...]:
    """What names the rates that are missing, an entry an arm; the same for choices that are as fast."""
    return tuple(_key(experiment, arm) for arm in unmeasured(experiment))


def record(experiment: Experiment, arm: Arm, measured: dict[str, Any]) -> None:
    """Keep what an arm or a probe measured.

    Args:
        experiment: What ran.
        arm: Which arm of it.
        measured: The keys of `RATES`; an arm without a fit rate (it was stopped within a batch) is not kept.
    """
    if not measured.get("fit_rate"):
        return
    key = _key(experiment, arm)
    row = {"key": key} | {name: measured.get(name) for name in RATES}
    if row["features_rate"] is None:  # all of it was in the cache, which says nothing of other pictures
        row["features_rate"] = _read().get(key, {}).get("features_rate")
    line = f"\n{json.dumps(row)}\n"  # begun anew: the line before it may be torn
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line.encode())  # one call appends whole lines, also when two arms end at once
    finally:
        os.close(descriptor)


def _path() -> Path:
    return settings().home / "rates.jsonl"


def _read() -> dict[str, dict[str, Any]]:
    """The latest rates of each key; a line that cannot be read counts for nothing."""
    try:
        lines = _path().read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    rows = (row for row in map(_row, lines) if row)
    return {row["key"]: row for row in rows}


def _row(line: str) -> dict[str, Any] | None:
    """What `record` wrote as one line; None for a torn one, or one of an earlier version with other names."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and {"key", *RATES} <= set(row) else None


def _key(experiment: Experiment, arm: Arm) -> str:
    facts = (
        arm,
        experiment.base,
        experiment.image_size_of(arm),
        experiment.frozen_blocks_of(arm),
        experiment.head.pooling,
        experiment.training_of(arm).batch_size,
    )
    return " ".join(str(fact) for fact in facts)


def _memory(experiment: Experiment, arm: Arm) -> int:
    """Weights, what the optimizer keeps of them, and the layers' outputs that a batch keeps for its gradient."""
    row = bases.base(experiment.base)
    frozen = experiment.frozen_blocks_of(arm)
    scale = (experiment.image_size_of(arm) / row.image_size) ** 2 * BYTES
    forward = scale * KEPT_FORWARD * PICTURES_AT_ONCE * max(block.activations for block in row.blocks)
    kept = sum(block.activations for block in row.blocks[frozen:])
    backward = scale * KEPT_FOR_BACKWARD * kept * experiment.training_of(arm).batch_size
    head = head_parameters(experiment.head, row, image_size=experiment.image_size_of(arm), n_classes=2)
    weights = BYTES * (2 * row.parameters + 4 * (row.trained_parameters(frozen) + head))
    return int(PROCESS_BYTES + forward + backward + weights)


def memory_limit_bytes() -> int:
    """What one arm may use: the setting, or else what the machine or its container has."""
    chosen: int | None = settings().memory_bytes
    if chosen is not None:
        return chosen
    limits: list[int] = [psutil.virtual_memory().total]
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limits.append(int(Path(name).read_text()))
        except (OSError, ValueError):  # no such controller, or "max"
            continue
    return min(limits)


def check_memory(experiment: Experiment, estimates: dict[Arm, Estimate]) -> None:
    """Refuse what cannot fit.

    Raises:
        ResourceError: An arm needs more memory than this host has; the message says what to lower.
    """
    limit = memory_limit_bytes()
    for arm, one in estimates.items():
        if one.memory_bytes > limit:
            lower = "the batch size or the picture size"
            if arm is Arm.TRANSFER and not experiment.is_all_frozen:
                lower += ", or freeze more blocks"
            title = "transfer" if arm is Arm.TRANSFER else "from-scratch"
            raise ResourceError(
                f"The {title} arm would need about {one.memory_bytes / 2**30:.1f} GB of memory; this host has "
                f"{limit / 2**30:.1f} GB. Lower {lower}."
            )


def duration(seconds: float) -> str:
    """So long, in words, and no finer than an estimate is: "8 s", "45 s", "3 min", "1 h 20 min"."""
    if seconds < 10:
        return f"{max(1, round(seconds))}\xa0s"
    if seconds < 57.5:
        return f"{5 * round(seconds / 5)}\xa0s"
    if seconds < 3570:
        return f"{round(seconds / 60)}\xa0min"
    minutes = 10 * round(seconds / 600)
    return f"{minutes // 60}\xa0h" + (f" {minutes % 60}\xa0min" if minutes % 60 else "")
