"""A zip → entries that are safe to read.

Nothing is ever extracted and no name is ever used as a path: a name only says which class an entry belongs to.
What is wrong with the zip as a whole raises `ArchiveError`; what is wrong with one entry refuses that entry.
"""

import lzma
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from core.disk import size as size
from core.errors import ArchiveError, InputError
from core.settings import MEBIBYTE, settings

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
ENCRYPTED = 0x1 | 0x40 | 0x2000  # flag bits: usual, strong, and encrypted list of contents
UTF8 = 0x800
LOCAL_HEADER_BYTES = 30
DIRECTORY_BYTES = 640  # of one entry in the list of contents; 46 and its name are usual
BOMB_BYTES = 4 * MEBIBYTE  # less than this bursts nothing, however small it was packed
MAX_DEPTH = 50  # folders; whoever walks the tree may count on it
JUNK = ("thumbs.db", "desktop.ini", "__macosx")
ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".cab", ".jar")
SIGNATURES = {
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"%PDF": "a PDF document",
}
DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # NotImplementedError too
    ValueError,  # UnicodeDecodeError too
    OverflowError,
    MemoryError,
)


class EntryError(InputError):
    """One entry is refused; the message is the reason, and the rest can still be read."""


@dataclass(frozen=True)
class Entry:
    """A file in the zip."""

    name: str  # parts joined by "/", none of them "", "." or ".."
    size_bytes: int  # unpacked, as the zip says
    position: int  # in the zip's list of contents

    @property
    def parts(self) -> tuple[str, ...]:
        """Folders and file name."""
        return tuple(self.name.split("/"))

    @property
    def suffix(self) -> str:
        """The file name's ending in lower case, with its dot."""
        return PurePosixPath(self.name).suffix.lower()


@dataclass(frozen=True)
class Refused:
    """An entry that is never read, and why."""

    name: str
    reason: str


class Archive:
    """An open zip without its junk. Read it from one thread at a time."""

    def __init__(self, zip_file: zipfile.ZipFile) -> None:
        """Sort the entries of a zip that is within all limits into usable and refused ones."""
        self._zip = zip_file
        self._infos = zip_file.infolist()
        self._read_bytes = 0
        entries: list[Entry] = []
        folders: list[str] = []  # those that the zip names; most name none
        refused: list[Refused] = []
        for position, info in enumerate(self._infos):
            try:
                name = _checked_name(info)
            except EntryError as error:
                refused.append(Refused(printable(_decoded(info)), str(error)))
                continue
            if name and _is_folder(info):
                folders.append(name)
            elif name:
                entries.append(Entry(name, info.file_size, position))
        self.entries = tuple(entries)
        self.folders = tuple(folders)
        self.refused = tuple(refused)

    def read(self, entry: Entry) -> bytes:
        """All bytes of one entry.

        Raises:
            EntryError: It is too large or damaged.
            ArchiveError: More was unpacked by now than a zip may hold.
        """
        limits = settings()
        if entry.size_bytes > limits.max_entry_bytes:
            raise EntryError(f"it has {size(entry.size_bytes)}; at most {size(limits.max_entry_bytes)} are read")
        try:
            with self._zip.open(self._infos[entry.position]) as file:
                data = file.read(limits.max_entry_bytes + 1)
        except DAMAGES:
            raise EntryError("its data in the zip is damaged") from None
        self._read_bytes += len(data)
        _check_total(self._read_bytes)
        if len(data) != entry.size_bytes:
            raise EntryError("its data in the zip is damaged")
        return data


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """The zip at `path`, checked as a whole before anything in it is unpacked.

    Raises:
        ArchiveError: It is no whole zip, encrypted, packed by an unknown method, built to deceive, or over a limit.
    """
    with path.open("rb") as file:
        _check_end(file)
        try:
            zip_file = zipfile.ZipFile(file)
        except DAMAGES:
            raise ArchiveError(
                "Expected a whole zip file. Found one whose list of contents is damaged. Zip the folder again."
            ) from None
        with zip_file:
            infos = zip_file.infolist()
            _check_limits(infos, path.stat().st_size)
            _check_overlaps(infos, zip_file.start_dir)
            _check_packing([info for info in infos if not _is_folder(info)])
            yield Archive(zip_file)


