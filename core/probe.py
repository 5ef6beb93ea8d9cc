"""A few batches of random pixels through both arms' networks, to know their rates. `python -m core.probe DIRECTORY`

The directory holds request.json, {"experiment": {…}, "n_classes": int}, and gets a status.json. Random weights are as
fast as trained ones, so nothing is downloaded. The arms are timed for about 3 seconds each, imports aside.
"""

import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core import estimate, process, runs
from core.arm import Report
from core.errors import StopRequested
from core.experiment import Arm, Experiment
from core.runs import State

SECONDS = 1.5  # of repeating a thing after its first, slow call


def run(directory: Path, report: Report, stopped: Callable[[], bool]) -> None:
    """Measure each arm that has no rates yet, and record them.

    Raises:
        StopRequested: Somebody wants the processor.
    """
    request = runs.read_json(directory / "request.json")
    experiment = Experiment.model_validate(request["experiment"])
    begun = time.monotonic()
    from core import model

    model.prepare_device()
    imported = time.monotonic() - begun
    for number, arm in enumerate(experiment.arms):
        report.progress(number, len(experiment.arms))
        measured = _measure(experiment, arm, request["n_classes"], stopped)
        measured["start"] += imported
        estimate.record(experiment, arm, measured)


def _measure(experiment: Experiment, arm: Arm, n_classes: int, stopped: Callable[[], bool]) -> dict[str, Any]:
    from core import features, model

    begun = time.monotonic()
    size, batch_size = experiment.image_size_of(arm), experiment.training_of(arm).batch_size
    network = model.build(experiment.base, experiment.head, image_size=size, n_classes=n_classes)
    prefix, suffix = model.cut(network.model, network.frontier(experiment.frozen_blocks_of(arm)))
    if arm is Arm.TRANSFER:
        network.train_from(experiment.frozen_blocks)
    model.compile_for(suffix, experiment.training_of(arm), steps=100)
    measured: dict[str, Any] = {"start": time.monotonic() - begun, "features_rate": None, "batch_size": batch_size}
    random = np.random.default_rng(0)
    if prefix is not None:
        pixels = random.integers(0, 256, (features.BATCH, size, size, 3), dtype=np.uint8)
        measured["features_rate"] = features.BATCH / _seconds(lambda: prefix.predict_on_batch(pixels), stopped)
    inputs = random.random((batch_size, *suffix.input.shape[1:]), dtype=np.float32)
    labels = random.integers(0, n_classes, batch_size)
    step = _seconds(lambda: suffix.train_on_batch(inputs, labels), stopped)
    test = _seconds(lambda: suffix.predict_on_batch(inputs), stopped)
    # a validation picture for every fifth training picture or so, and Keras's own cost of an epoch in the step
    measured |= {"fit_rate": batch_size / (step + 0.2 * test), "evaluate": 3 * measured["start"] + test}
    return measured | {"peak_memory_bytes": None}


def _seconds(call: Callable[[], object], stopped: Callable[[], bool]) -> float:
    """Of one call, by the fastest half of several after the first."""
    call()
    taken: list[float] = []
    while sum(taken) < SECONDS and len(taken) < 20:
        if stopped():
            raise StopRequested("Stopped while it measured.")
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken))


def main(arguments: list[str]) -> int:
    """Measure; the exit code is 0 unless that failed."""
    directory = Path(arguments[0]).resolve()
    report = Report(directory, process.started())
    with process.Watch(directory, lambda _: report.leave("")) as watch:
        try:
            run(directory, report, lambda: watch.is_stopped)
            report.tell(state=State.DONE)
        except StopRequested:
            report.tell(state=State.STOPPED)
        except Exception as error:
            traceback.print_exc()
            report.fail(error)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
