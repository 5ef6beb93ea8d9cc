"""What a file is that cannot be read as a picture, by its first bytes: so that it can be named for what it is."""

HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
AVIF_BRANDS = (b"avif", b"avis")
STARTS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "no-picture.git-lfs"),
    (b"version https://hawser", "no-picture.git-lfs"),
    (b"\xff\xd8", "no-picture.jpeg"),
    (b"\x89PNG", "no-picture.png"),
    (b"GIF8", "no-picture.gif"),
    (b"BM", "no-picture.bmp"),
    (b"8BPS", "no-picture.psd"),
    (b"%PDF", "no-picture.pdf"),
    (b"%!PS", "no-picture.postscript"),
    (b"PK\x03\x04", "no-picture.zip"),
    (b"Rar!", "no-picture.rar"),
    (b"7z\xbc\xaf", "no-picture.7z"),
    (b"\x1f\x8b", "no-picture.gzip"),
    (b"\x93NUMPY", "no-picture.numpy"),
    (b"\x00\x00\x00\x0cjP  ", "no-picture.jpeg-2000"),
    (b"\xff\x4f\xff\x51", "no-picture.jpeg-2000"),
    (b"\xff\x0a", "no-picture.jpeg-xl"),
    (b"\x00\x00\x00\x0cJXL ", "no-picture.jpeg-xl"),
    (b"\x00\x00\x01\x00", "no-picture.icon"),
    (b"\x76\x2f\x31\x01", "no-picture.openexr"),
    (b"#?RADIANCE", "no-picture.hdr"),
    (b"SIMPLE  =", "no-picture.fits"),
    (b"FUJIFILM", "no-picture.raw"),
    (b"II\x1a\x00\x00\x00HEAPCCDR", "no-picture.raw"),
    (b"II*\x00", "no-picture.tiff"),
    (b"MM\x00*", "no-picture.tiff"),
    (b"II+\x00", "no-picture.bigtiff"),
    (b"MM\x00+", "no-picture.bigtiff"),
    (b"\x1aE\xdf\xa3", "no-picture.matroska"),
)
DICOM = 128  # bytes before its mark
TEXT_BYTES = 512  # that are looked at


def is_heif(data: bytes) -> bool:
    """Whether a file says that it is HEIC or HEIF, as phones write it."""
    return data[4:8] == b"ftyp" and any(brand in HEIF_BRANDS for brand in _brands(data)) and not is_avif(data)


def is_avif(data: bytes) -> bool:
    """Whether a file says that it is AVIF."""
    return data[4:8] == b"ftyp" and any(brand in AVIF_BRANDS for brand in _brands(data))


def kind(data: bytes) -> str:
    """What a file is, as a kind of the catalogue: the end of a sentence that begins with "it is"."""
    if not data:
        return "no-picture.empty"
    if data[4:8] == b"ftyp":
        return _of_boxes(data)
    if data[:4] == b"RIFF":
        return "no-picture.webp" if data[8:12] == b"WEBP" else "no-picture.riff"
    if data[DICOM : DICOM + 4] == b"DICM":
        return "no-picture.dicom"
    if not data.strip(b"\0"):
        return "no-picture.zeros"
    found = next((what for start, what in STARTS if data.startswith(start)), None)
    return found or _of_text(data)


def _brands(data: bytes) -> list[bytes]:
    end = min(int.from_bytes(data[:4]), 256, len(data))
    return [data[8:12], *(data[place : place + 4] for place in range(16, end, 4))]


def _of_boxes(data: bytes) -> str:
    if is_avif(data):
        return "no-picture.avif"
    if is_heif(data):
        return "no-picture.heif"
    if data[8:11] == b"crx":
        return "no-picture.raw"
    return "no-picture.mp4"


def _of_text(data: bytes) -> str:
    start = data[:TEXT_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head")):
        return "no-picture.web-page"
    if b"<svg" in start:
        return "no-picture.svg"
    if b"\0" not in start and all(byte >= 32 or byte in b"\t\r\n" for byte in start):
        return "no-picture.text"
    return "no-picture.else"
