"""The disk below the home folder: what takes how much of it, whether it is full, and the error that says so.

Whatever cannot be written, wherever that happens, becomes such an error here. It names the home folder in full, on the
pages too: there are no accounts, whoever sees a page is on a network that the host's owner trusts, and without the
place nobody could free it.
"""

import errno
import os
import tempfile
import threading
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from core.disk import home
from core.errors import HeadstartError, ResourceError
from core.settings import MEBIBYTE, settings
from core.words.said import Said, say
from core.words.sentences import sentence

FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
LEAST_BYTES = MEBIBYTE  # with less free nothing can be begun: statuses, jobs and their queue need as much
SMALL_SHARE = 0.05  # of all that is used on the disk: below it somebody else's files fill it
WORTH_BYTES = MEBIBYTE  # of a cache, from which on removing it is worth a word
SECONDS = 10.0  # for which one look at who takes what is good enough for a sentence
TRIAL_BYTES = 16 * MEBIBYTE  # that are written and read to know how fast the disk is
BLOCK_BYTES = 512  # of `st_blocks`, by POSIX
KINDS = ("datasets", "experiments", "predictions", "cache", "weights", "probes")  # folders
OTHERS = "others"
ZIP = say("need.zip")


class Usage(NamedTuple):
    """What one kind of thing takes."""

    kind: str  # of KINDS, or OTHERS
    folder: Path
    size_bytes: int

    @property
    def name(self) -> str:
        """What is in it."""
        return sentence(say(f"usage.{self.kind}"))

    @property
    def remedy(self) -> str:
        """How it becomes smaller."""
        return sentence(say(f"usage.{self.kind}.remedy"))


def usage() -> list[Usage]:
    """What takes how much of the home folder, the largest first; a file with two names counts once."""
    folder = home.folder().absolute()
    seen: set[tuple[int, int]] = set()
    parts = [Usage(kind, folder / kind, taken_bytes(folder / kind, seen)) for kind in KINDS]
    others = [path for path in _children(folder) if path.name not in KINDS]
    parts.append(Usage(OTHERS, folder, sum(taken_bytes(path, seen) for path in others)))
    return sorted(parts, key=lambda part: -part.size_bytes)


