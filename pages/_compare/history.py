"""The experiments of this link: open one, or delete it."""

from math import ceil

import streamlit as st

from core.queue import jobs
from core.report import history
from core.report.history import HistoryEntry
from pages._shared import address, notices, ownership

A_PAGE = 8
WIDTHS = (3, 3, 2.5, 4, 3)


def exist() -> bool:
    """Whether this link has any."""
    return bool(history.entries(ownership.workspace()))


def show(present: str | None) -> None:
    """A row an experiment, newest first; `present` is the one whose report is on the page."""
    entries = history.entries(ownership.workspace())
    if not entries:
        st.markdown(":gray[None. This experiment was started elsewhere and opened by its address.]")
        return
    pages = ceil(len(entries) / A_PAGE)
    page = st.pagination(pages, key="history_page") if pages > 1 else 1
    for column, title in zip(st.columns(WIDTHS), ("Started (UTC)", "Pictures", "Base", "Outcome"), strict=False):
        column.markdown(f":gray[{title}]")
    for entry in entries[(page - 1) * A_PAGE : page * A_PAGE]:
        _row(entry, is_present=entry.id == present)


def _row(entry: HistoryEntry, *, is_present: bool) -> None:
    started, pictures, base, outcome, actions = st.columns(WIDTHS, vertical_alignment="center")
    started.markdown(f"{entry.created:%Y-%m-%d %H:%M}")
    pictures.markdown(notices.plain(entry.dataset))
    base.markdown(entry.base)
    outcome.markdown(entry.outcome)
    with actions.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Shown" if is_present else "Open", key=f"open_{entry.id}", disabled=is_present, type="tertiary"):
            address.set_identifier("experiment", entry.id)
            st.rerun()
        if st.button("Delete", key=f"delete_{entry.id}", type="tertiary"):
            _ask(entry)


@st.dialog("Delete this experiment?")
def _ask(entry: HistoryEntry) -> None:
    """Once: what is gone cannot be had back."""
    size = f"about {max(1, round(entry.size_bytes / 1e6)):,} MB"
    st.markdown(
        f"Scores, networks and curves of {entry.base} on {notices.plain(entry.dataset)} go ({size}), and with the last "
        "experiment on them the pictures too. What still trains is stopped."
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep it", key="keep"):
            st.rerun()
        if st.button("Delete it", key="delete_now", type="primary", on_click=notices.shown(_delete), args=[entry]):
            st.rerun()


def _delete(entry: HistoryEntry) -> None:
    jobs.delete(entry.id, ownership.workspace())
    if address.identifier("experiment") == entry.id:
        address.set_identifier("experiment", None)
        if address.dataset() is None:
            address.set_identifier("dataset", None)
