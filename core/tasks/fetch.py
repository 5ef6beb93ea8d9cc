"""A base's weights are fetched. `python -m core.tasks.fetch BASE`"""

import sys

from core.disk.status import State
from core.plan import bases
from core.plan.weights import directory, fetch, sha256
from core.words.said import say
from core.worker import process
from core.worker.task import Task

PATIENCE_SECONDS = 0.6  # for the download to end by itself after a stop was asked for


def main(arguments: list[str]) -> int:
    """Fetch one base's weights as a process of its own that reports in its `directory`. Returns the exit code."""
    base = bases.base(arguments[0])
    place = directory(base.name)
    place.mkdir(parents=True, exist_ok=True)

    def work(task: Task) -> None:
        path = fetch(base, progress=task.progress, stopped=task.is_stopped)
        task.report.tell(said=say("weights.fetched", name=path.name, sha256=sha256(path)))

    return Task(place, state=State.WEIGHTS, patience_seconds=PATIENCE_SECONDS).carry_out(work)


if __name__ == "__main__":
    sys.exit(process.carried_out(main, sys.argv[1:]))
