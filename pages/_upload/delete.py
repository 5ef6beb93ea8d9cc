"""Deleting an upload: for the link that brought it, as long as no experiment uses it."""

import streamlit as st

from core.data import uploads
from core.data.dataset import Dataset
from core.disk import space
from core.disk.home import dataset_directory
from core.queue import removal
from core.words.numbers import count, size
from pages._shared import address, notices


def offer(of: Dataset) -> None:
    """The button, in a quiet place, or why it cannot be pressed; nothing for whoever was only given the link."""
    if not uploads.is_owner(of.id, address.identifier("workspace") or ""):
        return
    refusal = removal.refusal(of.id)
    with st.container(gap=None, key="delete_place"):
        if st.button(
            "Delete these pictures",
            key="delete_pictures",
            icon=":material/delete:",
            type="tertiary",
            disabled=refusal is not None,
        ):
            _ask(of)
        if refusal:
            st.caption(refusal)


@st.dialog("Delete these pictures?")
def _ask(of: Dataset) -> None:
    """Once: what is gone cannot be had back."""
    taken = size(space.taken_bytes(dataset_directory(of.id)))
    st.markdown(
        f"{count(len(of.pictures), 'picture')} of {notices.plain(of.name)} go from this host ({taken}), and "
        "this page with them, also for everybody to whom you gave its address. Your own zip stays with you."
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep them", key="keep_pictures"):
            st.rerun()
        delete = notices.shown(_delete)
        if st.button("Delete them", key="delete_pictures_now", type="primary", on_click=delete, args=[of.id]):
            st.rerun()


def _delete(dataset_id: str) -> None:
    removal.delete(dataset_id, address.identifier("workspace") or "")
    address.set_identifier("dataset", None)
