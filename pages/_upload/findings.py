"""What is in the pictures: counts a class, problems, a row of thumbnails a class."""

import html
from math import ceil

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset, Severity
from core.data.findings.problem import Problem
from core.display.charts import dataset
from core.words.names import natural
from core.words.numbers import count
from pages._shared import elements, notices
from pages._shared.plot import plot
from pages._shared.thumbnails import square

MANY = 14  # classes, or problems, from which on a list scrolls in itself
SCROLL_HEIGHT = 430
NAMES = 3  # of a problem, up to which they are shown at once
ROWS = 8  # classes a page of thumbnails
THUMBNAILS = 14  # of a class; a narrow screen shows fewer
SIGNS = {
    Severity.ERROR: ":red[:material/error:]",
    Severity.WARNING: ":orange[:material/warning:]",
    Severity.NOTE: ":gray[:material/info:]",
}


def classes(of: Dataset) -> None:
    """Pictures of each class as bars, and as a table."""
    st.subheader("Classes", anchor=False)
    counts = dataset.class_counts_frame(of.pictures)
    with st.container(height=SCROLL_HEIGHT if len(counts) > MANY else "content", border=False):
        figure = dataset.class_counts(counts)
        plot(figure, key="class_counts", revision=of.id, text=dataset.describe_class_counts(counts))
    elements.table(counts, key="class_counts")


def problems(of: Dataset) -> None:
    """What was found, the worst first: how many, which, what to do."""
    st.subheader("Problems found", anchor=False)
    if not of.problems:
        st.markdown(":green[:material/check_circle:] None. Every picture can be read, and no two are the same.")
        return
    order = list(Severity)
    for number, each in enumerate(sorted(of.problems, key=lambda problem: order.index(problem.severity))):
        _problem(each, number)


def _problem(problem: Problem, number: int) -> None:
    title = notices.plain(problem.title)
    strong = f":red[**{title}**]" if problem.severity is Severity.ERROR else f"**{title}**"
    with st.container(gap="xsmall", key=f"problem-{number}-{problem.kind.replace(' ', '_')}"):
        st.markdown(f"{SIGNS[problem.severity]} {strong}  \n{notices.plain(problem.remedy)}")
        if len(problem.names) <= NAMES:
            st.markdown(f":gray[{notices.plain(', '.join(problem.names))}]")
            return
        with st.expander(f"Show all {len(problem.names):,}", type="compact"):
            listed = pd.DataFrame({"name": problem.names})
            st.dataframe(listed, hide_index=True, height=min(38 + 35 * len(listed), 300))


def thumbnails(of: Dataset) -> None:
    """A row a class, some classes at a time."""
    pages = ceil(len(of.classes) / ROWS)
    title, pager = st.columns([1, 2], vertical_alignment="bottom")
    title.subheader("Pictures", anchor=False)
    page = 1
    if pages > 1:
        with pager.container(horizontal=True, horizontal_alignment="right"):
            page = st.pagination(pages, key=f"classes-{of.id}")
    shown = natural(of.classes)[(page - 1) * ROWS : page * ROWS]
    st.html("".join(_row(of.id, label, of) for label in shown))


@st.cache_data(max_entries=256, show_spinner=False)
def _row(dataset_id: str, label: str, _of: Dataset) -> str:  # noqa: ARG001 - the id is the cache's key
    """A class and its first pictures, as HTML with the pictures inside."""
    rows = _of.pictures[_of.pictures["label"] == label]
    first = rows.head(THUMBNAILS)
    pictures = "".join(square(_of.path(each), name) for each, name in zip(first["picture"], first["name"], strict=True))
    name, number = html.escape(label), count(len(rows), "picture")
    return (
        f'<div class="thumbnails"><div><b title="{name}">{name}</b><span>{number}</span></div><p>{pictures}</p></div>'
    )
