"""Bytes of any kind of picture → small upright RGB. Imports little beside Pillow: `decoder` is a process of this.

What a picture needs is known from its header. It is never held twice in full: what is done to its pixels is done strip
by strip, on the way to a picture that is smaller by a whole factor.
"""

import hashlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, UnidentifiedImageError

from core.data.pictures import colour
from core.data.pictures import depth as depths
from core.data.pictures.depth import UNKNOWN, Depth, Range, Values
from core.data.pictures.header import (
    BYTES_A_PIXEL,
    COPIES,
    JPEGS,
    STRIP_PIXELS,
    coefficient_bytes,
    copies_held,
    needed_bytes,
    opened,
    plain_end,
    too_large,
    turn,
    webp_size,
)
from core.data.zips import kinds
from core.errors import InputError
from core.words.said import say

if TYPE_CHECKING:  # few pictures need it, and it would double what the process takes
    import numpy as np

JPEG_PIXELS = 4  # times as many as of another kind: it is made smaller while it is decoded
PILLOWS_MOST = Image.MAX_IMAGE_PIXELS or 0  # pixels, of which Pillow warns by itself
LOSSY_STARTS = (b"\xff\xd8", b"RIFF")  # JPEG, WebP
JPEG_QUALITY = 92
PNG_SIDE = 128  # px; a lossless picture up to here stays so, as blocks of JPEG would show and the file is small anyway
THUMBNAIL_SIDE = 32
PLAIN_MODES = {"L": "L", "LA": "L", "CMYK": "CMYK"}  # Pillow's modes, and what is left of them; RGB of all others
ROUGH_SIDE = 2 * THUMBNAIL_SIDE  # at least, of what a thumbnail is made of

