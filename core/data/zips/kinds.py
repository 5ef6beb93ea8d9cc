"""What a file is that cannot be read as a picture, by its first bytes: so that it can be named for what it is."""

HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
AVIF_BRANDS = (b"avif", b"avis")
STARTS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer, not the picture itself: run `git lfs pull` before zipping"),
    (b"version https://hawser", "a Git LFS pointer, not the picture itself: run `git lfs pull` before zipping"),
    (b"\xff\xd8", "a JPEG, but damaged or cut off"),
    (b"\x89PNG", "a PNG, but damaged or cut off"),
    (b"GIF8", "a GIF, but damaged or cut off"),
    (b"BM", "a BMP, but damaged or of a rare kind"),
    (b"8BPS", "a Photoshop file (PSD); export it as JPEG or PNG"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"PK\x03\x04", "a zip file"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x93NUMPY", "a NumPy array (npy); save it as PNG"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (b"\xff\x0a", "a JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL"),
    (b"\x00\x00\x01\x00", "an icon (ICO)"),
    (b"\x76\x2f\x31\x01", "an OpenEXR file"),
    (b"#?RADIANCE", "a Radiance file (HDR)"),
    (b"SIMPLE  =", "a FITS file"),
    (b"FUJIFILM", "a camera's raw file; export it as JPEG"),
    (b"II\x1a\x00\x00\x00HEAPCCDR", "a camera's raw file; export it as JPEG"),
    (b"II*\x00", "a TIFF or a camera's raw file, of a kind that is not read"),
    (b"MM\x00*", "a TIFF or a camera's raw file, of a kind that is not read"),
    (b"II+\x00", "a BigTIFF of a kind that is not read"),
    (b"MM\x00+", "a BigTIFF of a kind that is not read"),
    (b"\x1aE\xdf\xa3", "a film (Matroska or WebM)"),
)
DICOM = 128  # bytes before its mark
TEXT_BYTES = 512  # that are looked at


def is_heif(data: bytes) -> bool:
    """Whether a file says that it is HEIC or HEIF, as phones write it."""
    return data[4:8] == b"ftyp" and any(brand in HEIF_BRANDS for brand in _brands(data)) and not is_avif(data)


def is_avif(data: bytes) -> bool:
    """Whether a file says that it is AVIF."""
    return data[4:8] == b"ftyp" and any(brand in AVIF_BRANDS for brand in _brands(data))


def name(data: bytes) -> str:
    """What a file is, as the end of a sentence that begins with "it is"."""
    if not data:
        return "an empty file"
    if data[4:8] == b"ftyp":
        return _of_boxes(data)
    if data[:4] == b"RIFF":
        return "a WebP, but damaged or cut off" if data[8:12] == b"WEBP" else "a sound or a film"
    if data[DICOM : DICOM + 4] == b"DICM":
        return "a DICOM file; export it as PNG"
    if not data.strip(b"\0"):
        return "a file of zeros: its content was lost when it was copied or downloaded"
    found = next((what for start, what in STARTS if data.startswith(start)), None)
    return found or _of_text(data)


def _brands(data: bytes) -> list[bytes]:
    end = min(int.from_bytes(data[:4]), 256, len(data))
    return [data[8:12], *(data[place : place + 4] for place in range(16, end, 4))]


def _of_boxes(data: bytes) -> str:
    if is_avif(data):
        return "an AVIF, but damaged or of a rare kind"
    if is_heif(data):
        return "a HEIC (HEIF), but damaged or of a rare kind; save it as JPEG"
    if data[8:11] == b"crx":
        return "a camera's raw file; export it as JPEG"
    return "a film (MP4 or MOV)"


def _of_text(data: bytes) -> str:
    start = data[:TEXT_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head")):
        return "a web page: its download failed"
    if b"<svg" in start:
        return "an SVG drawing; export it as PNG"
    if b"\0" not in start and all(byte >= 32 or byte in b"\t\r\n" for byte in start):
        return "text"
    return "no picture of a kind that is read (JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF, BMP, PPM)"
