"""Upload: pictures in, and what is in them: classes, problems, thumbnails, the split."""

import streamlit as st

from core.data.dataset import Dataset
from core.disk.home import dataset_directory
from core.disk.status import read_status
from core.words.numbers import count
from pages._shared import address, elements, notices, screen
from pages._upload import copies, delete, doors, findings, reading, split


def main() -> None:
    """The screen that fits what the URL names: ready pictures, pictures being read, or none."""
    ready = address.dataset()
    if ready:
        _found(ready)
        return
    named = address.identifier("dataset")
    status = read_status(dataset_directory(named)) if named else None
    if named and status and not status.state.is_final:
        doors.progress(named)
        return
    doors.doors(named, status)


def _found(ready: Dataset) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(gap=None, width="content"):
            st.title(notices.plain(ready.name), anchor=False)
            st.markdown(f":gray[{count(len(ready.pictures), 'picture')} in {len(ready.classes)} classes]")
        if st.button("Use other pictures", key="other_pictures", icon=":material/swap_horiz:"):
            address.set_identifier("dataset", None)
            st.rerun()
    left, right = st.columns(2, gap="large")
    with left:
        findings.classes(ready)
    with right:
        reading.choice(ready)
        findings.problems(ready)
    findings.thumbnails(ready)
    if len(ready.near):
        copies.show(ready)
    has_split = split.section(ready)
    if elements.primary(
        "Configure the comparison",
        key="configure",
        icon=":material/arrow_forward:",
        disabled=not has_split,
        reason=None if has_split else "These pictures cannot be split yet; the message above says why.",
    ):
        st.switch_page("pages/configure.py")
    delete.offer(ready)


screen.begin()
with notices.errors():
    main()
