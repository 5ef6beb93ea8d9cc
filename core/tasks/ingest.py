"""A zip becomes a data set. `python -m core.tasks.ingest DATASET_DIR`"""

import sys
from pathlib import Path

from core.data.ingest import ingest
from core.data.uploads import discard
from core.disk.home import dataset_directory
from core.errors import InputError
from core.worker import process
from core.worker.task import Task

PATIENCE_SECONDS = 0.5  # for a picture that is being decoded to end by itself after a stop was asked for
STOPPED, FAULT = "dataset.stopped", "ingest.failed"


class Intake(Task):
    """The reading of a zip. It is left where a picture takes long to decode."""

    def leave(self) -> None:
        """End the process and keep nothing, unless the data set was ready just then."""
        if not (self.directory / "manifest.parquet").exists():
            discard(self.directory)
            super().leave()


def run(task: Task) -> None:
    """Read the zip of the task's directory.

    Raises:
        StopRequested: The user asked to stop.
        HeadstartError: Something a user can mend.
    """
    number = len(ingest(task.directory.name, progress=task.progress, stopped=task.is_stopped).pictures)
    task.report.tell(done=number, total=number, rate=None)


def main(arguments: list[str]) -> int:
    """The process: ingest one directory, with its progress in status.json. Returns the exit code."""
    directory = Path(arguments[0] if arguments else "").resolve()
    if directory != dataset_directory(directory.name).resolve() or not directory.is_dir():
        raise InputError("dataset.directory", directory=directory)
    return Intake(directory, patience_seconds=PATIENCE_SECONDS, stopped=STOPPED, fault=FAULT).carry_out(run)


if __name__ == "__main__":
    sys.exit(process.carried_out(main, sys.argv[1:]))
