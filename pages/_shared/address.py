"""What the URL names: the workspace of a link, its present data set and experiment."""

import re
from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from core.data import dataset as datasets
from core.data import uploads
from core.data.dataset import Dataset
from core.disk import record
from core.disk.home import dataset_directory, new_id
from core.errors import DamagedError
from core.plan.experiment import Experiment
from core.plan.experiments import read_experiment

Found = TypeVar("Found")
IDENTIFIERS = ("workspace", "dataset", "experiment")


def remember_identifiers() -> None:
    """Make URL and session agree: the URL wins; what it lost by a change of page is put back.

    A workspace, the random name under which this browser's link finds its experiments, is made when there is none.
    """
    for name in IDENTIFIERS:
        named = st.query_params.get(name)
        if named is not None and _is_identifier(named):
            st.session_state[name] = named
    if "workspace" not in st.session_state:
        st.session_state["workspace"] = new_id()
    present = _unless_damaged("experiment", experiment)
    if present is not None:
        st.session_state["dataset"] = present.dataset
    _unless_damaged("dataset", dataset)
    for name in IDENTIFIERS:
        set_identifier(name, identifier(name))


def _unless_damaged(name: str, read: Callable[[], Found | None]) -> Found | None:
    """What `read` finds under an id; one whose files are damaged is let go of, which `say_refused` says."""
    try:
        return read()
    except DamagedError as error:
        st.session_state["refused"] = str(error)
        set_identifier(name, None)
        return None


def identifier(name: str) -> str | None:
    """The id of this link's "workspace", "dataset" or "experiment"."""
    return st.session_state.get(name)


def set_identifier(name: str, value: str | None) -> None:
    """Put an id into the URL and the session, or take it out of both. Another data set lets go of the experiment."""
    if name == "dataset" and value != identifier(name):
        set_identifier("experiment", None)
    if value is None:
        st.session_state.pop(name, None)
        st.query_params.pop(name, None)
        return
    st.session_state[name] = value
    if st.query_params.get(name) != value:
        st.query_params[name] = value


def link_to_share() -> str | None:
    """The present page's address without the workspace, so that whoever gets it can only look; None without a browser.

    Of the ids it has the experiment's or, before there is one, the data set's.
    """
    if not st.context.url:
        return None
    shown = next((name for name in ("experiment", "dataset") if identifier(name)), None)
    page = st.context.url.partition("?")[0]
    return f"{page}?{shown}={identifier(shown)}" if shown else page


def _is_identifier(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{32}", text) is not None


def experiment() -> Experiment | None:
    """The experiment that the URL names, or None."""
    named = identifier("experiment")
    return read_experiment(named) if named else None


def dataset() -> Dataset | None:
    """The data set that the URL names, or None where it names none that is ready."""
    named = identifier("dataset")
    if named is None:
        return None
    try:
        stamp = (dataset_directory(named) / "manifest.parquet").stat()  # written last
    except FileNotFoundError:
        return None
    uploads.note_use(named)
    try:
        return _dataset(named, stamp.st_mtime_ns, stamp.st_size)
    except (ValueError, LookupError, TypeError) as error:  # as pyarrow and what an earlier version wrote raise them
        raise record.damaged(dataset_directory(named), error) from None


@st.cache_resource(max_entries=16, show_spinner=False)
def _dataset(dataset_id: str, modified_ns: int, size_bytes: int) -> Dataset | None:  # noqa: ARG001 - the cache's key
    return datasets.read(dataset_id)
