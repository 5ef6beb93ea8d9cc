"""A picture as it is stored: one kind for all, and from there to pixels.

Uploads and new pictures to predict go the same way: `core.decoding` makes any kind of picture small, `write` keeps it,
`load` reads it. There is no other resize in the project.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from core import pixels, runs
from core.depth import Values
from core.pixels import PictureError as PictureError
from core.pixels import Small
from core.settings import settings


@dataclass(frozen=True)
class Stored:
    """A picture on disk."""

    picture: str  # SHA-256 of the file's bytes: a name stands for one file, whatever it came from
    file: str  # its name in the folder
    width: int  # px, as stored
    height: int
    pixels: str  # SHA-256 of the pixels alone, where it was asked for: that of every copy without loss
    thumbnail: bytes  # see `pixels.thumbnail`
    values: Values | None  # where it has more than 8 bits
    is_kept: bool  # whether the file is the source byte for byte


def store(data: bytes, folder: Path, *, is_compared: bool = False) -> Stored:
    """Make a picture small and write it, in this process and without a bound: for pictures of one's own.

    Raises:
        PictureError: It cannot be read or is too large.
    """
    limits = settings()
    most, side = limits.max_picture_pixels, limits.stored_side
    made = pixels.small(data, max_pixels=most, side=side, is_compared=is_compared)
    return write(made, data, folder)


def write(made: Small, source: bytes, folder: Path) -> Stored:
    """Write what was made of a source's bytes, named by what is written."""
    kept = source if made.data is None else made.data
    picture = hashlib.sha256(kept).hexdigest()
    path = folder / f"{picture}.{made.kind}"
    runs.write_whole(path, lambda partial: partial.write_bytes(kept))
    is_kept = made.data is None
    return Stored(picture, path.name, made.width, made.height, made.pixels, made.thumbnail, made.values, is_kept)


def load(path: Path, size: int) -> np.ndarray:
    """A stored picture, stretched to a square by Pillow's bilinear filter.

    Args:
        path: A file that `write` wrote.
        size: Side in pixels.

    Returns:
        uint8 of shape (size, size, 3), RGB.
    """
    with Image.open(path, formats=("JPEG", "PNG")) as image:
        image.draft("RGB", (size, size))  # a JPEG more than twice as large is decoded at a half, which is quicker
        rgb = image if image.mode == "RGB" else image.convert("RGB")
        return np.array(rgb.resize((size, size), Image.Resampling.BILINEAR))


def normalise(data: bytes) -> Image.Image:
    """The first frame of a picture: upright, RGB, long side at most `settings().stored_side`, alpha over white.

    In this process and without a bound, as `store`.

    Raises:
        PictureError: It cannot be read or is too large.
    """
    limits = settings()
    return pixels.upright(data, max_pixels=limits.max_picture_pixels, side=limits.stored_side)
