"""Uploaded pictures as somebody's: which link brought them, who holds them, how they are thrown away.

Whoever needs the pictures of a data set that no experiment names yet holds it meanwhile; whoever removes one holds it
alone (`queue.removal`), and looks under that lock whether an experiment has come to use it.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.disk import record
from core.disk.home import dataset_directory
from core.errors import InputError
from core.settings import DAY_SECONDS, settings
from core.words.said import Said, say
from core.words.sentences import sentence

NOTED_SECONDS = 600.0  # a use within so long of the last one is not noted again


def workspace_of(dataset_id: str) -> str:
    """The workspace of the link that uploaded a data set; "" where nobody's is known."""
    request = record.readable(dataset_directory(dataset_id) / "request.json")
    return str(request.get("workspace") or "")


def may_use(dataset_id: str, workspace: str) -> bool:
    """Whether who has this workspace may train on the pictures; what nobody's link brought is everybody's."""
    return workspace_of(dataset_id) in ("", workspace)


def check_use(dataset_id: str, workspace: str) -> None:
    """Let who brought the pictures pass: they stay as long as an experiment uses them, so only theirs may.

    Raises:
        InputError: Another link uploaded them.
    """
    if not may_use(dataset_id, workspace):
        raise InputError("upload.another-link")


def policy() -> str:
    """How long unused uploads are kept, in a sentence."""
    return sentence(_policy())


def gone() -> str:
    """For whoever looks for pictures that are not there: that, and how long they are kept."""
    return sentence(_gone())


def _gone() -> Said:
    return say("upload.gone", policy=_policy())


def _policy() -> Said:
    return say("upload.policy", seconds=settings().keep_uploads_days * DAY_SECONDS)


@contextmanager
def held(dataset_id: str) -> Iterator[None]:
    """Nobody removes the data set meanwhile. An unknown one can be held as well: there is nothing to remove.

    Raises:
        InputError: It was being removed just now.
    """
    path = dataset_directory(dataset_id) / "request.json"
    lock = locked(path, os.O_RDONLY, fcntl.LOCK_SH)
    if lock is None:
        yield
        return
    try:
        if not path.exists():
            raise InputError("upload.being-removed", gone=_gone())
        yield
    finally:
        os.close(lock)


def locked(path: Path, mode: int, how: int) -> int | None:
    """A descriptor that holds the lock; None without the file, or when somebody else holds it."""
    try:
        descriptor = os.open(path, mode)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def note_use(dataset_id: str) -> None:
    """Somebody looks at these pictures now, so they stay for a while. Cheap, and never fails."""
    path = dataset_directory(dataset_id) / "dataset.json"
    with suppress(OSError):
        if abs(time.time() - path.stat().st_mtime) > NOTED_SECONDS:  # also when the clock was set back since then
            os.utime(path)


def is_owner(dataset_id: str, workspace: str) -> bool:
    """Whether the link of this workspace uploaded the data set."""
    return bool(workspace) and workspace_of(dataset_id) == workspace


def discard(directory: Path) -> None:
    """Remove what was uploaded and stored so far of a data set that will not be."""
    for folder in ("pictures", "unlabelled"):
        shutil.rmtree(directory / folder, ignore_errors=True)
    with suppress(OSError):  # on a disk that became read-only it stays
        for path in (directory / "upload.zip", directory / "near.parquet", *directory.glob("readings.*")):
            path.unlink(missing_ok=True)
