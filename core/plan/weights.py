"""A base's file of ImageNet weights: found on this host, or downloaded, checked and moved into place.

Looked for in the folder that `HEADSTART_WEIGHTS` names, then among the downloads, then in `assets/weights`. Files that
a user put there are only read. `tasks.fetch` is the process that fetches one file.
"""

import hashlib
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from core.disk import home, space
from core.errors import StopRequested, WeightsError
from core.plan.bases import Base
from core.settings import ASSETS, settings
from core.words.said import Said, plain, say

# httpx and h5py are imported where they are used: the server asks only whether a file is there.

LOOK_SECONDS = 0.2
ATTEMPTS = 3  # for a connection that breaks off; one that is refused or silent is not asked again

Progress = Callable[[int, int], None]


def folder() -> Path:
    """Where downloads go; a user may put files there by hand too."""
    return home.weights_directory()


def directory(base_name: str) -> Path:
    """Where a "Fetch now" of this base keeps its status, stop and log."""
    return folder() / base_name


def find(base: Base) -> Path | None:
    """The weight file that a run would use now, not looked into; a user's own wins over the bundled one."""
    file = base.weights
    places = [folder() / file.name]
    if settings().weights:
        places.insert(0, Path(settings().weights or "") / file.name)
    if file.bundled:
        places.append(ASSETS / "weights" / file.bundled)
    return next((place for place in places if place.is_file()), None)


def is_on_host(base: Base) -> bool:
    """Whether a run with this base needs no network; cheap enough for every card on every rerun."""
    return find(base) is not None


def sha256(path: Path) -> str:
    """The file's SHA-256 as hexadecimal digits."""
    return _digest(path, "sha256")


def fetch(base: Base, *, progress: Progress | None = None, stopped: Callable[[], bool] | None = None) -> Path:
    """The base's weight file, downloaded if this host has none.

    A download is held against the MD5 that Keras publishes; where there is none, against the announced length, and its
    layers must hold as many numbers as the base without its head. A user's own file may have another hash.

    Args:
        base: Whose weights.
        progress: Called in this thread with bytes so far and in all, several times a second.
        stopped: Asked several times a second whether to give up.

    Raises:
        WeightsError: The file on this host does not fit, or the download failed; the message says what to do by hand.
        ResourceError: The disk is too full.
        StopRequested: `stopped` said so. Nothing is left behind.
    """
    is_stopped = stopped or (lambda: False)
    path = find(base) or _download(base, progress or (lambda _done, _total: None), is_stopped)
    if path.parent != ASSETS / "weights":  # the bundled file still has its head
        _refuse_unfit(path, base)
    return path


def parameters(path: Path) -> int:
    """How many numbers Keras would load from a file in its HDF5 layout, as float32 or smaller.

    Raises:
        OSError: It is no HDF5 file, or a truncated one.
        KeyError: It is one of another layout.
    """
    import h5py

    with h5py.File(path, "r") as file:
        layers = file if "layer_names" in file.attrs else file["model_weights"]
        groups = [layers[name] for name in layers.attrs["layer_names"]]
        return sum(int(group[name].size) for group in groups for name in group.attrs["weight_names"])


def _refuse_unfit(path: Path, base: Base) -> None:
    reason = _unfitness(path, base)
    if reason and (base.weights.md5 is None or _digest(path, "md5") != base.weights.md5):
        raise WeightsError("weights.unfit", path=path, base=base.name, reason=reason, url=base.weights.url)


def _unfitness(path: Path, base: Base) -> Said | None:
    """What speaks against a file, or nothing."""
    try:
        found = parameters(path)
    except (OSError, KeyError):
        return say("weights.cut-off")
    return None if found == base.parameters else say("weights.numbers", expected=base.parameters, found=found)


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _download(base: Base, progress: Progress, stopped: Callable[[], bool]) -> Path:
    target = folder() / base.weights.name
    folder().mkdir(parents=True, exist_ok=True)
    progress(0, base.weights.size_bytes)
    with _alone(target, stopped):
        if target.is_file():  # the process that was waited for has fetched it
            return target
        space.check_free(folder(), base.weights.size_bytes, what=say("need.weights", base=base.name))
        for leftover in folder().glob(f"{target.name}.*.partial"):  # of a process that was killed
            leftover.unlink()
        partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}.partial")
        try:
            _receive(base, partial, progress, stopped)
            _refuse_damaged(partial, base)
            if not target.is_file():  # a file that a user has put there meanwhile stays
                partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    return target


