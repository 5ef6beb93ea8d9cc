"""A zip → entries that are safe to read, those of zips that lie in it among them.

Nothing is ever extracted under its own name and no name is ever used as a path: it only says which class an entry
belongs to. What is wrong with the zip as a whole raises `ArchiveError`; what is wrong with one entry refuses it.
"""

import io
import lzma
import posixpath
import stat
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from core.data.zips import limits, names, signature
from core.data.zips.encoding import Guess
from core.data.zips.names import EntryError as EntryError
from core.data.zips.names import name_parts as name_parts
from core.data.zips.names import printable as printable
from core.data.zips.window import Window
from core.disk.space import check_free
from core.errors import ArchiveError
from core.settings import settings
from core.words.said import Said, say

JUNK = ("thumbs.db", "desktop.ini", "__macosx")
# Folders of programs; other hidden ones that hold pictures are named.
HIDDEN_JUNK = (".ipynb_checkpoints", ".git", ".svn", ".hg", ".trash", ".trashes", ".thumbnails", ".appledouble")
ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".cab", ".jar")
IS_LINK = "entry.no-file"
CHUNK_BYTES = 1_000_000
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


@dataclass(frozen=True)
class Entry:
    """A file in the zip."""

    name: str  # parts joined by "/", none of them "", "." or ".."
    size_bytes: int  # unpacked, as the zip says
    position: int  # among all files, in the order of the zip's list of contents

    @property
    def parts(self) -> tuple[str, ...]:
        """Folders and file name."""
        return tuple(self.name.split("/"))

    @property
    def suffix(self) -> str:
        """The file name's ending in lower case, with its dot."""
        return posixpath.splitext(self.name)[1].lower()


@dataclass(frozen=True)
class Refused:
    """An entry that is never read, and why."""

    name: str
    reason: Said


@dataclass(frozen=True)
class _Listed:
    """A file or folder as a zip lists it, with its name in full."""

    zip_file: zipfile.ZipFile
    info: zipfile.ZipInfo
    name: str  # as it was written, below the folder that stands for its zip

    @property
    def is_folder(self) -> bool:
        return self.name.endswith(("/", "\\"))


class Archive:
    """An open zip without its junk. Read it from one thread at a time."""

    def __init__(
        self, listed: Sequence[_Listed], *, guess: Guess | None, opened: Sequence[str], refused: Sequence[Refused] = ()
    ) -> None:
        """Sort what a zip lists, and is within all limits, into usable and refused entries."""
        self._listed = listed
        self._read_bytes = 0
        self.guess = guess  # of the code page of names, where it was needed
        self.opened = tuple(opened)  # zips inside the zip
        entries: list[Entry] = []
        folders: list[str] = []  # those that the zip names; most name none
        refusals = list(refused)
        for position, each in enumerate(listed):
            try:
                name = _checked_name(each)
            except EntryError as error:
                refusals.append(Refused(printable(each.name), error.said))
                continue
            if name and each.is_folder:
                folders.append(name)
            elif name:
                entries.append(Entry(name, each.info.file_size, position))
        self.entries = tuple(entries)
        self.folders = tuple(folders)
        self.refused = tuple(refusals)

    @property
    def hidden(self) -> list[str]:
        """Pictures that are skipped, because their name or a folder's begins with a dot."""
        return [printable(each.name) for each in self._listed if _is_hidden_picture(each.name)]

    @property
    def merged(self) -> list[Said]:
        """Folders that became one because their names differ by nothing that can be seen."""
        used = {entry.position for entry in self.entries}
        return names.merged(each.name for position, each in enumerate(self._listed) if position in used)

    @property
    def repeated(self) -> list[str]:
        """Names that more than one entry has."""
        return [name for name, times in Counter(entry.name for entry in self.entries).items() if times > 1]

    def read(self, entry: Entry) -> bytes:
        """All bytes of one entry.

        Raises:
            EntryError: It is too large or damaged.
            ArchiveError: More was unpacked by now than a zip may hold.
        """
        most = settings().max_entry_bytes
        if entry.size_bytes > most:
            raise EntryError("entry.too-large", found=entry.size_bytes, most=most)
        data = self._bytes(entry, most + 1)
        if len(data) != entry.size_bytes:
            raise EntryError("entry.damaged")
        return data

    def start(self, entry: Entry) -> bytes:
        """The first bytes of one entry; none where it is damaged.

        Raises:
            ArchiveError: More was unpacked by now than a zip may hold.
        """
        try:
            return self._bytes(entry, signature.START_BYTES)
        except EntryError:
            return b""

    def _bytes(self, entry: Entry, most: int) -> bytes:
        each = self._listed[entry.position]
        try:
            with each.zip_file.open(each.info) as file:
                data = file.read(most)
        except DAMAGES:
            raise EntryError("entry.damaged") from None
        self._read_bytes += len(data)
        limits.check_total(self._read_bytes)
        return data


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """The zip at `path`, checked as a whole before anything in it is unpacked.

    Zips inside it are opened as well, one level deep and within the same limits, where no folders with pictures lie
    beside them; each then stands for a folder.

    Raises:
        ArchiveError: It is no whole zip, encrypted, packed by an unknown method, built to deceive, or over a limit.
    """
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        outer, guess = _listing(_zip_file(stack, file))
        limits.check_sizes([each.info for each in outer], path.stat().st_size)
        inside = _zips_to_open(outer)
        if not inside:
            yield Archive(outer, guess=guess, opened=())
            return
        check_free(path.parent, sum(each.info.file_size for each in inside))
        unpacked = stack.enter_context(tempfile.TemporaryFile(dir=path.parent))
        yield _with_inner(stack, [each for each in outer if each not in inside], inside, unpacked, guess)


