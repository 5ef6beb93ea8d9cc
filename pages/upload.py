"""Upload: pictures in, and what is in them: classes, problems, thumbnails, the split."""

import streamlit as st

from core.data.dataset import Dataset
from core.disk.home import dataset_directory
from core.disk.status import read_status
from core.words.numbers import count
from pages import (
    _shared,
    _upload_copies,
    _upload_delete,
    _upload_doors,
    _upload_findings,
    _upload_reading,
    _upload_split,
)


def main() -> None:
    """The screen that fits what the URL names: ready pictures, pictures being read, or none."""
    ready = _shared.dataset()
    if ready:
        _found(ready)
        return
    named = _shared.identifier("dataset")
    status = read_status(dataset_directory(named)) if named else None
    if named and status and not status.state.is_final:
        _upload_doors.progress(named)
        return
    _upload_doors.doors(named, status)


def _found(ready: Dataset) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(gap=None, width="content"):
            st.title(_shared.plain(ready.name), anchor=False)
            st.markdown(f":gray[{count(len(ready.pictures), 'picture')} in {len(ready.classes)} classes]")
        if st.button("Use other pictures", key="other_pictures", icon=":material/swap_horiz:"):
            _shared.set_identifier("dataset", None)
            st.rerun()
    left, right = st.columns(2, gap="large")
    with left:
        _upload_findings.classes(ready)
    with right:
        _upload_reading.choice(ready)
        _upload_findings.problems(ready)
    _upload_findings.thumbnails(ready)
    if len(ready.near):
        _upload_copies.show(ready)
    has_split = _upload_split.section(ready)
    if _shared.primary(
        "Configure the comparison",
        key="configure",
        icon=":material/arrow_forward:",
        disabled=not has_split,
        reason=None if has_split else "These pictures cannot be split yet; the message above says why.",
    ):
        st.switch_page("pages/configure.py")
    _upload_delete.offer(ready)


_shared.begin()
with _shared.errors():
    main()
