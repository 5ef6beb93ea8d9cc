"""One arm from the first status to the last file. `python -m core.tasks.train EXPERIMENT_DIR ARM`

The process writes its arm's directory and nobody else does: status.json, metrics.jsonl, predictions.parquet,
model.keras, labels.json, arm.json. What it prints, TensorFlow's chatter included, is the arm's log.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from core.disk import space
from core.errors import StopRequested
from core.plan.arm_files import remove_unscored
from core.worker import process

MARKS_OF_MEMORY = ("ResourceExhaustedError", "RESOURCE_EXHAUSTED", "OutOfMemoryError")  # TensorFlow, JAX, PyTorch


def main(arguments: list[str], *, loaded: Callable[[], object] = lambda: None) -> int:
    """Run one arm; the exit code is 0 unless it failed.

    Args:
        arguments: The experiment's directory and the arm; after `SCORE_FLAG`, how many stops made its fit be left.
        loaded: Called before Keras is needed; a standby that still imports it waits there.
    """
    from core.training.arm import SCORE_FLAG, Run  # no Keras yet: it takes seconds, and a stop is answered meanwhile

    directory, arm = Path(arguments[0]).resolve(), arguments[1]
    served = int(arguments[3]) if SCORE_FLAG in arguments else 0
    with Run(directory, arm, served=served) as job:
        try:
            loaded()
            with process.without("sklearn"):
                from core.training.run import carry_out
            carry_out(job)
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
