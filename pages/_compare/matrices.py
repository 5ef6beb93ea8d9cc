"""Both confusion matrices, linked, and the pictures behind the chosen cell."""

import html
from math import ceil

import streamlit as st

from core.data.dataset import Dataset
from core.display import palette
from core.display.charts import confusion
from core.display.palette import ArmLook
from core.report import scores
from core.report.report import ArmReport, Report
from core.words.names import IN_A_SENTENCE, natural, shortened
from core.words.numbers import count, percent
from pages._shared import elements, notices
from pages._shared.plot import plot, theme
from pages._shared.thumbnails import thumbnail

SHOWN = {"counts": "Counts", "shares": "Shares of each row"}
A_PAGE = 12


@st.fragment
def show(experiment_id: str, report: Report) -> None:
    """The section; a click on a cell, or the two boxes, choose it in both matrices."""
    classes = natural(report.dataset.classes)
    st.subheader(
        "What is taken for what", anchor=False, help="Confusion matrix: a row is the true class, a column the answer."
    )
    chosen = _choice(experiment_id, report, classes)
    shown = st.session_state["matrix_values"]
    ceiling = max(int(number) for one in report.arms.values() for number in one.score.confusion.flat)
    looks = palette.looks(report.experiment.arms)
    columns = st.columns(max(2, len(report.arms)), gap="medium")
    for column, (name, one) in zip(columns, report.arms.items(), strict=False):
        with column:
            matrix = scores.in_order(one.score.confusion, report.dataset.classes, classes)
            _matrix(
                experiment_id,
                looks[name],
                matrix,
                classes,
                normalised=shown == "shares",
                ceiling=ceiling,
                chosen=chosen,
            )
        with column if len(report.arms) > 1 else columns[1]:  # one arm alone leaves the place beside it free
            _pictures(report.dataset, one, chosen)


def _choice(experiment_id: str, report: Report, classes: list[str]) -> tuple[str, str]:
    """The chosen cell, (true class, answer): clicked, or chosen in the boxes, or what is mixed up most often."""
    clicked = st.session_state.pop("clicked_cell", None)
    if clicked or st.session_state.get("cell_of") != experiment_id:
        first = scores.most_mixed_up(report.scores.values(), report.dataset.classes)
        st.session_state["cell_true"], st.session_state["cell_answer"] = clicked or first
        st.session_state["cell_of"] = experiment_id
    values, true, answer = st.columns([2, 1, 1], gap="medium", vertical_alignment="bottom")
    values.segmented_control(
        "Each cell shows",
        list(SHOWN),
        default="counts",
        required=True,
        format_func=SHOWN.__getitem__,
        key="matrix_values",
    )
    return (
        true.selectbox("True class", classes, key="cell_true"),
        answer.selectbox("Answer", classes, key="cell_answer"),
    )


def _matrix(
    experiment_id: str,
    arm: ArmLook,
    matrix: scores.Confusion,
    classes: list[str],
    *,
    normalised: bool,
    ceiling: int,
    chosen: tuple[str, str],
) -> None:
    figure = confusion.confusion(
        matrix, classes, arm, normalised=normalised, ceiling=ceiling, selected=chosen, theme=theme()
    )
    text = confusion.describe_confusion(matrix, classes, arm)
    clicked = plot(figure, key=f"matrix_{arm.name}", text=text, revision=experiment_id)
    frame = confusion.confusion_frame(matrix, classes, normalised=normalised)
    elements.table(frame, key=f"matrix_{arm.name}", hide_index=False)
    if clicked:
        st.session_state["clicked_cell"] = str(clicked["y"]), str(clicked["x"])
        st.rerun(scope="fragment")


def _pictures(of: Dataset, one: ArmReport, chosen: tuple[str, str]) -> None:
    rows = scores.cell(one.predictions, *chosen)
    true, answer = (notices.plain(shortened(name, IN_A_SENTENCE)) for name in chosen)
    number = count(len(rows), "picture")
    st.markdown(f"**{one.label.text}: {number} of {true} answered as {answer}**")
    pages = ceil(len(rows) / A_PAGE)
    page = st.pagination(pages, key=f"pictures_{one.arm.name}_{chosen}") if pages > 1 else 1
    part = rows.iloc[(page - 1) * A_PAGE : page * A_PAGE]
    names = dict(zip(of.pictures["picture"], of.pictures["name"], strict=True))
    cells = (
        _figure(of, picture, names[picture], percent(probability, 100))
        for picture, probability in zip(part["picture"], part["probability"], strict=True)
    )
    st.html(f'<div class="answers">{"".join(cells)}</div>')


def _figure(of: Dataset, picture: str, name: str, probability: str) -> str:
    source, escaped = thumbnail(of.path(picture)), html.escape(name, quote=True)
    return (
        f'<figure><img src="{source}" alt="{escaped}" title="{escaped}"><figcaption>{probability}</figcaption></figure>'
    )
