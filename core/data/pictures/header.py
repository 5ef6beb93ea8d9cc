"""What a picture will need, by its header alone: so much is known before anything of it is decoded."""

import io
import struct
from contextlib import suppress

from PIL import (  # noqa: F401 - what is imported here is not looked for with each picture
    AvifImagePlugin,
    ExifTags,
    Image,
    ImageFile,
    JpegImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from core.data.zips import kinds
from core.words.said import Said, say

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "BMP", "GIF", "TIFF", "PPM")  # MPO, of some cameras, is read as JPEG
JPEGS = ("JPEG", "MPO")
JFIF_BYTES = 14  # of the one marker that says nothing of a picture, without a thumbnail
START_OF_SCAN, END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"  # nothing else in a JPEG's coded pixels begins like these
STRIP_PIXELS = 1_000_000
STRIP_BYTES = 16  # that each of them takes, beside the picture
BYTES_A_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}  # 4 in all other modes
COPIES = {  # of a whole picture that Pillow and the library below it hold at once, where that is more than one
    "WEBP": 4.25,  # decoded, the canvas, the one before it, and as bytes
    "AVIF": 3.0,  # its planes, as bytes, and the picture
    "HEIF": 3.0,  # likewise
    "TIFF": 2.0,  # a strip may be all of it; one that lies on its side is turned
    "bmp_rle": 3.0,
}
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def opened(data: bytes) -> ImageFile.ImageFile:
    """A picture of any kind that is read, by its first bytes, its header read and nothing of it decoded."""
    if kinds.is_heif(data):
        import pi_heif  # few zips need it, and it takes a while

        pi_heif.register_heif_opener()
        return Image.open(io.BytesIO(data), formats=("HEIF",))
    return Image.open(io.BytesIO(data), formats=FORMATS)


def plain_end(image: Image.Image, data: bytes, side: int) -> int:
    """Where the JPEG ends in a source that is one as `small` writes them: colour, small, nothing but its pixels.

    0 for any other source. What hangs on behind that end is no part of the picture.
    """
    scan = data.find(START_OF_SCAN)
    end = data.find(END_OF_IMAGE, scan)
    markers = getattr(image, "applist", ())
    says_nothing = all(name == "APP0" and len(said) == JFIF_BYTES for name, said in markers)
    is_wanted = image.format == "JPEG" and image.mode == "RGB" and says_nothing and max(image.size) <= side
    return end + len(END_OF_IMAGE) if is_wanted and 0 < scan < end else 0


def too_large(max_pixels: int) -> Said:
    """The reason for which a picture of more pixels is refused."""
    return say("picture.too-large", megapixels=max_pixels / 1e6)


def webp_size(data: bytes) -> tuple[int, int]:
    """Width and height of a WebP's canvas by its header, (0, 0) of anything else.

    The three kinds of header: https://developers.google.com/speed/webp/docs/riff_container
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return 0, 0
    kind, header = data[12:16], data[20:30].ljust(10, b"\0")
    if kind == b"VP8X":
        return 1 + int.from_bytes(header[4:7], "little"), 1 + int.from_bytes(header[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(header[1:5], "little")
        return 1 + bits % 2**14, 1 + (bits >> 14) % 2**14
    sides = struct.unpack("<HH", header[6:10])
    return sides[0] % 2**14, sides[1] % 2**14


def copies_held(image: ImageFile.ImageFile) -> float:
    """How many copies of the whole picture Pillow and the library below it hold at once."""
    return max(COPIES.get(image.format or "", 1.0), *(COPIES.get(tile[0], 1.0) for tile in image.tile), 1.0)


def needed_bytes(pixels: int, bytes_a_pixel: float) -> int:
    """Decoded pixels, on the way to them and then, with the strips."""
    return int(pixels * bytes_a_pixel) + STRIP_BYTES * min(pixels, STRIP_PIXELS)


def coefficient_bytes(image: Image.Image, data: bytes) -> int:
    """A JPEG in several scans is held as coefficients of two bytes, at its full size, until the last one is read."""
    if not isinstance(image, JpegImagePlugin.JpegImageFile) or is_one_scan(image, data):
        return 0
    horizontal, vertical = (max(layer[place] for layer in image.layer) for place in (1, 2))
    share = sum(layer[1] * layer[2] for layer in image.layer) / (horizontal * vertical)
    return int(2 * share * image.width * image.height)


def is_one_scan(image: JpegImagePlugin.JpegImageFile, data: bytes) -> bool:
    """Whether its first scan has all channels in full. The scan of a thumbnail in its metadata is none of its own."""
    place = 2
    while data[place : place + 1] == b"\xff" and data[place : place + 2] != START_OF_SCAN:
        is_filled = data[place + 1 : place + 2] == b"\xff"  # any number of these may stand before a marker
        place += 1 if is_filled else 2 + int.from_bytes(data[place + 2 : place + 4])
    return not image.info.get("progressive") and data[place + 4 : place + 5] == bytes([len(image.layer)])


def turn(image: Image.Image) -> Image.Transpose | None:
    """What turns a picture upright, by its EXIF orientation; None where it is."""
    with suppress(Exception):  # broken metadata is no reason to refuse a picture
        return UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return None
