"""Uploaded pictures as somebody's: which link brought them, what uses them, when they go.

Whoever needs the pictures of a data set that no experiment names yet holds it meanwhile; whoever removes one holds it
alone, and looks under that lock whether an experiment has come to use it.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.disk import record, runs
from core.disk.ages import Age
from core.errors import InputError
from core.plan.estimate import duration
from core.queue import job
from core.queue.job import Kind
from core.settings import DAY_SECONDS, settings

NOTED_SECONDS = 600.0  # a use within so long of the last one is not noted again
GONE = "These pictures are not here any more."


def workspace_of(dataset_id: str) -> str:
    """The workspace of the link that uploaded a data set; "" where nobody's is known."""
    request = record.readable(runs.dataset_directory(dataset_id) / "request.json")
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
        raise InputError(
            "Expected the link under which these pictures were uploaded; found another one, which may only look. "
            "Upload the same zip to train on them."
        )


def policy() -> str:
    """How long unused uploads are kept, in a sentence."""
    return f"Uploads that no experiment uses are removed {_after(settings().keep_uploads_days)} after their last use."


def _after(days: float) -> str:
    if days == 1:
        return "a day"
    return f"{days:g} days" if days >= 1 else duration(days * DAY_SECONDS)


@contextmanager
def held(dataset_id: str) -> Iterator[None]:
    """Nobody removes the data set meanwhile. An unknown one can be held as well: there is nothing to remove.

    Raises:
        InputError: It was being removed just now.
    """
    path = runs.dataset_directory(dataset_id) / "request.json"
    lock = _locked(path, os.O_RDONLY, fcntl.LOCK_SH)
    if lock is None:
        yield
        return
    try:
        if not path.exists():
            raise InputError(f"{GONE} {policy()} Upload them again.")
        yield
    finally:
        os.close(lock)


def _locked(path: Path, mode: int, how: int) -> int | None:
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
    path = runs.dataset_directory(dataset_id) / "dataset.json"
    with suppress(OSError):
        if abs(time.time() - path.stat().st_mtime) > NOTED_SECONDS:  # also when the clock was set back since then
            os.utime(path)


def _workspaces_of_experiments(dataset_id: str) -> list[str]:
    """The workspace of each experiment that uses a data set, whosever it is."""
    found = (record.readable(path) for path in (settings().home / "experiments").glob("*/experiment.json"))
    return [str(each.get("workspace") or "") for each in found if each.get("dataset") == dataset_id]


def is_owner(dataset_id: str, workspace: str) -> bool:
    """Whether the link of this workspace uploaded the data set."""
    return bool(workspace) and workspace_of(dataset_id) == workspace


def refusal(dataset_id: str) -> str | None:
    """Why these pictures cannot be deleted now, or None."""
    workspaces = _workspaces_of_experiments(dataset_id)
    if workspaces:
        n, n_others = len(workspaces), sum(each != workspace_of(dataset_id) for each in workspaces)
        others = f" {n_others:,} of {n:,} can be deleted only under the link that started it." if n_others else ""
        return (
            f"{n:,} experiment{' uses' if n == 1 else 's use'} these pictures. They go with the last one: delete "
            f"{'it' if n == 1 else 'them'} on the Compare page.{others}"
        )
    is_read = (runs.dataset_directory(dataset_id) / "manifest.parquet").exists()  # its job may outlive that by a moment
    if not is_read and job.read(job.name_of(Kind.INGEST, dataset_id)):
        return "These pictures are still being read. Stop that first."
    return None


def delete(dataset_id: str, workspace: str) -> None:
    """Remove a data set that the link of `workspace` uploaded and that nothing uses; one that is gone may be deleted.

    Raises:
        InputError: It is somebody else's, or in use.
    """
    if not (runs.dataset_directory(dataset_id) / "request.json").exists():  # in another tab, just now
        return
    if not is_owner(dataset_id, workspace):
        raise InputError("Only the link that uploaded these pictures can delete them. Open the app by that link.")
    if not _removed(runs.dataset_directory(dataset_id)):
        raise InputError(refusal(dataset_id) or "These pictures are in use just now. Try again in a moment.")


def remove_unused(dataset_id: str) -> None:
    """After an experiment was deleted: remove its data set with the last one on it, unless somebody makes another."""
    with suppress(OSError):  # what cannot be removed now expires
        _removed(runs.dataset_directory(dataset_id))


def expire(age: Age) -> None:
    """Remove the data sets that no experiment uses and that nobody has opened for `keep_uploads_days`."""
    for directory in runs.directories("datasets"):
        if age(directory) > settings().keep_uploads_days * DAY_SECONDS:
            with suppress(OSError):  # what cannot be removed now is tried the next time, and keeps no other one
                _removed(directory)


def _removed(directory: Path) -> bool:
    """Remove a data set unless it is used or somebody holds it. Without its manifest it is none, so that goes first."""
    lock = _locked(directory / "request.json", os.O_RDWR, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if lock is None:
        return False
    try:
        if refusal(directory.name):
            return False
        (directory / "manifest.parquet").unlink(missing_ok=True)
        shutil.rmtree(directory)
        return True
    finally:
        os.close(lock)
