"""What it cost, what vouches for it, and what to take along."""

import json
from functools import partial

import streamlit as st

from core import export, tables
from core import report as reports
from core.report import NAMES, Report

WIDE = {"what": st.column_config.TextColumn("", width="medium")}


def cost(report: Report) -> None:
    """Time, parameters and epochs of both arms."""
    st.subheader("What it cost", anchor=False)
    st.dataframe(tables.cost(report), hide_index=True, column_config=WIDE, key="cost")


def proof(report: Report) -> None:
    """Weight hash, frozen weights, seed, versions, hardware, the check of the saved file."""
    with st.expander("How this was made, and what proves it", key="proof", icon=":material/verified:"):
        st.table(tables.proof(report).set_index("what"))


def downloads(experiment_id: str, report: Report) -> None:
    """The networks, the result and the answers; each is put together when its button is pressed."""
    st.subheader("Take along", anchor=False)
    with st.container(horizontal=True, key="downloads"):
        for arm in report.arms:
            st.download_button(
                f"{NAMES[arm]}: network",
                partial(export.network, experiment_id, arm),
                file_name=f"{arm}.zip",
                mime="application/zip",
                key=f"download_{arm}",
                icon=":material/download:",
                on_click="ignore",
                help="model.keras with labels.json, as one zip. Load it with keras.saving.load_model.",
            )
        st.download_button(
            "Result",
            lambda: json.dumps(reports.result(experiment_id), indent=1),
            file_name="result.json",
            mime="application/json",
            key="download_result",
            icon=":material/download:",
            on_click="ignore",
            help="All scores as JSON.",
        )
        st.download_button(
            "Answers",
            partial(reports.predictions_csv, experiment_id),
            file_name="predictions.csv",
            mime="text/csv",
            key="download_answers",
            icon=":material/download:",
            on_click="ignore",
            help="Both arms' answers on every test picture, with probabilities, as a table for a spreadsheet.",
        )