@contextmanager
def _alone(target: Path, stopped: Callable[[], bool]) -> Iterator[None]:
    """Let one process at a time fetch a file; a wait for another one can be stopped."""
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    while not lock.is_locked:
        _give_way(stopped)
        try:
            lock.acquire(timeout=LOOK_SECONDS)
        except Timeout:
            continue
    try:
        yield
    finally:
        lock.release()


def _give_way(stopped: Callable[[], bool]) -> None:
    if stopped():
        raise StopRequested("weights.stopped")


def _receive(base: Base, partial: Path, progress: Progress, stopped: Callable[[], bool]) -> None:
    """Fill `partial` from the base's address; begin again where the connection breaks off."""
    import httpx

    for attempt in range(1, ATTEMPTS + 1):
        try:
            with partial.open("wb") as file:
                _Transfer(base.weights.url, file).follow(progress, stopped, base.weights.size_bytes)
            return
        except (httpx.RemoteProtocolError, httpx.ReadError):
            if attempt == ATTEMPTS:
                raise _by_hand(base, say("weights.broke-off", n=ATTEMPTS)) from None
        except httpx.ConnectError as error:
            raise _by_hand(base, say("weights.no-connection", reason=str(error))) from None
        except httpx.TimeoutException:
            raise _by_hand(base, say("weights.silent", seconds=settings().weights_timeout)) from None
        except httpx.HTTPStatusError as error:
            raise _by_hand(base, say("weights.status", status=error.response.status_code)) from None
        except httpx.HTTPError as error:
            raise _by_hand(base, plain(str(error))) from None


def _by_hand(base: Base, reason: Said) -> WeightsError:
    place, file = settings().weights or folder(), base.weights
    return WeightsError("weights.by-hand", base=base.name, name=file.name, reason=reason, url=file.url, folder=place)


def _refuse_damaged(partial: Path, base: Base) -> None:
    if base.weights.md5 is None:
        reason = _unfitness(partial, base)
    else:
        found = _digest(partial, "md5")
        is_it = found == base.weights.md5
        reason = None if is_it else say("weights.md5", expected=base.weights.md5, found=found)
    if reason:
        raise _by_hand(base, say("weights.not-that-file", reason=reason))


class _Transfer:
    """One download in a thread of its own: a stop need not wait for a silent server or a slow name look-up."""

    def __init__(self, url: str, file: IO[bytes]) -> None:
        """Start at once; `file` stays the caller's to close."""
        self._url, self._file = url, file
        self._done = self._total = 0
        self._is_given_up = threading.Event()
        self._end: Future[None] = Future()
        threading.Thread(target=self._run, name="download", daemon=True).start()

    def follow(self, progress: Progress, stopped: Callable[[], bool], size_bytes: int) -> None:
        """Wait for the end; raises what went wrong there, or StopRequested."""
        try:
            while wait([self._end], timeout=LOOK_SECONDS).not_done:
                _give_way(stopped)
                progress(self._done, self._total or size_bytes)
            self._end.result()
            progress(self._done, self._done)
        finally:
            self._is_given_up.set()

    def _run(self) -> None:
        try:
            self._read()
        except Exception as error:  # to be raised again by `follow`
            self._end.set_exception(error)
        else:
            self._end.set_result(None)

    def _read(self) -> None:
        import httpx

        timeout, plain = settings().weights_timeout, {"Accept-Encoding": "identity"}  # the length is the file's own
        with httpx.stream("GET", self._url, headers=plain, timeout=timeout, follow_redirects=True) as response:
            response.raise_for_status()
            self._total = int(response.headers.get("Content-Length", 0))
            for chunk in response.iter_raw():
                if self._is_given_up.is_set():
                    return
                self._file.write(chunk)
                self._done += len(chunk)
