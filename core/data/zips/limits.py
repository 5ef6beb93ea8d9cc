"""What a zip must be before anything in it is unpacked: whole, open, packed by a known method, within the limits."""

import zipfile
from collections.abc import Sequence
from typing import BinaryIO

from core.data.zips import names, signature
from core.data.zips.signature import START_BYTES
from core.errors import ArchiveError
from core.settings import MEBIBYTE, settings
from core.words.said import say

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
OTHER_METHODS = {
    9: "method.deflate64",
    93: "method.zstandard",
    95: "method.xz",
    96: "method.jpeg",
    98: "method.ppmd",
}
ENCRYPTED = 0x1 | 0x40 | 0x2000  # flag bits: usual, strong, and encrypted list of contents
LOCAL_HEADER_BYTES = 30
DIRECTORY_BYTES = 640  # of one entry in the list of contents; 46 and its name are usual
BOMB_BYTES = 4 * MEBIBYTE  # less than this bursts nothing, however small it was packed


def check_end(file: BinaryIO) -> None:
    """Make sure that a file ends like a whole zip with not too many entries.

    Raises:
        ArchiveError: It does not; the message says what it is.
    """
    start = file.read(START_BYTES)
    # Private, but the very function by which ZipFile will find the list of contents, so both see the same zip.
    # Needed because ZipFile would build all entries, millions of them, before anyone could count.
    try:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    except Exception:  # on broken data it raises nearly anything
        end = None
    if end is None:
        raise _no_zip(start)
    if end[zipfile._ECD_DISK_NUMBER] != end[zipfile._ECD_DISK_START] or 0 < end[zipfile._ECD_DISK_NUMBER] < 0xFFFF:  # type: ignore[attr-defined]
        raise ArchiveError("archive.last-part")
    if end[zipfile._ECD_SIZE] > settings().max_entries * DIRECTORY_BYTES:  # type: ignore[attr-defined]
        raise _too_many(None)
    file.seek(0)


def _no_zip(start: bytes) -> ArchiveError:
    if start.startswith(b"PK\x03\x04"):
        return ArchiveError("archive.cut-off")
    kind = signature.kind(start)
    return ArchiveError("archive.no-zip", found=say(kind.name), remedy=say(kind.remedy))


def _too_many(found: int | None) -> ArchiveError:
    """Of so many entries; None where there are more than could be counted."""
    return ArchiveError("archive.too-many-entries", most=settings().max_entries, found=found)


def check_count(infos: Sequence[zipfile.ZipInfo]) -> None:
    """Make sure that there are not too many entries.

    Raises:
        ArchiveError: There are.
    """
    if len(infos) > settings().max_entries:
        raise _too_many(len(infos))


def check_sizes(infos: Sequence[zipfile.ZipInfo], zip_bytes: int) -> None:
    """Make sure that entries, those of zips inside the zip among them, are not too many, too large or packed too well.

    Raises:
        ArchiveError: They are.
    """
    limits = settings()
    check_count(infos)
    total = sum(info.file_size for info in infos)
    check_total(total)
    if total > BOMB_BYTES and total > limits.max_ratio * zip_bytes:
        raise ArchiveError("archive.packed-too-well", most=limits.max_ratio, times=total / zip_bytes)


def check_total(total: int) -> None:
    """Make sure that so many bytes may be unpacked.

    Raises:
        ArchiveError: They are too many.
    """
    limit = settings().max_total_bytes
    if total > limit:
        raise ArchiveError("archive.too-large", most=limit, found=total)


def check_overlaps(infos: Sequence[zipfile.ZipInfo], end: int) -> None:
    """Two entries that share bytes are how a small zip unpacks to a huge one (Fifield, "A better zip bomb", 2019).

    Raises:
        ArchiveError: Some do.
    """
    reached = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < reached:
            break
        reached = info.header_offset + LOCAL_HEADER_BYTES + info.compress_size
    else:
        if reached <= end:
            return
    raise ArchiveError("archive.overlaps")


def check_packing(infos: Sequence[zipfile.ZipInfo]) -> None:
    """Make sure that every file can be unpacked without a password.

    Raises:
        ArchiveError: One cannot.
    """
    locked = [info for info in infos if info.flag_bits & ENCRYPTED]
    if locked:
        raise ArchiveError("archive.locked", n=len(locked), name=_name(locked[0]))
    odd = [info for info in infos if info.compress_type not in METHODS]
    if odd:
        number = odd[0].compress_type
        title = say(OTHER_METHODS[number]) if number in OTHER_METHODS else None
        raise ArchiveError("archive.unknown-method", number=number, title=title, name=_name(odd[0]))


def _name(info: zipfile.ZipInfo) -> str:
    return names.printable(names.decoded([info])[0][0])
