"""How the zip was read: the ways in which its folders, tables and names can be understood, and the choice of one."""

import streamlit as st

from core.data import ingest
from core.data.alternatives import Way
from core.data.dataset import Dataset
from core.errors import HeadstartError
from pages._shared import address, notices, ownership

NAMES = 3  # classes that a way is shown with


def choice(of: Dataset) -> None:
    """The choice, where there is more than one way; another one opens at once, as the pictures are stored already."""
    ways = of.ways
    if not ways:
        return
    present = next((number for number, way in enumerate(ways) if way.key == of.reading), 0)
    tries = st.session_state.setdefault("readings_refused", 0)  # after a refusal the box shows the present way again
    chosen = st.selectbox(
        "How the zip was read",
        ways,
        index=present,
        format_func=_said,
        key=f"reading-{of.id}-{tries}",
        disabled=not ownership.may_use(of.id),
        help="The same pictures with other classes: a data set of its own, without another upload.",
    )
    if refusal := st.session_state.pop("reading_refusal", None):
        st.error(notices.plain(refusal), icon=":material/error:")
    if chosen.key != of.reading:
        _open(of, chosen)


def _said(way: Way) -> str:
    names = ", ".join(way.shown[:NAMES]) + (", …" if len(way.labels) > NAMES else "")
    return f"{way.title}: {len(way.labels):,} classes ({names})"


def _open(of: Dataset, way: Way) -> None:
    """Go on with the other way; where it makes no data set the present one stays, with the reason."""
    try:
        with st.spinner("Reading the same pictures another way", show_time=True):
            made = ingest.reread(of.id, way.key, workspace=ownership.workspace())
            address.set_identifier("dataset", made)
    except HeadstartError as error:
        st.session_state["reading_refusal"] = str(error)
        st.session_state["readings_refused"] += 1
    st.rerun()
