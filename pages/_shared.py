"""What every page shares: the frame guard, ids in the URL, the present data set and split, errors, empty states."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from core import host
from core.data import dataset as datasets
from core.data import split as splits
from core.data import uploads
from core.data.dataset import Dataset
from core.data.split import Fractions, Split, SplitChoice
from core.disk import record, space
from core.disk.home import dataset_directory, new_id
from core.errors import DamagedError, HeadstartError
from core.plan.experiment import Experiment
from core.plan.experiments import read_experiment
from core.plan.splits import choice as drawn_by
from core.queue import jobs
from core.words.names import LONG_NAME
from core.words.numbers import count
from pages._shared_plot import Click, plot, theme  # noqa: F401 - pages call `_shared.plot`

Found = TypeVar("Found")
FRAMED = "framed"  # set by app.py just before it runs a page
SIDEBAR_WIDTH = 240
NAMES_WIDTH = 120  # px of a table's column
IDENTIFIERS = ("workspace", "dataset", "experiment")
PAGES = (
    ("upload", "Upload", ":material/add_photo_alternate:"),
    ("configure", "Configure", ":material/tune:"),
    ("train", "Train", ":material/model_training:"),
    ("compare", "Compare", ":material/compare_arrows:"),
    ("predict", "Predict", ":material/image_search:"),
)
STYLE = """<style>
.stMainBlockContainer { max-width: 78rem; }
@media (min-width: 768px) { .stMainBlockContainer { padding-inline: 2.5rem; } }
.stSidebar [data-testid="stMarkdownContainer"] p { line-height: 1.45; }
.mosaic { display: grid; grid-template-columns: repeat(5, 1fr); gap: 0.5rem; }
.mosaic img { width: 100%; aspect-ratio: 1; border-radius: 0.375rem; }
.thumbnails { display: grid; grid-template-columns: 9rem 1fr; gap: 1rem; align-items: center; padding: 0.375rem 0; }
.thumbnails div { min-width: 0; }
.thumbnails b { display: block; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.thumbnails span { font-size: 0.875rem; opacity: 0.65; }
.thumbnails p { display: flex; flex-wrap: wrap; gap: 0.375rem; height: 5rem; margin: 0; overflow: hidden; }
.thumbnails img { width: 5rem; height: 5rem; border-radius: 0.375rem; }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 0.75rem; }
.pairs figure { display: grid; grid-template-columns: 1fr 1fr; gap: 0.25rem; margin: 0; padding: 0.375rem; }
.pairs figure { border: 1px solid color-mix(in srgb, currentColor 18%, transparent); border-radius: 0.5rem; }
.pairs div { min-width: 0; }
.pairs img { width: 100%; aspect-ratio: 1; border-radius: 0.25rem; }
.pairs span { display: block; font-size: 0.75rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.pairs figcaption { grid-column: 1 / -1; font-size: 0.75rem; opacity: 0.75; }
.pairs .across { border-color: #D1242F; }
.pairs .across figcaption { color: #D1242F; font-weight: 600; opacity: 1; }
@media (max-width: 640px) { .thumbnails { grid-template-columns: 1fr; gap: 0.25rem; } }
.st-key-head_transfer, .st-key-head_scratch { min-height: 2.5rem; flex-wrap: nowrap; }
[class*="st-key-arm_"] [data-testid="stCaptionContainer"] { min-height: 2lh; line-height: 1.6; }
@media (max-width: 1200px) { [class*="st-key-arm_"] [data-testid="stCaptionContainer"] { min-height: 3lh; } }
.arm { font-size: 1.125rem; white-space: nowrap; }
.st-key-arm_transfer [data-testid="stProgressBarTrack"] > div { background-color: #0072B2; }
.st-key-arm_scratch [data-testid="stProgressBarTrack"] > div { background-color: #D55E00; }
.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; font-size: 0.875rem; }
.legend i { display: inline-block; position: relative; width: 1.5rem; margin-right: 0.5rem; vertical-align: middle; }
.legend u { position: absolute; left: 0.5625rem; top: -0.25rem; width: 0.375rem; height: 0.375rem; border-radius: 50%; }
.number span, .number small { display: block; font-size: 0.875rem; }
.number span, .number small { color: color-mix(in srgb, currentColor 75%, transparent); }
.number i, .asked i { font-style: normal; }
.number b { display: block; font-size: 2.75rem; font-weight: 600; line-height: 1.25; }
.answers { display: grid; grid-template-columns: repeat(auto-fill, 5.5rem); gap: 0.5rem; min-height: 7rem; }
.answers img, .asked img { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 0.375rem; }
.answers figcaption { font-size: 0.8125rem; text-align: center; opacity: 0.75; }
.asked { display: grid; grid-template-columns: 7rem repeat(2, minmax(0, 1fr)); gap: 2rem; align-items: start; }
.asked { padding: 0 0 1.5rem; overflow-wrap: anywhere; }
.answers figure, .asked figure { margin: 0; }
.asked figcaption { font-size: 0.8125rem; opacity: 0.75; }
.asked em { display: block; font-style: normal; font-weight: 600; }
.asked p { display: grid; grid-template-columns: 6rem 1fr 3.75rem; gap: 0.5rem; align-items: center; }
.asked p { margin: 0.375rem 0; }
.asked p span { font-size: 0.875rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.asked u { display: block; height: 0.625rem; border-radius: 0.3125rem; background: rgba(128, 128, 128, 0.2); }
.asked u i { display: block; height: 100%; border-radius: 0.3125rem; }
@media (max-width: 640px) { .asked { grid-template-columns: 1fr; gap: 0.5rem; } .asked img { width: 7rem; } }
[data-testid="stLayoutWrapper"]:has(> .st-key-summary) { position: sticky; top: 4.5rem; }
@media (max-width: 640px) { [data-testid="stLayoutWrapper"]:has(> .st-key-summary) { position: static; } }
.st-key-bases [role="radiogroup"] {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 0.5rem; align-items: stretch;
}
.st-key-bases [role="radiogroup"] > div {
  position: relative; padding: 0.625rem 0.75rem; border-radius: 0.5rem;
  border: 1px solid color-mix(in srgb, currentColor 18%, transparent);
}
.st-key-bases [role="radiogroup"] > div:hover { border-color: #1B79B8; }
.st-key-bases [role="radiogroup"] > [data-selected] {
  border-color: #1B79B8; box-shadow: inset 0 0 0 1px #1B79B8; background: color-mix(in srgb, #1B79B8 8%, transparent);
}
.st-key-bases [data-testid="stRadioOption"]::before { content: ""; position: absolute; inset: 0; }
.st-key-bases [data-testid="stRadioOption"] > * { position: relative; }
.st-key-bases [data-testid="stRadioCaption"] { pointer-events: none; }
.st-key-slider_ends { margin-top: -1.25rem; }
.st-key-empty { min-height: 55vh; justify-content: center; align-items: center; text-align: center; }
</style>"""


# ---- frame ----------------------------------------------------------------------------------------------------------


def pages() -> list:
    """The steps of the app, the first being where it opens."""
    return [
        st.Page(f"pages/{name}.py", title=title, icon=icon, default=name == "upload") for name, title, icon in PAGES
    ]


def begin() -> None:
    """First line of every page: a deep link to a fresh server skips app.py, so go back through it.

    Until a session has called `st.navigation`, Streamlit runs the files of a folder called `pages` by themselves.
    """
    if not st.session_state.pop(FRAMED, False):
        st.navigation(pages(), position="top")
        st.rerun()


def style() -> None:
    """The few rules that the theme in .streamlit/config.toml cannot say."""
    st.html(STYLE)


# ---- what the URL names ---------------------------------------------------------------------------------------------


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


# ---- the split ------------------------------------------------------------------------------------------------------


def choose_split(choice: SplitChoice) -> None:
    """Keep a choice of split for the present data set until the experiment is created."""
    st.session_state["split_choice"] = choice
    st.session_state["split_dataset"] = identifier("dataset")


def split_choice(of: Dataset) -> SplitChoice:
    """The present choice of split: seed 1 and all as usual unless the user asked otherwise."""
    if st.session_state.get("split_dataset") != of.id:
        shown = experiment()  # a link names an experiment: what is changed next keeps its split
        return drawn_by(shown) if shown and shown.dataset == of.id else SplitChoice()
    return st.session_state["split_choice"]


def current_split(of: Dataset) -> Split:
    """The split of `of` by the present choice."""
    return _split(of, fingerprint=f"{of.id} {of.fingerprint}", choice=split_choice(of))


def with_split(chosen: Experiment, of: Dataset) -> Experiment:
    """The experiment with the present split's facts in it, so that it can be drawn again."""
    facts = split_choice(of).facts | {"split_fingerprint": current_split(of).fingerprint}
    return chosen.model_copy(update=facts)


def split_fractions(of: Dataset) -> Fractions:
    """The fractions that were asked for, or the default ones; a split follows them as well as whole pictures allow."""
    return split_choice(of).fractions or splits.default_fractions(len(of.pictures))


@st.cache_resource(max_entries=32, show_spinner=False)
def _split(_of: Dataset, *, fingerprint: str, choice: SplitChoice) -> Split:  # noqa: ARG001 - the key
    return splits.split(_of, choice=choice)


# ---- what is said ---------------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """`text` with Markdown's signs escaped: names come from the user's files."""
    return re.sub(r"([\\`*_{}\[\]()#+\-!|<>$~:])", r"\\\1", text)


@contextmanager
def errors(*, ends_page: bool = False) -> Iterator[None]:
    """Show what somebody can mend, a full disk too, as a message; the rest of the `with` block is skipped.

    Args:
        ends_page: The rest of the page is skipped as well.
    """
    try:
        yield
    except Exception as error:
        _error(_refusal(error))
        if ends_page:
            st.stop()


def shown(action: Callable[..., object]) -> Callable[..., None]:
    """`action` as a button's callback: what somebody can mend is shown by `say_refused` in the run that follows."""

    def run(*arguments: Any) -> None:
        try:
            action(*arguments)
        except Exception as error:
            st.session_state["refused"] = _refusal(error)

    return run


def say_refused() -> None:
    """Say why the last press of a button did nothing, if it was so."""
    if said := st.session_state.pop("refused", None):
        _error(said)


def _refusal(error: Exception) -> str:
    """What somebody can mend in words; raises the rest again."""
    said = error if isinstance(error, HeadstartError) else space.refusal(error) or record.gone(error)
    if said is None:
        raise error
    return str(said)


def _error(said: str) -> None:
    st.error(plain(said), icon=":material/error:")


def without_pictures() -> NoReturn:
    """The calm screen of a page that needs pictures, where the address names none or some that are gone."""
    what = f"{uploads.GONE} {uploads.policy()}" if identifier("dataset") else "Choose pictures first."
    missing(what, page="upload", label="Go to Upload")


def missing(what: str, *, page: str, label: str) -> NoReturn:
    """A calm screen that says what is missing, with a link to the page where it comes from; ends the page.

    Args:
        what: A sentence: "Choose pictures first."
        page: Name of a page: "upload".
        label: What the link says: "Go to Upload".
    """
    with st.container(key="empty"):
        st.markdown(f"##### {what}")
        st.page_link(f"pages/{page}.py", label=label, icon=":material/arrow_forward:", icon_position="right")
    st.stop()


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


def status_line() -> None:
    """The sidebar: what the present experiment is made of, and what this host does."""
    of, present = dataset(), experiment()
    name = present.base if present else st.session_state.get("base")
    lines = {
        "Data set": f"{plain(of.name)}  \n{count(len(of.pictures), 'picture')}, {len(of.classes)} classes"
        if of
        else "None yet",
        "Base": name or "Not chosen yet",
        "Device": host.device().label,
        "Queue": _queue(),
    }
    for title, value in lines.items():
        st.markdown(f":gray[{title}]  \n{value}")


def _queue() -> str:
    named = identifier("experiment")
    position = jobs.position(named) if named else None
    if position is not None:
        return "Your training is running" if position == 0 else f"Your training is number {position}"
    own = identifier("dataset"), st.query_params.get("prediction")
    said = ", ".join(count(number, noun) for noun, number in jobs.queued(besides=own).items() if number)
    return f"{said} ahead" if said else "Empty"
