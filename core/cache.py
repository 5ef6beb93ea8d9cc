"""Rows of numbers on disk that outlive a run: what the frozen part said of each picture. No Keras.

    cache/<key>/  key.json    what the rows depend on, their shape and type
                  rows.bin    rows of one size; a run reserves a range of its own at the end
                  index.bin   a record a finished row: whose it is, where it lies, its checksum
                  lock        held, shared, by every process that uses the folder

A row counts once its record is whole, and its checksum is looked at before it is used: whatever kills a process, or
the machine, no wrong row is read, and what was not finished is computed again. Two runs may add rows at once. The
folders least recently used go when all of them are larger than `settings().max_cache_bytes`.
"""

import fcntl
import hashlib
import json
import math
import os
import secrets
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import numpy as np

from core import archive, runs
from core.settings import settings

ID_BYTES = 32
RECORD = np.dtype([("id", f"V{ID_BYTES}"), ("row", "<u8"), ("row_check", "<u4"), ("check", "<u4")])
CHECKED_BYTES = RECORD.itemsize - 4  # of a record, by its own last field


def row_id(picture: str, view: str = "") -> bytes:
    """What names a row: the picture's SHA-256 and, where it was changed before, how."""
    return hashlib.sha256(f"{picture} {view}".encode()).digest()


def folder() -> Path:
    """Where all of it is."""
    return settings().home / "cache"


@contextmanager
def directory(facts: Mapping[str, object]) -> Iterator[Path]:
    """The folder for what depends on `facts` alone, made when it is not there; nobody removes it meanwhile."""
    digest = hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode()).hexdigest()[:32]
    path = folder() / digest
    with ExitStack() as stack:
        lock = None
        while lock is None:  # whoever makes room may take the folder away between these lines
            path.mkdir(parents=True, exist_ok=True)
            lock = _locked(path / "lock", fcntl.LOCK_SH)
        stack.callback(_unlock, lock)
        if not (path / "key.json").exists():
            runs.write_json(path / "key.json", dict(facts))
        os.utime(path / "key.json")
        yield path


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


def _unlock(descriptor: int) -> None:
    """Said and not only closed: a process that was forked meanwhile, as OpenVINO does, would hold it on."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


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
        self._path = Path()

    @property
    def row_bytes(self) -> int:
        """Size of one row."""
        return self.kind.itemsize * math.prod(self._shape)

    def __enter__(self) -> Self:
        """Open the folder; it stays until `__exit__`."""
        self._path = self._stack.enter_context(directory(self._facts))
        for name in ("rows.bin", "index.bin"):
            (self._path / name).touch()
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
        size = (self._path / "rows.bin").stat().st_size // self.row_bytes
        if size == 0:
            return np.empty((0, *self._shape), self.kind)
        return np.memmap(self._path / "rows.bin", self.kind, "r", shape=(size, *self._shape))

    def reserve(self, n_rows: int) -> "Range":
        """A range at the end that nobody else writes to.

        Raises:
            ResourceError: The disk is too full.
        """
        archive.check_free_disk(self._path, n_rows * self.row_bytes, what="Keeping the frozen part's outputs")
        with self._index() as _, (self._path / "rows.bin").open("r+b") as file:
            first = -(-os.fstat(file.fileno()).st_size // self.row_bytes)
            file.truncate((first + n_rows) * self.row_bytes)  # a hole: what is never written takes no disk
        return Range(self, first, n_rows)

    def _map(self, first: int, n_rows: int) -> np.ndarray:
        offset = first * self.row_bytes
        return np.memmap(self._path / "rows.bin", self.kind, "r+", offset=offset, shape=(n_rows, *self._shape))

    def _append(self, records: np.ndarray) -> None:
        raw = records.tobytes()
        size = RECORD.itemsize
        checks = [zlib.crc32(raw[k * size : k * size + CHECKED_BYTES]) for k in range(len(records))]
        records["check"] = checks
        with self._index() as descriptor:
            whole = os.fstat(descriptor).st_size // size * size
            os.ftruncate(descriptor, whole)  # the tail that a killed process left
            os.pwrite(descriptor, records.tobytes(), whole)

    def _records(self) -> np.ndarray:
        raw = (self._path / "index.bin").read_bytes()
        size = RECORD.itemsize
        records = np.frombuffer(raw[: len(raw) // size * size], RECORD)
        checks = [zlib.crc32(raw[k * size : k * size + CHECKED_BYTES]) for k in range(len(records))]
        whole: np.ndarray = records[records["check"] == np.array(checks, np.uint32)]
        return whole

    @contextmanager
    def _index(self) -> Iterator[int]:
        """The index, while nobody else changes it; for moments."""
        descriptor = os.open(self._path / "index.bin", os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            _unlock(descriptor)


class Range:
    """Rows that one run fills: `write` from any thread, then `keep` those that are finished."""

    def __init__(self, cache: Cache, first: int, n_rows: int) -> None:
        """See `Cache.reserve`."""
        self._cache, self._first = cache, first
        self._rows = cache._map(first, n_rows)

    def write(self, number: int, values: np.ndarray) -> None:
        """Fill row `number` of the range."""
        self._rows[number] = values

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


def size_bytes() -> int:
    """Disk that all of it takes."""
    return sum(_size(path) for path in _folders())


def make_room() -> None:
    """Remove the folders least recently used, and not in use, until the rest is small enough."""
    found = sorted(((_used(path), path) for path in _folders()), key=lambda pair: pair[0])
    sizes = {path: _size(path) for _, path in found}
    total, limit = sum(sizes.values()), settings().max_cache_bytes
    for _, path in found:
        if total <= limit:
            return
        if _removed(path):
            total -= sizes[path]


def _removed(path: Path) -> bool:
    lock = _locked(path / "lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
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
        _unlock(lock)


def _folders() -> list[Path]:
    with suppress(FileNotFoundError):
        return [path for path in folder().iterdir() if path.is_dir()]
    return []


def _used(path: Path) -> float:
    with suppress(FileNotFoundError):
        return (path / "key.json").stat().st_mtime
    return 0.0


def _size(path: Path) -> int:
    total = 0
    with suppress(FileNotFoundError):
        for each in path.rglob("*"):
            with suppress(FileNotFoundError):
                total += each.stat().st_blocks * 512
    return total


def read_facts(path: Path) -> dict[str, Any]:
    """What the content of a folder depends on; empty without a note of it."""
    return dict(runs.read_json(path / "key.json") or {})
