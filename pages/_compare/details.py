"""What it cost, what vouches for it, and what to take along."""

import json
from collections.abc import Callable
from functools import partial

import streamlit as st

from core.display import tables
from core.report import export, result
from core.report.report import Report
from core.settings import settings

NOT_KEPT = "This host keeps nothing after its next restart; what you take along stays yours."
WIDE = {"what": st.column_config.TextColumn("", width="medium")}


def show(experiment_id: str, report: Report) -> None:
    """The cost, beside it the downloads, under both the proof."""
    left, right = st.columns([2, 1], gap="medium")
    with left:
        st.subheader("What it cost", anchor=False)
        st.dataframe(tables.cost(report), hide_index=True, column_config=WIDE, key="cost")
    with right:
        st.subheader("Take along", anchor=False)
        _downloads(experiment_id, report)
        if not settings().profile.keeps_files:
            st.caption(NOT_KEPT)
    with st.expander("How this was made, and what proves it", key="proof", icon=":material/verified:"):
        st.table(tables.proof(report).set_index("what").rename_axis(""), border="horizontal")


def _downloads(experiment_id: str, report: Report) -> None:
    """The networks, the result and the answers; each is put together when its button is pressed."""
    for name, one in report.arms.items():
        _download(
            f"{one.label.adjective} network",
            partial(export.network, experiment_id, name),
            file_name=f"{name}.zip",
            gloss="model.keras, labels.json, and predict.py, which needs Keras and Pillow alone, as one zip.",
        )
    _download(
        "Result, JSON",
        partial(_result, experiment_id),
        file_name="result.json",
        gloss="All scores and settings as JSON.",
    )
    _download(
        "Answers, CSV",
        partial(result.predictions_csv, experiment_id),
        file_name="predictions.csv",
        gloss="What was answered for every test picture, with all probabilities, for a spreadsheet.",
    )


def _download(label: str, data: Callable[[], str | bytes], *, file_name: str, gloss: str) -> None:
    st.download_button(
        label,
        data,
        file_name=file_name,
        help=gloss,
        key=f"download_{file_name}",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
    )


def _result(experiment_id: str) -> str:
    return json.dumps(result.result(experiment_id), indent=1)
