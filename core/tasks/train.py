"""One arm from the first status to the last file. `python -m core.tasks.train EXPERIMENT_DIR ARM`

The process writes its arm's directory and nobody else does: status.json, metrics.jsonl, predictions.parquet,
model.keras, labels.json, arm.json. What it prints, TensorFlow's chatter included, is the arm's log.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from core.data import dataset
from core.disk import space
from core.errors import RunError, StopRequested
from core.plan.experiment import Arm
from core.training.arm import SCORE_FLAG, Job, remove_unscored
from core.worker import process

MARKS_OF_MEMORY = ("ResourceExhaustedError", "RESOURCE_EXHAUSTED", "OutOfMemoryError")  # TensorFlow, JAX, PyTorch


def run(job: Job, loaded: Callable[[], object]) -> None:
    """Fit the arm, save it, reload what was saved, score that.

    Args:
        job: The arm.
        loaded: Called before Keras is needed; a standby that still imports it waits there.

    Raises:
        StopRequested: The user asked to stop before there was anything to score.
        HeadstartError: Something a user can mend.
    """
    loaded()
    with process.without("sklearn"):
        from core.network import engine  # here, not above: Keras takes seconds, and a stop is answered meanwhile
        from core.training import (
            fit,  # here, not above: Keras takes seconds, and a stop is answered meanwhile
            score,  # here, not above: Keras takes seconds, and a stop is answered meanwhile
        )

    if job.attempt and job.attempt.crash:
        engine.forbid(f"{job.attempt.cause} at the first attempt, as OpenVINO may do it")
    data = dataset.read(job.experiment.dataset)
    if data is None:
        raise RunError("Expected this experiment's data set on this host; found none. Upload the pictures again.")
    fitted = fit.restore(job, data) if job.scores_only else fit.fit(job, data)
    job.begin_scoring()
    try:
        score.score(job, data, fitted)
    finally:
        if fitted.beside:
            fitted.beside.leave()
    job.finish()


def main(arguments: list[str], *, loaded: Callable[[], object] = lambda: None) -> int:
    """Run one arm; the exit code is 0 unless it failed. `loaded` is that of `run`."""
    directory, arm = Path(arguments[0]).resolve(), Arm(arguments[1])
    served = int(arguments[3]) if SCORE_FLAG in arguments else 0
    with Job(directory, arm, served=served) as job:
        try:
            run(job, loaded)
        except StopRequested:
            job.give_up()
        except Exception as error:
            process.note()
            if _is_out_of_memory(error):
                return process.OUT_OF_MEMORY  # whoever started this process may try it again
            refusal = space.refusal(error)  # before room is made for the last word
            if refusal:
                remove_unscored(job.directory)
            job.report.fail(refusal or error)
            return 1
    return 0


def _is_out_of_memory(error: Exception) -> bool:
    """Whether Python, or the backend in its own words, was refused memory."""
    said = f"{type(error).__name__}: {error}"
    return isinstance(error, MemoryError) or any(mark in said for mark in MARKS_OF_MEMORY)


if __name__ == "__main__":
    sys.exit(process.carried_out(main, sys.argv[1:]))
