"""What a file is by its first bytes, whatever its name says."""

from typing import NamedTuple

from core.data.zips import kinds
from core.data.zips.names import words

START_BYTES = 512  # a tar says what it is at byte 257


class FileKind(NamedTuple):
    """What was found in place of a zip, and what to do: kinds of the catalogue."""

    name: str
    remedy: str


ZIP_THE_FOLDER = "remedy.zip-the-folder"
UNPACK = "remedy.unpack"
AGAIN = "remedy.download-again"
COPY_AGAIN = "remedy.copy-again"
WEB_PAGE = FileKind("file.web-page", AGAIN)
KINDS = {
    b"Rar!": FileKind("file.rar", UNPACK),
    b"7z\xbc\xaf\x27": FileKind("file.7z", UNPACK),
    b"\x1f\x8b": FileKind("file.gzip", UNPACK),
    b"BZh": FileKind("file.bzip2", UNPACK),
    b"\xfd7zXZ": FileKind("file.xz", UNPACK),
    b"\x28\xb5\x2f\xfd": FileKind("file.zstandard", UNPACK),
    b"MSCF": FileKind("file.cab", UNPACK),
    b"PK\x07\x08": FileKind("file.first-part", "remedy.join"),
    b"\xff\xd8\xff": FileKind("file.jpeg", ZIP_THE_FOLDER),
    b"\x89PNG": FileKind("file.png", ZIP_THE_FOLDER),
    b"%PDF": FileKind("file.pdf", ZIP_THE_FOLDER),
    b"\x89HDF": FileKind("file.hdf5", "remedy.save-as-files"),
    b"version https://git-lfs": FileKind("file.git-lfs", "remedy.git-lfs"),
}
TEXTS = {
    b"<!doctype html": WEB_PAGE,
    b"<html": WEB_PAGE,
    b"<head": WEB_PAGE,
    b"<?xml": FileKind("file.xml", AGAIN),
    b'{"': FileKind("file.json", AGAIN),
}
TAR = FileKind("file.tar", UNPACK)
EMPTY = FileKind("file.empty", COPY_AGAIN)
ZEROS = FileKind("file.zeros", COPY_AGAIN)
ELSE = FileKind("file.else", ZIP_THE_FOLDER)

# Endings of pictures, read here or not: each is named where it cannot be read, and makes its folder a class.
PICTURE_SUFFIXES = frozenset(
    words(
        ".jpg .jpeg .jpe .jfif .pjpeg .mpo .png .apng .webp .bmp .dib .gif .tif .tiff .ppm .pgm .pbm .pnm"
        " .avif .heic .heif .hif .jp2 .j2k .jxl .svg .psd .ico .tga .dng .cr2 .nef .arw"
    )
)
# Endings of what is no picture, often as many as the pictures; of all others the first bytes are looked at.
OTHER_SUFFIXES = frozenset(
    words(
        ".txt .csv .tsv .tab .json .jsonl .xml .yaml .yml .md .html .htm .css .js .py .ipynb .pdf .doc .docx"
        " .xls .xlsx .ods .zip .7z .rar .tar .gz .tgz .bz2 .xz .zst .cab .jar .mat .npy .npz .pkl .h5 .db .ini"
        " .log .cfg .toml .sh .exe"
    )
)

PICTURES = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"II*\0",
    b"MM\0*",
    b"\0\0\0\x0cjP  ",
    b"\xff\x4f\xff\x51",
    b"8BPS",
    b"\0\0\1\0",
)
NETPBM = tuple(b"P%d%c" % (number, blank) for number in range(1, 8) for blank in b"\n\r\t #")


def kind(start: bytes) -> FileKind:
    """What a file is that is no zip, by its first `START_BYTES`."""
    if not start:
        return EMPTY
    if start[257:262] == b"ustar":
        return TAR
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    found = next((each for signature, each in KINDS.items() if start.startswith(signature)), None)
    found = found or next((each for opening, each in TEXTS.items() if text.startswith(opening)), None)
    return found or (ELSE if start.strip(b"\0") else ZEROS)


def is_picture(start: bytes) -> bool:
    """Whether a file begins like a picture of a usual kind, one that is read here or not."""
    if start[:2] == b"BM":
        return len(start) > 18 and start[14:18] in (b"\x0c\0\0\0", b"\x28\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0")
    is_webp = start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    return (
        is_webp
        or kinds.is_avif(start)
        or kinds.is_heif(start)
        or start.startswith(PICTURES)
        or start.startswith(NETPBM)
    )