def _check_end(file: BinaryIO) -> None:
    start = file.read(8)
    # Private, but the very function by which ZipFile will find the list of contents, so both see the same zip.
    # Needed because ZipFile would build all entries, millions of them, before anyone could count.
    try:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    except DAMAGES:
        end = None
    if end is None:
        raise ArchiveError(_no_zip(start))
    if end[zipfile._ECD_SIZE] > settings().max_entries * DIRECTORY_BYTES:  # type: ignore[attr-defined]
        raise ArchiveError(_too_many("more"))
    file.seek(0)


def _no_zip(start: bytes) -> str:
    if start.startswith(b"PK\x03\x04"):
        return "Expected a whole zip file. Found one whose end is missing: it was cut off. Copy or upload it again."
    found = next((name for signature, name in SIGNATURES.items() if start.startswith(signature)), "something else")
    found = found if start else "an empty file"
    return f"Expected a zip file. Found {found}. Zip the folder that contains the class folders."


def _too_many(found: str) -> str:
    return f"A zip may hold at most {settings().max_entries:,} entries. Found {found}. Leave some out."


def _check_limits(infos: list[zipfile.ZipInfo], zip_bytes: int) -> None:
    limits = settings()
    if len(infos) > limits.max_entries:
        raise ArchiveError(_too_many(f"{len(infos):,}"))
    total = sum(info.file_size for info in infos)
    _check_total(total)
    if total > BOMB_BYTES and total > limits.max_ratio * zip_bytes:
        raise ArchiveError(
            f"Unpacked, a zip may have at most {limits.max_ratio} times its own size. "
            f"Found {total / zip_bytes:,.0f} times. Zip ordinary pictures only."
        )


def _check_total(total: int) -> None:
    limit = settings().max_total_bytes
    if total > limit:
        raise ArchiveError(
            f"Unpacked, a zip may have at most {size(limit)}. Found {size(total)}. Leave some pictures out."
        )


def _check_overlaps(infos: list[zipfile.ZipInfo], end: int) -> None:
    """Two entries that share bytes are how a small zip unpacks to a huge one (Fifield, "A better zip bomb", 2019)."""
    reached = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < reached:
            break
        reached = info.header_offset + LOCAL_HEADER_BYTES + info.compress_size
    else:
        if reached <= end:
            return
    raise ArchiveError("The files in a zip must not overlap. Found some that do. Zip the folder again.")


def _check_packing(infos: list[zipfile.ZipInfo]) -> None:
    locked = [info for info in infos if info.flag_bits & ENCRYPTED]
    if locked:
        raise ArchiveError(
            f"A zip must open without a password. Found {len(locked):,} encrypted, such as "
            f"'{printable(_decoded(locked[0]))}'. Zip the folder again without a password."
        )
    odd = [info for info in infos if info.compress_type not in METHODS]
    if odd:
        raise ArchiveError(
            f"A zip must be packed by Deflate, bzip2, LZMA or not at all. Found method {odd[0].compress_type} in "
            f"'{printable(_decoded(odd[0]))}'. Zip the folder again with the usual settings."
        )


def _checked_name(info: zipfile.ZipInfo) -> str:
    """The entry's name, or "" for junk.

    Raises:
        EntryError: The entry is refused.
    """
    parts = name_parts(_decoded(info))
    if any(part.startswith(".") or part.lower() in JUNK for part in parts):
        return ""
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise EntryError("it is a link or a device, not a file")
    if parts and parts[-1].lower().endswith(ARCHIVES) and not _is_folder(info):
        raise EntryError("an archive inside the zip is not opened")
    return "/".join(parts)


def name_parts(name: str) -> tuple[str, ...]:
    """Folders and file of a name, as Windows, macOS or Linux wrote it, with "." and ".." worked out.

    Names are brought to Unicode's composed form: macOS writes "é" as two characters.

    Raises:
        EntryError: The name is absolute, leads out of the zip's folder or lies very deep.
    """
    name = unicodedata.normalize("NFC", name).replace("\\", "/")
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        raise EntryError("its name is an absolute path")
    parts: list[str] = []
    for part in (printable(part).strip() for part in name.split("/")):
        if part == ".." and not parts:
            raise EntryError("its name leads out of the zip's folder")
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    if len(parts) > MAX_DEPTH:
        raise EntryError(f"it lies more than {MAX_DEPTH} folders deep")
    return tuple(parts)


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return info.filename.endswith(("/", "\\"))


def _decoded(info: zipfile.ZipInfo) -> str:
    """Many programs write UTF-8 without the flag that says so; `zipfile` then takes it for cp437."""
    if info.flag_bits & UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def printable(name: str) -> str:
    """`name` on one line, without control characters."""
    return "".join(character if character.isprintable() else "\ufffd" for character in name)
