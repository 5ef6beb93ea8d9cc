"""A stretch of a file that reads like a file of its own."""

import io
from typing import BinaryIO


class Window(io.RawIOBase):
    """A stretch of a file that reads like a file of its own."""

    def __init__(self, file: BinaryIO, begin: int, length: int) -> None:
        """Bytes `begin` to `begin + length` of a file that can be read at any place."""
        self._file, self._begin, self._length, self._at = file, begin, length, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place, counted from the stretch's beginning, from here or from its end."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        if start + offset < 0:
            raise OSError("a place before the beginning")  # as a file says it; zipfile relies on that
        self._at = start + offset
        return self._at

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        """Fill a buffer from here on; returns how much of it."""
        self._file.seek(self._begin + self._at)
        data = self._file.read(max(0, min(len(buffer), self._length - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
