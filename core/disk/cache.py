"""Rows of numbers on disk that outlive a run: what the frozen part said of each picture. No Keras.

    cache/<key>/  key.json    what the rows depend on, their shape and type
                  rows.bin    rows of one size; a run reserves a range of its own at the end
                  index.bin   a record a finished row: whose it is, where it lies, its checksum
    and what `shelves` keeps in every folder

A row counts once its record is whole, and its checksum is looked at before it is used: whatever kills a process, or
the machine, no wrong row is read, and what was not finished is computed again. Two runs may add rows at once.
"""

import fcntl
import hashlib
import math
import os
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import numpy as np

from core.disk import space
from core.disk.shelves import directory as directory
from core.disk.shelves import make_room as make_room
from core.disk.shelves import read_facts as read_facts
from core.disk.shelves import unlock
from core.errors import ResourceError
from core.settings import MEBIBYTE
from core.words.said import say

ID_BYTES = 32
RECORD = np.dtype([("id", f"V{ID_BYTES}"), ("row", "<u8"), ("row_check", "<u4"), ("check", "<u4")])
ALLOCATED_BYTES = 32 * MEBIBYTE  # of disk at a time, ahead of the rows that are written
CHECKED_BYTES = RECORD.itemsize - 4  # of a record, by its own last field


def row_id(picture: str, view: str = "") -> bytes:
    """What names a row: the picture's SHA-256 and, where it was changed before, how."""
    return hashlib.sha256(f"{picture} {view}".encode()).digest()


