"""What nobody uses any more, and what killed processes left half written: removed by the consumer now and then.

Nothing that is in use or just being written goes. An upload is held by whoever reads it and by an experiment that is
being made of it (`uploads`), a folder of the cache by its lock (`shelves`), a prediction or a probe by its job. What is
half written is told from what is being written by its age. No age is the wall clock's (`ages`).
"""

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from core.disk import home, shelves, space
from core.disk.ages import Age, Ages
from core.disk.home import directories
from core.queue import job, removal
from core.queue.kinds import Kind
from core.settings import DAY_SECONDS, settings

HALF_WRITTEN_SECONDS = 3600.0  # without a change, after which nobody writes any more
PROBE_SECONDS = DAY_SECONDS
SIGNS = {"datasets": "request.json", "experiments": "experiment.json", "predictions": "request.json"}
PATTERNS = (  # of files that are written beside themselves, wherever; stored pictures are never left half written
    "*.partial",
    ".*.partial",
    ".disk-*",
    "queue.db*",  # of earlier versions
    "jobs/.*.partial",
    "weights/*.partial",
    "weights/.*.partial",
    "weights/*/.*.partial",
    "datasets/*/.*.partial",
    "experiments/*/.*.partial",
    "experiments/*/*/.*.partial",
    "predictions/*/.*.partial",
    "probes/*/.*.partial",
    "cache/*/.*.partial",
    "cache/*/tmp*",
)

log = logging.getLogger(__name__)


def remove() -> None:
    """Remove all of it. What cannot be removed now is tried the next time."""
    ages = Ages()
    for step in (_half_written, removal.expire, _predictions, _probes, shelves.expire):
        _tried(partial(step, ages))
    _tried(shelves.make_room)
    _tried(ages.write)


def _tried(step: Callable[[], None]) -> None:
    try:
        step()
    except OSError as error:
        said = space.refusal(error)
        log.warning("Could not remove what nobody uses: %s", said or error, exc_info=said is None)


def _half_written(age: Age) -> None:
    for kind, sign in SIGNS.items():
        for directory in directories(kind):
            if not (directory / sign).exists() and age(directory) > HALF_WRITTEN_SECONDS:
                shutil.rmtree(directory, ignore_errors=True)
    for path in _partial():
        if age(path) > HALF_WRITTEN_SECONDS:
            _discard(path)
    for path in home.cache_directory().glob(".gone-*"):  # nobody can open it, so nobody uses it
        _discard(path)


def _partial() -> Iterator[Path]:
    for pattern in PATTERNS:
        yield from home.folder().glob(pattern)


def _discard(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _predictions(age: Age) -> None:
    _expire(age, "predictions", Kind.PREDICTION, settings().keep_predictions_days * DAY_SECONDS)


def _probes(age: Age) -> None:
    _expire(age, "probes", Kind.PROBE, PROBE_SECONDS)


def _expire(age: Age, folder: str, kind: Kind, seconds: float) -> None:
    for directory in directories(folder):
        if age(directory) > seconds and job.read(job.name_of(kind, directory.name)) is None:
            shutil.rmtree(directory, ignore_errors=True)
