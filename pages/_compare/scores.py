"""The scores: both accuracies and their difference as numbers and on one axis; each class."""

import html

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from core.display import palette, tables
from core.display.charts import accuracy, classes
from core.display.palette import ArmLook
from core.report.comparison import Comparison
from core.report.report import ArmReport, Report
from core.report.scores import per_class
from core.words.names import natural
from core.words.numbers import percent, percent_range, points, signed_points
from pages._shared import elements
from pages._shared.plot import plot

ROW, ROWS = 35, 20  # pixels of a table's row, and how many it shows before it scrolls
METRICS: dict[classes.ClassMetric, str] = {"f1": "F1", "precision": "Precision", "recall": "Recall"}
GLOSS = (
    "Precision: of the pictures answered as this class, the share that is of it. "
    "Recall: of the pictures of this class, the share answered so. F1: between the two, nearer to the smaller. "
    "Support: test pictures of this class."
)


def accuracies(report: Report) -> None:
    """Big numbers, then the axis with intervals and the line of the largest class."""
    looks = palette.looks(report.experiment.arms)
    numbers = [_accuracy(looks[name], one) for name, one in report.arms.items()]
    if report.comparison:
        numbers.append(_difference(report.comparison))
    for column, number in zip(st.columns(max(3, len(numbers)), gap="medium"), numbers, strict=False):
        column.html(number)
    scores = {looks[name]: one.score for name, one in report.arms.items()}
    figure = accuracy.accuracy_axis(scores)
    plot(figure, key="accuracy", text=accuracy.describe_accuracy(scores))
    elements.table(accuracy.accuracy_frame(scores), key="accuracy")


def _accuracy(look: ArmLook, one: ArmReport) -> str:
    score = one.score
    note = f"{score.correct:,} of {score.n:,} right; 95 % interval {percent_range(score.interval, score.n)}"
    return _number(look.label, percent(score.accuracy, score.n), note, colour=look.colour)


def _difference(comparison: Comparison) -> str:
    n, interval = comparison.transfer.n, comparison.interval
    p_value = "p < 0.001" if comparison.p_value < 0.001 else f"p = {comparison.p_value:.2g}"
    low_high = "the same pictures are right" if interval == (0.0, 0.0) else f"{points(*interval, n)} (95 %)"
    note = f"{low_high}; McNemar {p_value}"
    return _number("Difference, transfer minus scratch", signed_points(comparison.difference, n), note)


def _number(name: str, value: str, note: str, *, colour: str | None = None) -> str:
    square = f'<i style="color:{colour}" aria-hidden="true">■</i> ' if colour else ""
    texts = f"<span>{square}{html.escape(name)}</span><b>{value}</b><small>{html.escape(note)}</small>"
    return f'<div class="number">{texts}</div>'


def by_class(report: Report) -> None:
    """Precision, recall and F1 of each class: one of them drawn, all of them in the table."""
    title, choice = st.columns([2, 1], vertical_alignment="bottom")
    title.subheader("Class by class", anchor=False, help=GLOSS)
    with choice.container(horizontal=True, horizontal_alignment="right"):
        metric = st.segmented_control(
            "Measure",
            list(METRICS),
            default="f1",
            required=True,
            format_func=METRICS.__getitem__,
            key="metric",
            label_visibility="collapsed",
        )
    names = natural(report.dataset.classes)
    looks = palette.looks(report.experiment.arms)
    frames = {looks[name]: per_class(one.predictions, names) for name, one in report.arms.items()}
    figure = classes.per_class(frames, metric=metric)
    left, right = st.columns(2, gap="medium")
    with left:
        plot(figure, key="classes", text=classes.describe_per_class(frames, metric=metric))
    shown = classes.per_class_frame(frames, metric=metric)
    with right:
        rows = min(ROWS, len(shown))
        height = ROW * (rows + 1) + 2
        st.dataframe(shown, hide_index=True, column_config=_columns(shown), height=height, key="classes_shown")
        table = tables.classes(report)
        elements.table(table, key="classes", label="Show all three measures", column_config=_columns(table))


def _columns(table: pd.DataFrame) -> dict[str, ColumnConfig]:
    """The scores with two decimals, beside names that leave them room."""
    scores = {name: st.column_config.NumberColumn(format="%.2f") for name in table.columns[2:]}
    return elements.narrow_names(table) | scores
