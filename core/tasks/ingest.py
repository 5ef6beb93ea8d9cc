"""A zip becomes a data set. `python -m core.tasks.ingest DATASET_DIR`"""

import os
import sys
import threading
import time
from pathlib import Path

from core.data.ingest import ingest
from core.data.uploads import discard
from core.disk.home import dataset_directory
from core.disk.status import State, Status, write_status
from core.errors import HeadstartError, InputError, StopRequested
from core.words.said import say
from core.worker import process
from core.worker.process import Watch, started

PATIENCE_SECONDS = 0.5  # for a picture that is being decoded to end by itself after a stop was asked for


def main(arguments: list[str]) -> int:
    """The process: ingest one directory, with its progress in status.json. Returns the exit code."""
    directory = Path(arguments[0] if arguments else "").resolve()
    if directory != dataset_directory(directory.name).resolve() or not directory.is_dir():
        raise InputError("dataset.directory", directory=directory)
    first = started()
    write_status(directory, first)
    leaving = threading.Thread(target=_leave, args=(directory, first), daemon=True)
    with Watch(directory, lambda requests: leaving.start() if requests == 1 else None) as watch:
        last = _worked(directory, first, watch)
    write_status(directory, last)
    return int(last.state is State.FAILED)


def _leave(directory: Path, first: Status) -> None:
    """End the process where a picture takes long to decode, so that a stop is answered within a second."""
    time.sleep(PATIENCE_SECONDS)
    if (directory / "manifest.parquet").exists():  # it was ready just then
        return
    discard(directory)
    write_status(directory, first.model_copy(update={"state": State.STOPPED, "said": say("dataset.stopped")}))
    os._exit(0)


def _worked(directory: Path, first: Status, watch: Watch) -> Status:
    begun = time.monotonic()

    def progress(done: int, total: int) -> None:
        rate = done / max(time.monotonic() - begun, 1e-3)
        left = (total - done) / rate if rate else None
        update = {"done": done, "total": total, "rate": rate, "seconds_left": left}
        write_status(directory, first.model_copy(update=update))

    try:
        dataset = ingest(directory.name, progress=progress, stopped=lambda: watch.is_stopped)
    except StopRequested as error:
        return first.model_copy(update={"state": State.STOPPED, "said": error.said})
    except HeadstartError as error:
        return first.model_copy(update={"state": State.FAILED, "said": error.said})
    except Exception as error:  # a fault of ours: the user is told, the log has the rest
        process.note()
        said = say("ingest.failed", error=type(error).__name__)
        return first.model_copy(update={"state": State.FAILED, "said": said})
    number = len(dataset.pictures)
    return first.model_copy(update={"state": State.DONE, "done": number, "total": number})


if __name__ == "__main__":
    try:
        sys.exit(process.carried_out(main, sys.argv[1:]))
    except InputError as error:
        sys.exit(f"error: {error}")
