"""A picture as it is stored: one kind for all, and from there to pixels.

Uploads and new pictures to predict go the same way: `decoding` makes any kind of picture small, `write` keeps it,
`load` reads it. There is no other resize in the project.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from core.data.pictures.depth import Values
from core.data.pictures.pixels import Small
from core.disk import record
from core.disk.files import write_whole
from core.errors import HeadstartError


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


def write(made: Small, source: bytes, folder: Path) -> Stored:
    """Write what was made of a source's bytes, named by what is written."""
    kept = source if made.data is None else made.data
    picture = hashlib.sha256(kept).hexdigest()
    path = folder / f"{picture}.{made.kind}"
    write_whole(path, lambda partial: partial.write_bytes(kept))
    is_kept = made.data is None
    return Stored(picture, path.name, made.width, made.height, made.pixels, made.thumbnail, made.values, is_kept)


def is_whole(path: Path) -> bool:
    """Whether a stored picture has the bytes that it was written with, by which it is named.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == path.stem


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """A stored picture, to be made smaller or shown inside the block.

    Raises:
        DamagedError: It is no picture any more, or not a whole one.
        FileNotFoundError: There is no such file.
    """
    try:
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            yield image
    except (HeadstartError, MemoryError):
        raise
    except Exception as error:  # on broken data Pillow's readers raise nearly anything
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise record.damaged(path, error) from None


def load(path: Path, size: int) -> np.ndarray:
    """A stored picture, stretched to a square by Pillow's bilinear filter.

    Args:
        path: A file that `write` wrote.
        size: Side in pixels.

    Returns:
        uint8 of shape (size, size, 3), RGB.

    Raises:
        DamagedError: See `opened`.
        FileNotFoundError: Likewise.
    """
    with opened(path) as image:
        image.draft("RGB", (size, size))  # a JPEG more than twice as large is decoded at a half, which is quicker
        rgb = image if image.mode == "RGB" else image.convert("RGB")
        return np.array(rgb.resize((size, size), Image.Resampling.BILINEAR))
