"""A stored picture, small, as an address that a page carries within itself."""

import base64
import io
from pathlib import Path

import streamlit as st
from PIL import Image, UnidentifiedImageError

EMPTY = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"
SIDE = 192  # px, about twice what it takes on the page, for fine screens


def thumbnail(path: Path) -> str:
    """The picture as a data address; its file is named by its content, so it is made once.

    One whose file is damaged is an empty place: the others are still worth a look.

    Raises:
        FileNotFoundError: It is being removed.
    """
    try:
        return _thumbnail(str(path))
    except UnidentifiedImageError:
        return EMPTY
    except OSError as error:
        if error.errno is not None:
            raise
        return EMPTY  # as Pillow says that it is cut off


@st.cache_data(max_entries=512, show_spinner=False)
def _thumbnail(path: str) -> str:
    with Image.open(path) as stored:
        stored.thumbnail((SIDE, SIDE))
        packed = io.BytesIO()
        stored.convert("RGB").save(packed, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(packed.getvalue()).decode()}"