def _children(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(folder.iterdir())
    return []


def taken_bytes(path: Path, seen: set[tuple[int, int]] | None = None) -> int:
    """Disk that a file or a folder takes; what others remove meanwhile counts for nothing, nor does what was `seen`."""
    seen = set() if seen is None else seen
    with suppress(OSError):
        if not path.is_dir():
            return _own(path.lstat(), seen)
    total, folders = 0, [os.fspath(path)]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    with suppress(OSError):
                        total += _own(entry.stat(follow_symlinks=False), seen)
    return total


def _own(found: os.stat_result, seen: set[tuple[int, int]]) -> int:
    if found.st_nlink > 1:
        if (found.st_dev, found.st_ino) in seen:
            return 0
        seen.add((found.st_dev, found.st_ino))
    return found.st_blocks * BLOCK_BYTES


def free_bytes(folder: Path | None = None) -> int:
    """What may still be written to a folder that exists, or to the home folder, which need not."""
    found = os.statvfs(existing(folder or home.folder()))
    return found.f_bavail * found.f_frsize


def existing(path: Path) -> Path:
    """The path, or what of it there is by now."""
    return next(folder for folder in (path, *path.absolute().parents) if folder.exists())


def check_free(folder: Path, needed_bytes: int = 0, *, what: Said = ZIP) -> None:
    """Make sure that `needed_bytes` may still be written below `folder`.

    Raises:
        ResourceError: The disk would be left with less than `settings().min_free_bytes`.
    """
    kept, free = settings().min_free_bytes, free_bytes(folder)
    if free - needed_bytes < kept:
        place = home.folder().absolute()
        raise ResourceError(
            "disk.too-little",
            what=what,
            needed=needed_bytes,
            kept=kept,
            free=free,
            folder=place,
            free_up=_what_to_free(place),
        )


def check_writable() -> None:
    """Make sure that anything at all can be written to the home folder; cheap enough for every click.

    Raises:
        ResourceError: Its disk is full, or it may not be written to.
    """
    folder = existing(home.folder())
    found = os.statvfs(folder)
    if found.f_flag & os.ST_RDONLY or not os.access(folder, os.W_OK | os.X_OK):
        raise ResourceError(_forbidden(folder, errno.EROFS if found.f_flag & os.ST_RDONLY else errno.EACCES))
    if is_full(folder):
        raise ResourceError(full())


def is_full(folder: Path | None = None) -> bool:
    """Whether a folder, by default the home folder, has no room for what must be written to begin anything."""
    found = os.statvfs(existing(folder or home.folder()))
    return found.f_bavail * found.f_frsize < LEAST_BYTES or (found.f_files > 0 and found.f_favail == 0)


def refusal(error: BaseException) -> ResourceError | None:
    """The sentence for an error that a full disk or a folder that may not be written to has caused; None for others.

    What was raised while such an error was dealt with counts as well: a library that cannot finish a file fails twice.
    """
    link: BaseException | None = error
    while link is not None and not isinstance(link, HeadstartError):
        said = _said(link)
        if said:
            return ResourceError(said)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return None


def _said(error: BaseException) -> Said | None:
    if not isinstance(error, OSError):
        return None
    named = error.filename2 or error.filename
    place = Path(os.fsdecode(named)).parent if isinstance(named, str | bytes | os.PathLike) else None
    if error.errno in FULL:
        return full(place or _full_place(), by_quota=error.errno == errno.EDQUOT)
    if error.errno == errno.EROFS or (error.errno in FORBIDDEN and _is_home(place or home.folder())):
        return _forbidden(place or home.folder(), error.errno)
    return None


def _full_place() -> Path:
    """Where an error that names no file came from, as far as can be seen by now."""
    places = (home.folder(), Path(tempfile.gettempdir()))
    return next((place for place in places if is_full(place)), home.folder())


def _is_home(folder: Path) -> bool:
    return folder.resolve().is_relative_to(home.folder().resolve())


def full(folder: Path | None = None, *, by_quota: bool = False) -> Said:
    """What is said of a full disk, by default that of the home folder, also when it has room again by now."""
    place = home.folder().absolute() if folder is None or _is_home(folder) else folder
    if by_quota:
        return say("disk.quota", folder=place, free_up=_what_to_free(place))
    free = say("disk.free", n=free_bytes(place)) if is_full(place) else None
    return say("disk.full", folder=place, free=free, free_up=_what_to_free(place))


def was_unwritable() -> Said:
    """For what a process could not say while it lived."""
    folder = home.folder().absolute()
    return say("disk.was-unwritable", folder=folder, free_up=_what_to_free(folder))


def _what_to_free(folder: Path) -> Said:
    """What is best removed."""
    if not _is_home(folder):
        return say("free.elsewhere")
    parts = recent_usage(int(time.monotonic() / SECONDS))
    total, (largest, *_) = sum(part.size_bytes for part in parts), parts
    cache = next(part for part in parts if part.folder.name == "cache")
    found = os.statvfs(existing(folder))
    is_own = total >= SMALL_SHARE * (found.f_blocks - found.f_bfree) * found.f_frsize
    is_worth = cache.size_bytes >= WORTH_BYTES and not (is_own and largest is cache)
    also = _described(cache) if is_worth else None
    if is_own:
        return say("free.own", largest=_described(largest), cache=also)
    return say("free.others", taken=total, cache=also)


def _described(part: Usage) -> Said:
    name, remedy = say(f"usage.{part.kind}"), say(f"usage.{part.kind}.remedy")
    return say("free.part", name=name, n=part.size_bytes, folder=part.folder, remedy=remedy)


@lru_cache(maxsize=1)
def recent_usage(_: int) -> list[Usage]:
    """The usage as it was found lately; another number has it looked at anew."""
    return usage()


def _forbidden(folder: Path, reason: int) -> Said:
    place = home.folder().absolute() if _is_home(folder) else folder
    return say("disk.read-only", folder=place) if reason == errno.EROFS else say("disk.forbidden", folder=place)


@lru_cache
def disk_rate(folder: Path) -> float:
    """Bytes a second that this disk takes, measured once a process by a file that is removed again."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".disk-{os.getpid()}-{threading.get_ident()}"
    try:
        begun = time.perf_counter()
        with path.open("wb") as file:
            file.write(os.urandom(MEBIBYTE) * (TRIAL_BYTES // MEBIBYTE))
            file.flush()
            os.fsync(file.fileno())
        return TRIAL_BYTES / (time.perf_counter() - begun)
    finally:
        path.unlink(missing_ok=True)
