"""Names as they come in zips and tables: brought to one form, fit to be shown, in the order in which people count.

No name is ever used as a path.
"""

import re
import struct
import unicodedata
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable

from core.data.zips import encoding
from core.data.zips.encoding import Guess
from core.errors import InputError
from core.words.said import Said, say

MAX_DEPTH = 50  # folders; whoever walks the tree may count on it
UTF8_FLAG = 0x800
UNICODE_PATH = 0x7075  # the extra field in which WinRAR, WinZip and 7-Zip repeat a name in UTF-8
JOINERS = "\u200c\u200d"  # Persian, Hindi and many an emoji are written with them
ACCENTS = re.compile("[\u0300-\u036f]")  # as signs of their own


class EntryError(InputError):
    """One entry is refused; the message is the reason, and the rest can still be read."""


def decoded(infos: Iterable[zipfile.ZipInfo]) -> tuple[list[str], Guess | None]:
    """The names of a zip's entries in its order, and the code page of those that do not say theirs, if it was guessed.

    What a name says of itself comes first: the flag for UTF-8, then the Unicode Path field (PKWARE's APPNOTE, 4.6.9).
    """
    known = [_declared(info) for info in infos]
    silent = [name for name in known if isinstance(name, bytes)]
    guess = encoding.guess(silent) if silent else None
    page = guess.code_page if guess else encoding.UTF8
    names = [name if isinstance(name, str) else name.decode(page) for name in known]
    return names, guess if guess and guess.is_guess else None


def _declared(info: zipfile.ZipInfo) -> str | bytes:
    """The name where it is certain, else its bytes."""
    name = info.orig_filename.partition("\0")[0]
    if info.flag_bits & UTF8_FLAG or name.isascii():
        return name
    raw = name.encode("cp437")  # as which `zipfile` took them; it has a character for each byte
    return _unicode_path(info.extra, raw) or raw


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """The name in the extra field, where it belongs to this very name: its checksum says so."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        field = extra[at + 4 : at + 4 + length]
        at += 4 + length
        if kind == UNICODE_PATH and field[:1] == b"\1" and field[1:5] == struct.pack("<I", zlib.crc32(raw)):
            return field[5:].decode("utf-8") if encoding.is_text(field[5:], "utf-8") else None
    return None


def name_parts(name: str) -> tuple[str, ...]:
    """Folders and file of a name, as Windows, macOS or Linux wrote it, with "." and ".." worked out.

    Names are brought to Unicode's composed form: macOS writes "é" as two characters.

    Raises:
        EntryError: The name is absolute, leads out of the zip's folder or lies very deep.
    """
    name = unicodedata.normalize("NFC", name).replace("\\", "/")
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        raise EntryError("entry.absolute")
    parts: list[str] = []
    for part in (printable(part).strip() for part in name.split("/")):
        if part == ".." and not parts:
            raise EntryError("entry.outside")
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    if len(parts) > MAX_DEPTH:
        raise EntryError("entry.too-deep", most=MAX_DEPTH)
    return tuple(parts)


def printable(name: str) -> str:
    """`name` on one line: joiners stay, all spaces become plain, other unseen marks go, and the rest is replaced."""
    if name.isprintable():
        return name
    return "".join(_printable(sign) for sign in name)


def _printable(sign: str) -> str:
    if sign.isprintable() or sign in JOINERS:
        return sign
    return {"Zs": " ", "Cf": ""}.get(unicodedata.category(sign), "\ufffd")


def merged(names: Iterable[str]) -> list[Said]:
    """Folders that were written in several ways and became one, as "cat" and "cat " do."""
    written: dict[tuple[str, ...], set[tuple[str, ...]]] = defaultdict(set)
    for folder in {name.replace("\\", "/").rpartition("/")[0] for name in names}:
        raw = [part for part in folder.split("/") if part.strip() not in ("", ".")]
        clean = [printable(unicodedata.normalize("NFC", part)).strip() for part in raw]
        if ".." not in clean:
            for depth in range(1, len(raw) + 1):
                written[tuple(clean[:depth])].add(tuple(raw[depth - 1 : depth]))
    return [
        say("found.written-as", name="/".join(clean), ways=[repr(one) for (one,) in sorted(ways)])
        for clean, ways in written.items()
        if len({unicodedata.normalize("NFC", one) for (one,) in ways}) > 1
    ]


def words(text: str) -> tuple[str, ...]:
    """The words of a list that is written in one string, as it is easier to read than forty quoted ones."""
    return tuple(text.split())


def unaccented(text: str) -> str:
    """In small letters and without the accents of Latin, Greek and Cyrillic ones: "Größe" is "grosse"."""
    return unicodedata.normalize("NFC", ACCENTS.sub("", unicodedata.normalize("NFD", text.casefold())))


def loose(name: str) -> str:
    """A name without its capitals, spaces and joining signs: what is alike in "Sea Lion" and "sea_lion"."""
    return re.sub(r"[\s_\-.]+", "", unicodedata.normalize("NFKC", name).casefold())
