"""Which uploads may be removed, and their removal: by their owner, with the last experiment on them, by age."""

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path

from core.data.uploads import is_owner, locked, workspace_of
from core.disk import record
from core.disk.ages import Age
from core.disk.home import dataset_directory, directories, files_of_all
from core.errors import InputError
from core.queue import job
from core.queue.kinds import Kind
from core.settings import DAY_SECONDS, settings
from core.words.said import Said, say
from core.words.sentences import sentence


def _workspaces_of_experiments(dataset_id: str) -> list[str]:
    """The workspace of each experiment that uses a data set, whosever it is."""
    found = (record.readable(path) for path in files_of_all("experiments", "experiment.json"))
    return [str(each.get("workspace") or "") for each in found if each.get("dataset") == dataset_id]


def refusal(dataset_id: str) -> str | None:
    """Why these pictures cannot be deleted now, in a sentence, or None."""
    said = _refusal(dataset_id)
    return sentence(said) if said else None


def _refusal(dataset_id: str) -> Said | None:
    workspaces = _workspaces_of_experiments(dataset_id)
    if workspaces:
        n, n_others = len(workspaces), sum(each != workspace_of(dataset_id) for each in workspaces)
        return say("upload.used", n=n, others=n_others)
    is_read = (dataset_directory(dataset_id) / "manifest.parquet").exists()  # its job may outlive that by a moment
    if not is_read and job.read(job.name_of(Kind.INGEST, dataset_id)):
        return say("upload.being-read")
    return None


def delete(dataset_id: str, workspace: str) -> None:
    """Remove a data set that the link of `workspace` uploaded and that nothing uses; one that is gone may be deleted.

    Raises:
        InputError: It is somebody else's, or in use.
    """
    if not (dataset_directory(dataset_id) / "request.json").exists():  # in another tab, just now
        return
    if not is_owner(dataset_id, workspace):
        raise InputError("upload.not-deleted")
    if not _remove(dataset_directory(dataset_id)):
        raise InputError(_refusal(dataset_id) or "upload.in-use")


def remove_unused(dataset_id: str) -> None:
    """After an experiment was deleted: remove its data set with the last one on it, unless somebody makes another."""
    with suppress(OSError):  # what cannot be removed now expires
        _remove(dataset_directory(dataset_id))


def expire(age: Age) -> None:
    """Remove the data sets that no experiment uses and that nobody has opened for `keep_uploads_days`."""
    for directory in directories("datasets"):
        if age(directory) > settings().keep_uploads_days * DAY_SECONDS:
            with suppress(OSError):  # what cannot be removed now is tried the next time, and keeps no other one
                _remove(directory)


def _remove(directory: Path) -> bool:
    """Remove a data set unless it is used or somebody holds it. Without its manifest it is none, so that goes first."""
    lock = locked(directory / "request.json", os.O_RDWR, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if lock is None:
        return False
    try:
        if _refusal(directory.name):
            return False
        (directory / "manifest.parquet").unlink(missing_ok=True)
        shutil.rmtree(directory)
        return True
    finally:
        os.close(lock)
