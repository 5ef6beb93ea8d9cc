"""Any kind of picture, made small by processes of their own (`decoder`), within bounds of time and memory.

A picture that would take longer or need more is refused with the reason, and the next one goes on. One that needs much
memory is decoded while no other such picture is on this host, whoever uploaded it.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Self

from filelock import FileLock, Timeout

from core import host
from core.data.pictures import picture
from core.data.pictures.decoder import PIPE_BYTES, Answer, Request
from core.data.pictures.depth import UNKNOWN, Depth, Values
from core.data.pictures.picture import Stored
from core.data.pictures.pixels import PictureError, Small
from core.disk import home
from core.settings import MEBIBYTE, ROOT, settings
from core.words.said import Said

WORKERS = 4  # at most
SHARE = 8  # one picture may need this part of the host's memory
LEAST_BYTES, MOST_BYTES = 100 * MEBIBYTE, 1024 * MEBIBYTE  # but always the one, and never more than the other
USUAL_SHARE, USUAL_BYTES = 4, 64 * MEBIBYTE  # what needs less than this part of that, and than that, is not large
PATIENCE = 3  # so many pictures may use up their time; those that come later get less
IMPATIENCE = 5  # namely this part of it
POLL_SECONDS = 0.01
LOOK_SECONDS = 0.2
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",  # each would reserve memory
    "MALLOC_MMAP_THRESHOLD_": "8388608",  # by default glibc gives a usual picture's memory back to the system and
    "MALLOC_TRIM_THRESHOLD_": "33554432",  # takes it anew for the next one, which costs as much as decoding it
}


class ShortError(PictureError):
    """The picture may be fine, but this host did not have the time or the memory for it."""


class TooSlowError(ShortError):
    """It took longer than it may."""


def most_bytes() -> int:
    """Memory that one picture may need here."""
    chosen = settings().picture_bytes
    return chosen or min(max(host.memory_bytes() // SHARE, LEAST_BYTES), MOST_BYTES)


class Decoding:
    """Stores pictures in a folder, some at a time. Use it with `with`: no process is left behind then."""

    def __init__(
        self, folder: Path, *, workers: int = WORKERS, depth: Depth = UNKNOWN, is_compared: bool = False
    ) -> None:
        """Start as many processes as are of use here, at most `workers`; that is quick.

        Args:
            folder: Where the pictures are stored.
            workers: At most.
            depth: The data set's.
            is_compared: Whether `Stored.pixels` is wanted.
        """
        self._depth, self._is_compared = depth, is_compared
        self.was_short = False  # whether time or memory was lacking for a picture
        self.folder = folder
        self._most_bytes = most_bytes()
        self._lost_seconds = 0.0
        self._is_over = False
        number = min(workers, host.cores())
        self._helpers = [_Helper() for _ in range(number)]
        self._idle: SimpleQueue[_Helper] = SimpleQueue()
        for helper in self._helpers:
            self._idle.put(helper)
        self._pool = ThreadPoolExecutor(number)

    def __enter__(self) -> Self:
        """Already at work."""
        return self

    def __exit__(self, *_: object) -> None:
        """End at once, in the midst of pictures as well."""
        self._is_over = True
        for helper in self._helpers:
            helper.kill()
        self._pool.shutdown(cancel_futures=True)
        for helper in self._helpers:
            helper.close()

    @property
    def pids(self) -> list[int]:
        """Of the processes that decode."""
        return [helper.pid for helper in self._helpers]

    def submit(self, data: bytes) -> Future[Stored | Said]:
        """Have a picture stored: what is on disk then, or the reason why not."""
        return self._pool.submit(self._attempt, data)

    def _attempt(self, data: bytes) -> Stored | Said:
        """A raised error would keep `data` in memory by its traceback."""
        helper, order = self._idle.get(), self._order(data)
        try:
            return picture.write(helper.made(order, data, self._alone), data, self.folder)
        except ShortError as error:
            self.was_short = True
            if isinstance(error, TooSlowError):
                self._lost_seconds += order["seconds"]
            return error.said
        except PictureError as error:
            return error.said
        finally:
            self._idle.put(helper)

    def _order(self, data: bytes) -> Request:
        limits, most = settings(), self._most_bytes
        is_patient = self._lost_seconds < PATIENCE * limits.picture_seconds
        return Request(
            size_bytes=len(data),
            max_pixels=limits.max_picture_pixels,
            side=limits.stored_side,
            seconds=limits.picture_seconds if is_patient else limits.picture_seconds / IMPATIENCE,
            usual_bytes=min(most // USUAL_SHARE, USUAL_BYTES),
            most_bytes=most,
            depth=self._depth,
            is_compared=self._is_compared,
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Meanwhile no other process of this home decodes a large picture."""
        lock = FileLock(home.file("large-picture.lock"), poll_interval=POLL_SECONDS)
        while not self._is_over:
            with suppress(Timeout):
                lock.acquire(timeout=LOOK_SECONDS)
                break
        try:
            yield
        finally:
            lock.release()


