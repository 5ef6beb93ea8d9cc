"""Which class was answered as which: a matrix in colours."""

import html
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.display import palette
from core.display.palette import MANY, ArmLook
from core.display.theme import INKS, Theme
from core.report.scores import Confusion
from core.words.names import LONG_NAME
from core.words.numbers import count


def confusion_frame(matrix: Confusion, classes: Sequence[str], *, normalised: bool = False) -> pd.DataFrame:
    """The matrix with classes as index (true) and columns (answer): counts, or shares of each row's pictures."""
    cells: np.ndarray = np.asarray(matrix)
    if normalised:
        cells = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)
    return pd.DataFrame(cells, index=pd.Index(classes, name="true class"), columns=pd.Index(classes, name="answer"))


def confusion(
    matrix: Confusion,
    classes: Sequence[str],
    arm: ArmLook,
    *,
    normalised: bool = False,
    ceiling: int | None = None,
    selected: tuple[str, str] | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """A confusion matrix, 440 px high, in a frame of the arm's colour; a click on a cell gives x = answer, y = true.

    Args:
        matrix: Counts of shape (classes, classes), rows true, columns answered.
        classes: Names of rows and columns.
        arm: Whose answers.
        normalised: Show percent of each row's pictures.
        ceiling: The count that has the scale's last colour: the largest of both arms', so that they compare.
        selected: (true, predicted) of a cell to outline.
        theme: Of the page, in which the numbers must be readable on their cells.
    """
    values = confusion_frame(matrix, classes, normalised=normalised).to_numpy(dtype=float)
    top = 1.0 if normalised else float(max(ceiling or int(np.max(matrix)), 1))
    figure = palette.blank(height=440, top=44, title=palette.named(arm))
    figure.add_trace(_cells(values, matrix, classes, top=top, percent_scale=normalised))
    if len(classes) <= MANY:
        figure.add_trace(_numbers(values, classes, top=top, normalised=normalised, theme=theme))
    _outline(figure, "x domain", "y domain", (0, 1, 0, 1), colour=arm.colour)
    if selected:
        row, column = classes.index(selected[0]), classes.index(selected[1])
        _outline(figure, "x", "y", (column - 0.5, column + 0.5, row - 0.5, row + 0.5), colour=INKS[theme].text, width=3)
    step = math.ceil(len(classes) / MANY)
    figure.update_layout(dragmode=False)
    letters = LONG_NAME if len(classes) <= 4 else 14
    answers = palette.class_axis(classes, letters=letters, step=step)
    title = "Answer, in % of the true class" if normalised else "Answer"
    figure.update_xaxes(title_text=title, tickangle=_angle(classes, letters), fixedrange=True, **answers)
    true = palette.class_axis(classes, step=step)
    return figure.update_yaxes(title_text="True class", autorange="reversed", fixedrange=True, **true)


def _cells(
    values: np.ndarray, counts: Confusion, classes: Sequence[str], *, top: float, percent_scale: bool
) -> go.Heatmap:
    hover = [
        [f"{html.escape(true)} answered as {html.escape(answer)}: {counts[i, j]}" for j, answer in enumerate(classes)]
        for i, true in enumerate(classes)
    ]
    return go.Heatmap(
        autocolorscale=True,  # that of the theme; a heatmap has another one of its own
        z=values,
        x=list(classes),
        y=list(classes),
        zmin=0,
        zmax=top,
        xgap=1 if len(classes) <= MANY else 0,
        ygap=1 if len(classes) <= MANY else 0,
        showscale=len(classes) > MANY,  # else every cell has its number
        colorbar={"thickness": 10, "outlinewidth": 0, "tickformat": ".0%" if percent_scale else "d"},
        hovertext=hover,
        hoverinfo="text",
    )


def _numbers(values: np.ndarray, classes: Sequence[str], *, top: float, normalised: bool, theme: Theme) -> go.Scatter:
    rows, columns = np.indices(values.shape).reshape(2, -1)
    size = 15 if len(classes) <= 6 else 12 if len(classes) <= 12 else 10
    return go.Scatter(
        x=[classes[column] for column in columns],
        y=[classes[row] for row in rows],
        text=[f"{100 * value if normalised else value:.0f}" for value in values.ravel()],
        mode="text",
        textfont={"size": size, "color": [palette.readable_on(v / top, INKS[theme].scale) for v in values.ravel()]},
        hoverinfo="skip",  # and so a click goes to the cell below
        showlegend=False,
    )


def _outline(
    figure: go.Figure, xref: str, yref: str, ends: tuple[float, float, float, float], *, colour: str, width: int = 2
) -> None:
    sides = dict(zip(("x0", "x1", "y0", "y1"), ends, strict=True))
    figure.add_shape(type="rect", xref=xref, yref=yref, **sides, line={"color": colour, "width": width})


def _angle(classes: Sequence[str], letters: int) -> int:
    if len(classes) > 12:
        return -90
    return -45 if len(classes) * min(max(map(len, classes)), letters) > 50 else 0


def describe_confusion(matrix: Confusion, classes: Sequence[str], arm: ArmLook) -> str:
    """How many answers are right, and what is mixed up most often."""
    wrong = np.array(matrix)
    np.fill_diagonal(wrong, 0)
    said = f"{arm.short}: {int(np.trace(matrix))} of {int(np.sum(matrix))} test pictures right."
    if not wrong.any():
        return f"{said} No class is mixed up with another."
    true, answer = divmod(int(np.argmax(wrong)), len(classes))
    times = count(int(wrong[true, answer]), "time")
    return f"{said} Most often mixed up: {classes[true]} answered as {classes[answer]}, {times}."
