"""A few batches of random pixels through both arms' networks, for their rates. `python -m core.tasks.probe DIRECTORY`

The directory holds request.json, {"experiment": {…}, "n_classes": int}, and gets a status.json. Random weights are as
fast as trained ones, so nothing is downloaded. Only forward passes are timed: to build the graph of a training step
takes longer than a probe may last. What a training step costs in forward passes was measured on MobileNet; the first
real run replaces it all by its own rates.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.disk.record import read_json
from core.errors import StopRequested
from core.plan import estimate
from core.plan.arm import Arm
from core.plan.estimate import Rates
from core.plan.experiment import Experiment
from core.worker import process
from core.worker.task import Task

SECONDS = 0.7  # of repeating a pass after its first, slow call
LAST_START_SECONDS = 8.0  # after these no further arm is begun: a probe lasts 10 seconds at most, or little more
PICTURES = 8  # in a pass: enough for the rate of a large batch, within a tenth or so
STEP_PASSES = 3.0  # a training step in forward passes: one forward, and the gradients by activations and by weights
DEPTHWISE_STEP_PASSES = (
    6.0  # the gradients of depthwise convolutions are slow on a CPU (MobileNet: 50 pictures a second)
)
EPOCH_PASSES = 0.3  # of validation, for each training picture
REESTIMATION_PASSES = 1.0  # of BatchNorm's statistics, from scratch
TRACED_PASSES = 7.0  # building the graphs of step, validation and re-estimation, in graphs of a forward pass
STEP_SECONDS = 0.003  # Keras's own, around a step


def run(task: Task) -> None:
    """Measure each arm, and record it at once; an arm for which no time is left is not recorded.

    Raises:
        StopRequested: Somebody wants the processor.
    """
    request = read_json(task.directory / "request.json")
    experiment = Experiment.model_validate(request["experiment"])
    begun = time.monotonic()
    from core.network import backend

    backend.prepare_device()
    imported = time.monotonic() - begun
    for number, arm in enumerate(estimate.unmeasured(experiment)):
        if time.monotonic() - begun < LAST_START_SECONDS:
            task.report.progress(number, len(experiment.arms))
            measured = _measure(arm, request["n_classes"], task.is_stopped, imported=imported)
            estimate.record(arm, measured)


def _measure(arm: Arm, n_classes: int, stopped: Callable[[], bool], *, imported: float) -> Rates:
    """The rates of one arm, of which Keras's import, so many seconds, is a part."""
    from core.network import engine, features, model

    begun = time.monotonic()
    size, batch_size = arm.image_size, arm.training.batch_size
    network = model.build_for(arm, n_classes=n_classes)
    prefix, suffix = model.cut(network.model, network.frontier)
    start = time.monotonic() - begun
    evaluate = 3 * start  # save, load, answer
    random = np.random.default_rng(0)
    features_rate = None
    if prefix is not None:
        pixels = random.integers(0, 256, (PICTURES, size, size, 3), dtype=np.uint8)
        frozen = features.Frozen(prefix, arm.base, "random", network.frontier_words)
        opened = time.monotonic()
        computes = frozen.trial(engine.fast_precision(), pixels)
        first, seconds = _timed(lambda: computes.run(pixels, lambda *_: None), stopped)
        features_rate = PICTURES / seconds
        start += time.monotonic() - opened
    inputs = random.random((PICTURES, *suffix.input.shape[1:]), dtype=np.float32)
    first, forward = _timed(lambda: suffix.predict_on_batch(inputs), stopped)
    passes = EPOCH_PASSES + (DEPTHWISE_STEP_PASSES if model.is_depthwise(suffix) else STEP_PASSES)
    if arm.is_scratch:
        passes += REESTIMATION_PASSES
    return Rates(
        start=start + TRACED_PASSES * first + imported,
        features_rate=features_rate,
        fit_rate=1 / (passes * forward / PICTURES + STEP_SECONDS / batch_size),
        evaluate=evaluate + first,
        peak_memory_bytes=None,
        batch_size=batch_size,
    )


def _timed(call: Callable[[], object], stopped: Callable[[], bool]) -> tuple[float, float]:
    """Seconds of the first call, which builds a graph, and the median of those that follow."""
    taken: list[float] = []
    while len(taken) < 2 or (sum(taken[1:]) < SECONDS and len(taken) < 20):
        if stopped():
            raise StopRequested("probe.stopped")
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return taken[0], float(np.median(taken[1:]))


def main(arguments: list[str]) -> int:
    """Measure; the exit code is 0 unless that failed."""
    return Task(Path(arguments[0]).resolve()).carry_out(run)


if __name__ == "__main__":
    sys.exit(process.carried_out(main, sys.argv[1:]))