class _Helper:
    """A process that decodes one picture at a time; when it has ended, the next picture has a new one."""

    def __init__(self) -> None:
        self._process = self._started()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _started(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "core.data.pictures.decoder"],
            cwd=ROOT,
            env={**os.environ, **ENVIRONMENT},
            bufsize=PIPE_BYTES,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def made(self, order: Request, data: bytes, alone: Callable[[], AbstractContextManager[None]]) -> Small:
        """Have a picture made small; one that is large is decoded within `alone()`.

        Raises:
            ShortError: Time or memory was lacking.
            PictureError: It cannot be read.
        """
        if self._process.poll() is not None:
            self.close()
            self._process = self._started()
        try:
            return self._made(order, data, alone)
        except OSError:  # its pipes are closed
            raise self._end(order["seconds"]) from None

    def _made(self, order: Request, data: bytes, alone: Callable[[], AbstractContextManager[None]]) -> Small:
        self._send(json.dumps(order).encode() + b"\n", data)
        answer = self._heard()
        with alone() if "needed_bytes" in answer else nullcontext():
            if "needed_bytes" in answer:
                self._send(b"\n")
                answer = self._heard()
        if "reason" in answer:
            raise (ShortError if answer.get("is_for_want") else PictureError)(Said.read(answer["reason"]))
        size_bytes = answer["size_bytes"]
        made = None if size_bytes is None else self._read(size_bytes)
        values, size = answer["values"], (answer["width"], answer["height"])
        if values:
            kind, found, used = values  # lists by now
            values = Values(kind, (found[0], found[1]), (used[0], used[1]))
        return Small(answer["kind"], made, *size, answer["pixels"], bytes.fromhex(answer["thumbnail"]), values)

    def _send(self, *parts: bytes) -> None:
        assert self._process.stdin
        for part in parts:
            self._process.stdin.write(part)
        self._process.stdin.flush()

    def _heard(self) -> Answer:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise BrokenPipeError
        answer: Answer = json.loads(line)
        return answer

    def _read(self, size_bytes: int) -> bytes:
        assert self._process.stdout
        data = self._process.stdout.read(size_bytes)
        if len(data) < size_bytes:
            raise BrokenPipeError
        return data

    def _end(self, seconds: float) -> PictureError:
        """It has closed its pipes, so it ends; the reason."""
        code = self._process.wait()
        if code == -signal.SIGALRM:
            return TooSlowError("picture.too-slow", seconds=seconds)
        if code == -signal.SIGKILL:
            return ShortError("picture.out-of-memory")
        return PictureError("picture.crash")

    def kill(self) -> None:
        """End it at once. It has nothing to lose."""
        self._process.kill()

    def close(self) -> None:
        """Leave nothing of it behind."""
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            with suppress(OSError):  # what was not sent is of no use any more
                pipe.close()