def _with_inner(
    stack: ExitStack, outer: list[_Listed], inside: list[_Listed], unpacked: BinaryIO, guess: Guess | None
) -> Archive:
    """The archive with the zips inside it opened; one that cannot be is refused like any entry."""
    listed, opened, refused = list(outer), [], []
    zip_bytes = sum(each.info.compress_size for each in (*outer, *inside))
    for each in inside:
        try:
            inner, inner_guess = _listing(_zip_file(stack, _window(each, unpacked)), folder=each.name[: -len(".zip")])
        except (ArchiveError, EntryError) as error:
            refused.append(Refused(printable(each.name), say("entry.inner-zip", reason=error.said)))
            continue
        listed += inner
        guess = guess or inner_guess
        opened.append(printable(each.name))
        limits.check_sizes([*(one.info for one in inside), *(one.info for one in listed)], zip_bytes)
    return Archive(listed, guess=guess, opened=opened, refused=refused)


def _zip_file(stack: ExitStack, file: BinaryIO) -> zipfile.ZipFile:
    limits.check_end(file)
    try:
        zip_file = stack.enter_context(zipfile.ZipFile(file))
    except DAMAGES:
        raise ArchiveError("archive.damaged") from None
    infos = zip_file.infolist()
    limits.check_count(infos)
    limits.check_overlaps(infos, zip_file.start_dir)
    limits.check_packing([info for info in infos if not info.filename.endswith(("/", "\\"))])
    return zip_file


def _listing(zip_file: zipfile.ZipFile, folder: str = "") -> tuple[list[_Listed], Guess | None]:
    infos = zip_file.infolist()
    found, guess = names.decoded(infos)
    below = f"{folder}/" if folder else ""
    return [_Listed(zip_file, info, below + name) for info, name in zip(infos, found, strict=True)], guess


def _zips_to_open(listed: Sequence[_Listed]) -> list[_Listed]:
    """The zips inside a zip that has nothing else to offer."""
    files = [each for each in listed if not each.is_folder and not _is_junk(each.name)]
    zips = [each for each in files if each.name.lower().endswith(".zip")]
    others = [each.name.replace("\\", "/") for each in files if each not in zips] if zips else []
    return [] if any(_may_be_picture(name) and "/" in name for name in others) else zips


def _may_be_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() not in signature.OTHER_SUFFIXES


def _window(each: _Listed, unpacked: BinaryIO) -> BinaryIO:
    """A zip inside the zip, unpacked behind those before it: one file for all, as a process may open only so many.

    Raises:
        EntryError: Its data is damaged.
    """
    begin = unpacked.seek(0, io.SEEK_END)
    try:
        with each.zip_file.open(each.info) as packed:
            while chunk := packed.read(CHUNK_BYTES):
                unpacked.write(chunk)
    except DAMAGES:
        raise EntryError("entry.damaged") from None
    return cast(BinaryIO, io.BufferedReader(Window(unpacked, begin, unpacked.tell() - begin)))


def _is_junk(name: str) -> bool:
    return any(part.startswith(".") or part.lower() in JUNK for part in name.replace("\\", "/").split("/"))


def _is_hidden_picture(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    is_named = any(part.startswith(".") and part.lower() not in HIDDEN_JUNK for part in parts[:-1])
    is_program = any(part.lower() in (*JUNK, *HIDDEN_JUNK) for part in parts) or parts[-1].startswith(".")
    is_place = all(part in (".", "..") for part in parts[:-1] if part.startswith("."))
    return (
        is_named
        and not is_program
        and not is_place
        and PurePosixPath(name).suffix.lower() in signature.PICTURE_SUFFIXES
    )


def _checked_name(each: _Listed) -> str:
    """The entry's name, or "" for junk.

    Raises:
        EntryError: The entry is refused.
    """
    parts = name_parts(each.name)
    if any(part.startswith(".") or part.lower() in JUNK for part in parts):
        return ""
    if stat.S_IFMT(each.info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise EntryError(IS_LINK)
    if parts and parts[-1].lower().endswith(".zip") and not each.is_folder:
        raise EntryError("entry.zip-in-zip")
    if parts and parts[-1].lower().endswith(ARCHIVES) and not each.is_folder:
        raise EntryError("entry.archive")
    return "/".join(parts)
