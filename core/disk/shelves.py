"""The folders of the cache: held while they are used, removed by age and when there are too many. No NumPy.

cache/<key>/  key.json    what depends on what; its time is that of the last use
              lock        held, shared, by every process that uses the folder
              .gone-…     one that is being removed (beside the others)
"""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from core.disk import home, record
from core.disk.ages import Age
from core.disk.files import write_json
from core.settings import DAY_SECONDS, settings


@contextmanager
def directory(facts: Mapping[str, object]) -> Iterator[Path]:
    """The folder for what depends on `facts` alone, made when it is not there; nobody removes it meanwhile."""
    digest = hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode()).hexdigest()[:32]
    path = home.cache_directory() / digest
    with ExitStack() as stack:
        lock = None
        while lock is None:  # whoever makes room may take the folder away between these lines
            path.mkdir(parents=True, exist_ok=True)
            lock = _locked(path / "lock", fcntl.LOCK_SH)
        stack.callback(unlock, lock)
        if not (path / "key.json").exists():
            write_json(path / "key.json", dict(facts))
        _note_use(path)
        yield path


def _note_use(path: Path) -> None:
    """Make it the folder that was used last, also where the clock was set back since another one was."""
    others = (_used(each) + 1 for each in _folders() if each != path)
    now = max([time.time_ns(), *others])
    os.utime(path / "key.json", ns=(now, now))


def _locked(path: Path, how: int) -> int | None:
    """A descriptor that holds the lock; None when the file was taken away, or somebody else holds it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, how)
        if path.stat().st_ino == os.fstat(descriptor).st_ino:
            return descriptor
    except (FileNotFoundError, BlockingIOError):
        pass
    os.close(descriptor)
    return None


def unlock(descriptor: int) -> None:
    """Said and not only closed: a process that was forked meanwhile would hold it on."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def expire(age: Age) -> None:
    """Remove the folders that nobody used for `keep_cache_days`."""
    for path in _folders():
        if age(path / "key.json") > settings().keep_cache_days * DAY_SECONDS:
            _remove(path)


def make_room() -> None:
    """Remove the folders that nobody used for longest until the rest is small enough."""
    found = sorted(_folders(), key=_used)
    sizes = {path: _size(path) for path in found}
    total, limit = sum(sizes.values()), settings().max_cache_bytes
    for path in found:
        if total <= limit:
            return
        if _remove(path):
            total -= sizes[path]


def _remove(path: Path) -> bool:
    """Whether it could be removed: not while it is used, nor where somebody else owns it or the disk is read-only."""
    try:
        lock = _locked(path / "lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    if lock is None:
        return False
    try:
        gone = path.with_name(f".gone-{secrets.token_hex(8)}")
        path.rename(gone)  # at once: nobody opens half a folder
        shutil.rmtree(gone, ignore_errors=True)
        return True
    except OSError:
        return False
    finally:
        unlock(lock)


def _folders() -> list[Path]:
    with suppress(FileNotFoundError):
        return [path for path in home.cache_directory().iterdir() if path.is_dir() and not path.name.startswith(".")]
    return []


def _used(path: Path) -> int:
    """The order in which folders were used last, in nanoseconds."""
    with suppress(FileNotFoundError):
        return (path / "key.json").stat().st_mtime_ns
    return 0


def _size(path: Path) -> int:
    total = 0
    with suppress(FileNotFoundError):
        for each in path.rglob("*"):
            with suppress(FileNotFoundError):
                total += each.stat().st_blocks * 512
    return total


def read_facts(path: Path) -> dict[str, Any]:
    """What the content of a folder depends on; empty without a note of it."""
    return record.readable(path / "key.json")
