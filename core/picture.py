"""Bytes of any kind of picture → the one kind that is stored, and from there to pixels.

Uploads and new pictures to predict go the same way: `store`, then `load`. There is no other resize in the project.
"""

import hashlib
import io
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from core import runs
from core.errors import InputError
from core.settings import settings

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")  # Pillow reads MPO, of some cameras, as JPEG
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff")
LOSSY_STARTS = (b"\xff\xd8", b"RIFF")  # JPEG, WebP
JPEG_QUALITY = 92
AS_PNG: dict[str, Any] = {"format": "PNG", "compress_level": 1}
AS_JPEG: dict[str, Any] = {"format": "JPEG", "quality": JPEG_QUALITY}
JFIF_BYTES = 14  # of the one marker that says nothing of a picture, without a thumbnail
PNG_SIDE = 128  # px; a lossless picture up to here stays so, as blocks of JPEG would show and the file is small anyway
WHITE = (255, 255, 255)
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# For the whole process and not around each picture: the filters of `warnings` are no thread's own.
warnings.simplefilter("error", Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # odd metadata; the picture itself is fine


class PictureError(InputError):
    """One picture cannot be used; the message is the reason."""


@dataclass(frozen=True)
class Stored:
    """A picture on disk."""

    picture: str  # SHA-256 of the source's bytes
    file: str  # its name in the folder
    width: int  # px, as stored
    height: int


def store(data: bytes, folder: Path) -> Stored:
    """Write a picture as it is kept: upright, RGB, long side at most `settings().stored_side`, named by its content.

    It becomes a JPEG, which is quick to decode, or a PNG where the source is lossless and it is small. A JPEG that is
    nothing but such pixels is kept byte for byte: written anew it would only lose.

    Raises:
        PictureError: It cannot be read or is too large.
    """
    image = normalise(data)
    is_png = max(image.size) <= PNG_SIDE and not data.startswith(LOSSY_STARTS)
    picture = hashlib.sha256(data).hexdigest()
    path = folder / f"{picture}.{'png' if is_png else 'jpg'}"
    if _is_plain(data):
        runs.write_whole(path, lambda partial: partial.write_bytes(data))
    else:
        packed = io.BytesIO()  # Pillow itself does not see that a disk takes a part of what it writes
        image.save(packed, **(AS_PNG if is_png else AS_JPEG))
        runs.write_whole(path, lambda partial: partial.write_bytes(packed.getbuffer()))
    return Stored(picture, path.name, image.width, image.height)


def load(path: Path, size: int) -> np.ndarray:
    """A stored picture, stretched to a square by Pillow's bilinear filter.

    Args:
        path: A file that `store` wrote.
        size: Side in pixels.

    Returns:
        uint8 of shape (size, size, 3), RGB.
    """
    with Image.open(path, formats=("JPEG", "PNG")) as image:
        image.draft("RGB", (size, size))  # a JPEG more than twice as large is decoded at a half, which is quicker
        rgb = image if image.mode == "RGB" else image.convert("RGB")
        return np.array(rgb.resize((size, size), Image.Resampling.BILINEAR))


def _is_plain(data: bytes) -> bool:
    """Whether a source that can be read is a JPEG as `store` writes them: colour, small, no word beside its pixels."""
    scan = data.find(b"\xff\xda")
    if not data.startswith(b"\xff\xd8") or scan < 0 or data.find(b"\xff\xd9", scan) != len(data) - 2:
        return False  # not, or not only, one JPEG
    image = Image.open(io.BytesIO(data), formats=("JPEG",))
    markers = getattr(image, "applist", ())
    says_nothing = all(name == "APP0" and len(said) == JFIF_BYTES for name, said in markers)
    return image.format == "JPEG" and image.mode == "RGB" and says_nothing and max(image.size) <= settings().stored_side


def normalise(data: bytes) -> Image.Image:
    """The first frame of a picture: upright, RGB, long side at most `settings().stored_side`, alpha over white.

    Raises:
        PictureError: It cannot be read or is too large.
    """
    try:
        return _normalised(data)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(_too_large()) from None
    except UnidentifiedImageError:
        raise PictureError("it is no JPEG, PNG, WebP, BMP, GIF or TIFF") from None
    except Exception:  # on broken data Pillow's readers raise nearly anything
        raise PictureError("its data is damaged, cut off or of a rare kind") from None


def _normalised(data: bytes) -> Image.Image:
    limit, side = settings().max_picture_pixels, settings().stored_side
    Image.MAX_IMAGE_PIXELS = limit
    if not data:
        raise PictureError("it is empty")
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    if image.width * image.height > limit:
        raise PictureError(_too_large())
    image.draft(None, (side, side))  # decodes a large JPEG at a half, a quarter or an eighth, never below `side`
    image.load()
    turn = _turn(image)  # only now: Pillow has turned a TIFF by itself, and a PNG may say it after its pixels
    plain = _plain(image)
    plain.thumbnail((side, side), Image.Resampling.BILINEAR)
    rgb = _on_white(plain)
    upright = rgb if turn is None else rgb.transpose(turn)
    upright.info.clear()  # comments and profiles would be stored with it
    return upright


def _too_large() -> str:
    return f"it has more than the {settings().max_picture_pixels / 1e6:g} megapixels that are read"


def _turn(image: Image.Image) -> Image.Transpose | None:
    with suppress(Exception):  # broken metadata is no reason to refuse a picture
        return UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return None


def _plain(image: Image.Image) -> Image.Image:
    """8 bits a channel, in a mode that can be resized: RGB, RGBA or grey."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image, np.uint16) // 257).astype(np.uint8))
    if image.mode in ("I", "F"):
        return Image.fromarray(_stretched(np.asarray(image, np.float64)))
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in ("RGB", "L") else image.convert("RGB")


def _stretched(values: np.ndarray) -> np.ndarray:
    """32-bit greys have no agreed range, so a picture's own lowest becomes 0 and its highest 255."""
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    return np.asarray((values - low) * (255.0 / ((high - low) or 1.0)), np.uint8)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Image.new("RGB", image.size, WHITE)
    white.paste(image, mask=image.getchannel("A"))
    return white