class Cache:
    """Rows of one shape and type that depend on the same facts. Use it with `with`."""

    def __init__(self, facts: Mapping[str, object], *, shape: Sequence[int], kind: str) -> None:
        """Open nothing yet.

        Args:
            facts: All that decides a row's values, the row's id apart; JSON values.
            shape: Of one row.
            kind: NumPy's name of the type, "float16" or "float32" or "uint8".
        """
        self._facts = {**facts, "shape": list(shape), "kind": kind}
        self._shape, self.kind = tuple(shape), np.dtype(kind)
        self._stack = ExitStack()
        self.path = Path()

    @property
    def row_bytes(self) -> int:
        """Size of one row."""
        return self.kind.itemsize * math.prod(self._shape)

    def __enter__(self) -> Self:
        """Open the folder; it stays until `__exit__`."""
        self.path = self._stack.enter_context(directory(self._facts))
        for name in ("rows.bin", "index.bin"):
            (self.path / name).touch()
        return self

    def __exit__(self, *_: object) -> None:
        """Let it go, and make room if all caches together are too large. Arrays that were taken stay readable."""
        self._stack.close()
        make_room()

    def find(self, ids: Sequence[bytes]) -> np.ndarray:
        """Where each row lies in `values()`, shape (n,), int64; -1 where it is missing or damaged."""
        records = self._records()
        raw = records["id"].tobytes()
        places = {raw[k * ID_BYTES : (k + 1) * ID_BYTES]: k for k in range(len(records))}
        values, found = self.values(), np.full(len(ids), -1, np.int64)
        for number, each in enumerate(ids):
            k = places.get(each)
            if k is None:
                continue
            row = int(records["row"][k])
            if row < len(values) and _check(values[row]) == records["row_check"][k]:
                found[number] = row
        return found

    def values(self) -> np.ndarray:
        """All rows, memory-mapped for reading, shape (rows, …); only those that `find` named mean anything."""
        size = (self.path / "rows.bin").stat().st_size // self.row_bytes
        if size == 0:
            return np.empty((0, *self._shape), self.kind)
        return np.memmap(self.path / "rows.bin", self.kind, "r", shape=(size, *self._shape))

    def reserve(self, n_rows: int) -> "Range":
        """A range at the end that nobody else writes to.

        Raises:
            ResourceError: The disk is too full.
        """
        space.check_free(self.path, n_rows * self.row_bytes, what=say("need.outputs"))
        with self._index() as _, (self.path / "rows.bin").open("r+b") as file:
            first = -(-os.fstat(file.fileno()).st_size // self.row_bytes)
            file.truncate((first + n_rows) * self.row_bytes)  # a hole: what is never written takes no disk
        return Range(self, first, n_rows)

    def allocate(self, first: int, n_rows: int) -> None:
        """Have the disk take rows before they are written: one that is full would end the process by a signal.

        Raises:
            ResourceError: It is full.
        """
        if not hasattr(os, "posix_fallocate"):  # macOS
            return
        with (self.path / "rows.bin").open("r+b") as file:
            try:
                os.posix_fallocate(file.fileno(), first * self.row_bytes, n_rows * self.row_bytes)
            except OSError as error:  # or a file system that cannot tell beforehand
                if error.errno in space.FULL:
                    raise ResourceError(space.full(self.path)) from None

    def _map(self, first: int, n_rows: int) -> np.ndarray:
        offset = first * self.row_bytes
        return np.memmap(self.path / "rows.bin", self.kind, "r+", offset=offset, shape=(n_rows, *self._shape))

    def _append(self, records: np.ndarray) -> None:
        raw = records.tobytes()
        size = RECORD.itemsize
        checks = [zlib.crc32(raw[k * size : k * size + CHECKED_BYTES]) for k in range(len(records))]
        records["check"] = checks
        with self._index() as descriptor:
            whole = os.fstat(descriptor).st_size // size * size
            os.ftruncate(descriptor, whole)  # the tail that a killed process left
            if os.pwrite(descriptor, records.tobytes(), whole) < records.nbytes:  # what a full disk has room for
                os.ftruncate(descriptor, whole)
                raise ResourceError(space.full(self.path))

    def _records(self) -> np.ndarray:
        raw = (self.path / "index.bin").read_bytes()
        size = RECORD.itemsize
        records = np.frombuffer(raw[: len(raw) // size * size], RECORD)
        checks = [zlib.crc32(raw[k * size : k * size + CHECKED_BYTES]) for k in range(len(records))]
        whole: np.ndarray = records[records["check"] == np.array(checks, np.uint32)]
        return whole

    @contextmanager
    def _index(self) -> Iterator[int]:
        """The index, while nobody else changes it; for moments."""
        descriptor = os.open(self.path / "index.bin", os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            unlock(descriptor)


class Range:
    """Rows that one run fills: `write` from any thread, then `keep` those that are finished."""

    def __init__(self, cache: Cache, first: int, n_rows: int) -> None:
        """See `Cache.reserve`."""
        self._cache, self._first, self._n_rows = cache, first, n_rows
        self._rows = cache._map(first, n_rows)
        self._allocated = 0  # rows
        self._allocating = threading.Lock()

    def write(self, number: int, values: np.ndarray) -> None:
        """Fill row `number` of the range.

        Raises:
            ResourceError: The disk is full.
        """
        if number >= self._allocated:
            self._allocate(number)
        self._rows[number] = values

    def _allocate(self, number: int) -> None:
        """Up to this row and some more: what a run that is killed has not written shall take little."""
        with self._allocating:
            wanted = min(self._n_rows, number + 1 + ALLOCATED_BYTES // self._cache.row_bytes)
            if number >= self._allocated:
                self._cache.allocate(self._first + self._allocated, wanted - self._allocated)
                self._allocated = wanted

    def keep(self, numbers: Sequence[int], ids: Sequence[bytes]) -> None:
        """Let rows that were written count from now on."""
        records = np.zeros(len(numbers), RECORD)
        for record, number, each in zip(records, numbers, ids, strict=True):
            record["id"] = np.void(each)
            record["row"] = self._first + number
            record["row_check"] = _check(self._rows[number])
        self._cache._append(records)


def _check(row: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(row).data.cast("B"))