# For the whole process and not around each picture: the filters of `warnings` are no thread's own.
warnings.simplefilter("error", Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # odd metadata; the picture itself is fine


class PictureError(InputError):
    """One picture cannot be used; the message is the reason."""


@dataclass(frozen=True)
class Small:
    """A picture as it is to be stored."""

    kind: str  # "jpg" or "png"
    data: bytes | None  # None: the source's own bytes
    width: int  # px
    height: int
    pixels: str  # SHA-256 of size and pixels, before it is stored: that of every copy without loss; "" if not asked for
    thumbnail: bytes  # grey, `THUMBNAIL_SIDE` px each way: what near-copies are found by; of a source that is kept and
    # not compared made of its low frequencies, which may differ by 3 from one made of its pixels
    values: Values | None  # of more than 8 bits


def _admitted(_needed_bytes: int) -> None:
    """No bound."""


def small(
    data: bytes,
    *,
    max_pixels: int,
    side: int,
    admit: Callable[[int], object] = _admitted,
    depth: Depth = UNKNOWN,
    is_compared: bool = False,
) -> Small:
    """A picture's file as it is kept: upright, RGB, long side at most `side`, with nothing beside its pixels.

    It becomes a JPEG, which is quick to decode, or a PNG where the source is lossless and it is small. A JPEG that is
    nothing but such pixels is kept byte for byte: written anew it would only lose.

    Args:
        data: The source's bytes.
        max_pixels: More are not read.
        side: In pixels.
        admit: Called before the pixels are decoded, with the bytes that this needs; what it raises is passed on.
        depth: Of the data set, for pictures of more than 8 bits.
        is_compared: Whether its pixels are compared with others', by their digest; that takes as long as decoding it.

    Raises:
        PictureError: It cannot be read or is too large.
    """
    image, plain, values = _read(data, max_pixels, side, admit, depth, is_rough=not is_compared)
    digest, shown = _digest(image) if is_compared else "", thumbnail(image)
    if plain:
        kept = None if plain.end == len(data) else data[: plain.end]
        return Small("jpg", kept, plain.width, plain.height, digest, shown, values)
    is_png = max(image.size) <= PNG_SIDE and not data.startswith(LOSSY_STARTS)
    packed = io.BytesIO()
    if is_png:
        image.save(packed, "PNG", compress_level=1)
    else:
        image.save(packed, "JPEG", quality=JPEG_QUALITY)
    return Small("png" if is_png else "jpg", packed.getvalue(), *image.size, digest, shown, values)


def thumbnail(image: Image.Image) -> bytes:
    """A picture stretched to a grey square of `THUMBNAIL_SIDE` px, a byte each."""
    square = image.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return square.convert("L").tobytes()


def _digest(image: Image.Image) -> str:
    digest = hashlib.sha256(f"{image.width} {image.height} ".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def upright(data: bytes, *, max_pixels: int, side: int, depth: Depth = UNKNOWN) -> Image.Image:
    """The first frame of a picture: upright, RGB, long side at most `side`, alpha over white. See `small`.

    Raises:
        PictureError: It cannot be read or is too large.
    """
    return _read(data, max_pixels, side, _admitted, depth, is_rough=False)[0]


class Plain(NamedTuple):
    """What of a source can be kept as it is: so many bytes of it, a picture of so many pixels."""

    end: int
    width: int
    height: int


Read = tuple[Image.Image, Plain | None, Values | None]


def _read(
    data: bytes, max_pixels: int, side: int, admit: Callable[[int], object], depth: Depth, *, is_rough: bool
) -> Read:
    """The picture, what of its file can be kept as it is, and what values it holds.

    One that is kept may be rough: grey and as small as a thumbnail can be made of, at a third of the time. Its file is
    read to the end all the same.
    """
    try:
        return _upright(data, max_pixels, side, admit, depth, is_rough=is_rough)
    except (InputError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(too_large(max_pixels)) from None
    except UnidentifiedImageError:
        raise PictureError("picture.is", what=say(kinds.kind(data))) from None
    except Exception:  # on broken data Pillow's readers raise nearly anything
        if kinds.is_heif(data):
            raise PictureError("picture.is", what=say(kinds.kind(data))) from None
        raise PictureError("picture.damaged") from None


def _upright(
    data: bytes, max_pixels: int, side: int, admit: Callable[[int], object], depth: Depth, *, is_rough: bool
) -> Read:
    Image.MAX_IMAGE_PIXELS = max(PILLOWS_MOST, JPEG_PIXELS * max_pixels)  # never less: it is the whole process's
    if not data:
        raise PictureError("picture.empty")
    width, height = webp_size(data)
    if width * height > max_pixels:
        raise PictureError(too_large(max_pixels))
    if width:  # opening a WebP takes its canvases' memory
        admit(len(data) + needed_bytes(width * height, 4 * COPIES["WEBP"]))
    image = opened(data)
    most = max_pixels * (JPEG_PIXELS if image.format in JPEGS else 1)
    if image.width * image.height > most:
        raise PictureError(too_large(most))
    end, coefficients = plain_end(image, data, side), coefficient_bytes(image, data)
    plain = Plain(end, *image.size) if end else None
    if plain and is_rough:
        image.draft("L", (ROUGH_SIDE, ROUGH_SIDE))
    else:
        image.draft(None, (side, side))  # decodes a large JPEG at a half, a quarter or an eighth, never below `side`
    if image.format != "WEBP":
        each = BYTES_A_PIXEL.get(image.mode, 4) * copies_held(image)
        admit(len(data) + coefficients + needed_bytes(image.width * image.height, each))
    image.load()
    if plain:
        return image, plain, None  # it is what is wanted: upright, RGB, small
    turned = turn(image)  # only now: Pillow has turned a TIFF by itself, and a PNG may say it after its pixels
    values = _values(image, depth)
    fitted = _fitted(image, side, values.used if values else (0.0, 255.0))
    rgb = colour.in_srgb(fitted, image.info.get("icc_profile")).convert("RGB")
    found = rgb if turned is None else rgb.transpose(turned)
    found.info.clear()  # comments and profiles would be stored with it
    return found, None, values


def _fitted(image: Image.Image, side: int, ends: Range) -> Image.Image:
    """As `_plain`, with a long side of at most `side`, by boxes of whole pixels and then Pillow's bilinear filter."""
    width, height = image.size
    scale = min(1.0, side / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    factor = max(1, int(width / size[0] / 2)), max(1, int(height / size[1] / 2))  # Pillow's own "reducing gap"
    plain = _reduced(image, factor, ends)
    return plain.resize(size, Image.Resampling.BILINEAR, (0, 0, width / factor[0], height / factor[1]))


def _reduced(image: Image.Image, factor: tuple[int, int], ends: Range) -> Image.Image:
    """As `_plain`, each pixel the mean of a box, so that the strips' borders do not show."""
    if factor == (1, 1):
        return _plain(image, ends)
    reduced = Image.new(_plain_mode(image), (-(-image.width // factor[0]), -(-image.height // factor[1])))
    for box in _strips(image.size, factor):
        strip = _plain(image.crop(box), ends).reduce(factor)
        reduced.paste(strip, (box[0] // factor[0], box[1] // factor[1]))
    return reduced


def _strips(size: tuple[int, int], factor: tuple[int, int] = (1, 1)) -> Iterator[tuple[int, int, int, int]]:
    """Boxes across the shorter side that cover a picture, each of some whole multiples of `factor`."""
    width, height = size
    across, along, step = (width, height, factor[1]) if height >= width else (height, width, factor[0])
    length = max(1, STRIP_PIXELS // across // step) * step
    for begin in range(0, along, length):
        end = min(along, begin + length)
        yield (0, begin, width, end) if height >= width else (begin, 0, end, height)


def _plain_mode(image: Image.Image) -> str:
    """What `_plain` makes of it: grey and CMYK stay so, as their colour profiles speak of these."""
    return "L" if depths.kind(image.mode) else PLAIN_MODES.get(image.mode, "RGB")


def _plain(image: Image.Image, ends: Range) -> Image.Image:
    """8 bits a channel, with white where it is transparent: grey, RGB or CMYK."""
    if depths.kind(image.mode):
        return Image.fromarray(_stretched(_finite(image), ends))
    mode = _plain_mode(image)
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        image = Image.new("RGBA", clear.size, "white")
        image.paste(clear, mask=clear)
    return image if image.mode == mode else image.convert(mode)


def _values(image: Image.Image, depth: Depth) -> Values | None:
    """What greys of more than 8 bits hold, and what is their black and white; None in other modes."""
    kind = depths.kind(image.mode)
    if kind is None:
        return None
    ends = [_ends(image.crop(box)) for box in _strips(image.size)]
    found = min(low for low, _ in ends), max(high for _, high in ends)
    return Values(kind, found, depth[kind] or found)


def _ends(strip: Image.Image) -> tuple[float, float]:
    values = _finite(strip)
    return float(values.min()), float(values.max())


def _finite(image: Image.Image) -> "np.ndarray":
    import numpy as np

    return np.nan_to_num(np.asarray(image, np.float64), nan=0.0, posinf=0.0, neginf=0.0)


def _stretched(values: "np.ndarray", ends: Range) -> "np.ndarray":
    """From 0 for black to 255 for white; what lies outside of both, as it may in a new picture, becomes these."""
    import numpy as np

    return np.asarray(np.interp(values, ends, (0, 255)), np.uint8)
