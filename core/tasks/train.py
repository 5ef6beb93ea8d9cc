"""One arm from the first status to the last file. `python -m core.tasks.train EXPERIMENT_DIR ARM`

The process writes its arm's directory and nobody else does: status.json, metrics.jsonl, predictions.parquet,
model.keras, labels.json, arm.json. What it prints, TensorFlow's chatter included, is the arm's log.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from core.worker import process


def main(arguments: list[str], *, loaded: Callable[[], object] = lambda: None) -> int:
    """Run one arm; the exit code is 0 unless it failed.

    Args:
        arguments: The experiment's directory and the arm; after `SCORE_FLAG`, how many stops made its fit be left.
        loaded: Called before Keras is needed; a standby that still imports it waits there.
    """
    from core.training.arm import SCORE_FLAG, Run  # no Keras yet: it takes seconds, and a stop is answered meanwhile

    directory, arm = Path(arguments[0]).resolve(), arguments[1]
    served = int(arguments[3]) if SCORE_FLAG in arguments else 0

    def work(job: Run) -> None:
        loaded()
        with process.without("sklearn"):
            from core.training.run import carry_out
        carry_out(job)

    return Run(directory, arm, served=served).carry_out(work)


if __name__ == "__main__":
    sys.exit(process.carried_out(main, sys.argv[1:]))
