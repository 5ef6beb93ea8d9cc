"""Elements that pages share: tables folded away, the one primary button."""

from typing import Any

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.words.names import LONG_NAME

NAMES_WIDTH = 120  # px of a table's column


def table(frame: pd.DataFrame, *, key: str, label: str = "Show as table", **options: Any) -> None:
    """The numbers behind a figure, folded away; `options` go to `st.dataframe`."""
    with st.expander(label, key=f"{key}-table", type="compact"):
        columns = narrow_names(frame) | options.pop("column_config", {})
        st.dataframe(frame, **{"width": "stretch", "hide_index": True, "column_config": columns} | options)


def narrow_names(frame: pd.DataFrame) -> dict[str, ColumnConfig]:
    """A width for each column of a table whose names would leave no room for what is beside them."""
    texts = {name: column.dropna().astype(str) for name, column in frame.select_dtypes(["object", "str"]).items()}
    long = [str(name) for name, column in texts.items() if column.str.len().max() > LONG_NAME]
    return {name: st.column_config.TextColumn(width=NAMES_WIDTH) for name in long}


def primary(
    label: str, *, key: str, icon: str | None = None, disabled: bool = False, reason: str | None = None
) -> bool:
    """The screen's one primary button, bottom right; `reason` says why it cannot be used."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        return st.button(
            label, key=key, type="primary", icon=icon, icon_position="right", disabled=disabled, help=reason
        )


def free(uploaded: UploadedFile) -> None:
    """Drop an upload's bytes, which Streamlit would keep in memory until the session ends."""
    context = get_script_run_ctx()
    if context is not None:
        held: Any = context.uploaded_file_mgr  # its type is that of a protocol without this
        held.remove_file(context.session_id, uploaded.file_id)
