"""Pairs of near-copies side by side, those under two labels first and in red."""

import html
from math import ceil
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.data.near import copies
from pages._shared.thumbnails import square

PAIRS = 12  # a page
GLOSS = (
    "Found by what the pictures show: the same one resized, recompressed, cropped a little, mirrored or turned, and "
    "frames of a burst. Each pair was laid upon each other, and the detail agrees by more than 93 %."
)


def show(of: Dataset) -> None:
    """All pairs, some at a time."""
    pairs = copies.described(of.pictures, of.near)
    pages = ceil(len(pairs) / PAIRS)
    title, pager = st.columns([1, 2], vertical_alignment="bottom")
    title.subheader("Near-copies", anchor=False, help=GLOSS)
    page = 1
    if pages > 1:
        with pager.container(horizontal=True, horizontal_alignment="right"):
            page = st.pagination(pages, key=f"copies-{of.id}")
    st.html(f'<div class="pairs">{_page(of.id, page, of, pairs)}</div>')


@st.cache_data(max_entries=64, show_spinner=False)
def _page(dataset_id: str, page: int, _of: Dataset, _pairs: pd.DataFrame) -> str:  # noqa: ARG001 - the cache's key
    shown = _pairs.iloc[(page - 1) * PAIRS : page * PAIRS]
    return "".join(_pair(_of, row) for row in shown.to_dict("records"))


def _pair(of: Dataset, row: dict[Any, Any]) -> str:
    sides = [_side(of, row[side], row[f"{side}_name"]) for side in ("first", "second")]
    said = [
        *(["two labels"] if row["labels_differ"] else []),
        *(["mirrored"] if row["is_mirrored"] else []),
    ]
    kind = ' class="across"' if row["labels_differ"] else ""
    return f"<figure{kind}>{''.join(sides)}<figcaption>{', '.join(said) or '&nbsp;'}</figcaption></figure>"


def _side(of: Dataset, picture: str, name: str) -> str:
    shown = html.escape(name)
    return f'<div>{square(of.path(picture), name)}<span title="{shown}">{shown}</span></div>'
