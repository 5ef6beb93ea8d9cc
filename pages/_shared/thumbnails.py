"""A stored picture, small, as an address or an image that a page carries within itself.

One whose file is damaged or missing is a grey square with a cross: the others are still worth a look.
"""

import base64
import html
import io
from pathlib import Path

import streamlit as st
from PIL import Image, ImageOps

from core.data.pictures import picture
from core.errors import DamagedError

SIDE = 192  # px, about twice what it takes on the page, for fine screens
SQUARE_SIDE = 160  # px of a cut-out, likewise
DAMAGED = "its file is damaged or missing"
EMPTY = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E"
    "%3Crect width='8' height='8' fill='%23888' fill-opacity='.2'/%3E"
    "%3Cpath d='M3 3l2 2M5 3l-2 2' stroke='%23888' stroke-width='.4'/%3E%3C/svg%3E"
)


def thumbnail(path: Path) -> str:
    """The picture as a data address; its file is named by its content, so it is made once."""
    try:
        return _thumbnail(str(path))
    except (DamagedError, FileNotFoundError):
        return EMPTY


@st.cache_data(max_entries=512, show_spinner=False)
def _thumbnail(path: str) -> str:
    with picture.opened(Path(path)) as stored:
        stored.thumbnail((SIDE, SIDE))
        return _address(stored.convert("RGB"))


def stretched(path: Path, side: int) -> str:
    """The picture as a network sees it, stretched to a square of `side` pixels, as a data address."""
    try:
        return _stretched(str(path), side)
    except (DamagedError, FileNotFoundError):
        return EMPTY


@st.cache_data(max_entries=64, show_spinner=False)
def _stretched(path: str, side: int) -> str:
    return _address(Image.fromarray(picture.load(Path(path), side)))


def square(path: Path, name: str) -> str:
    """A small square cut-out of the picture as an HTML image; a hover shows the name."""
    try:
        with picture.opened(path) as stored:
            return square_of(stored, name)
    except (DamagedError, FileNotFoundError):
        return _image(EMPTY, f"{name}: {DAMAGED}")


def square_of(opened: Image.Image, name: str) -> str:
    """The same of a picture that is open already."""
    opened.draft("RGB", (SQUARE_SIDE, SQUARE_SIDE))
    return _image(_address(ImageOps.fit(opened.convert("RGB"), (SQUARE_SIDE, SQUARE_SIDE))), name)


def _address(small: Image.Image) -> str:
    packed = io.BytesIO()
    small.save(packed, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(packed.getvalue()).decode()}"


def _image(address: str, name: str) -> str:
    safe = html.escape(name)
    return f'<img alt="{safe}" title="{safe}" src="{address}">'
