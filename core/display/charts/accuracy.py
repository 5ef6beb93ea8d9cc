"""The arms' accuracies with their intervals, on one axis."""

import html
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from core.display import palette
from core.display.palette import ArmLook
from core.report.scores import Score
from core.words.names import shortened
from core.words.numbers import count, percent, percent_range


def accuracy_frame(scores: Mapping[ArmLook, Score]) -> pd.DataFrame:
    """A row an arm: arm, accuracy, low and high of its 95 % interval, right answers and pictures."""
    rows = [(arm.short, one.accuracy, *one.interval, one.correct, one.n) for arm, one in scores.items()]
    return pd.DataFrame(rows, columns=["arm", "accuracy", "low", "high", "correct", "pictures"])


def accuracy_axis(scores: Mapping[ArmLook, Score]) -> go.Figure:
    """The arms' accuracies with 95 % intervals on one axis, 190 px high, and the line of the largest class."""
    figure = palette.blank(height=190, top=30, right=34)
    for (arm, one), row in zip(scores.items(), accuracy_frame(scores).to_dict("records"), strict=True):
        figure.add_trace(_point(arm, one, row))
    for one in list(scores.values())[:1]:
        _mark_largest_class(figure, one)
    ticks = [share / 5 for share in range(6)]
    labels = [f"{100 * tick:.0f}\xa0%" for tick in ticks]
    figure.update_layout(dragmode=False)
    figure.update_xaxes(range=[0, 1], tickvals=ticks, ticktext=labels, fixedrange=True)
    arms = {"tickvals": [arm.short for arm in scores], "ticktext": [palette.named(arm) for arm in scores]}
    ends = [len(scores) - 0.5, -0.65]
    return figure.update_yaxes(type="category", range=ends, showgrid=False, fixedrange=True, tickfont_size=14, **arms)


def _point(arm: ArmLook, one: Score, row: Mapping[Any, Any]) -> go.Scatter:
    between = percent_range(one.interval, one.n)
    bars = {"type": "data", "symmetric": False, "thickness": 3, "width": 7, "color": arm.colour}
    return go.Scatter(
        x=[row["accuracy"]],
        y=[row["arm"]],
        mode="markers+text",
        text=[f"<b>{percent(one.accuracy, one.n)}</b>"],
        textposition="top center",
        textfont={"size": 16},
        cliponaxis=False,
        marker={"size": 13, "symbol": arm.symbol, "color": arm.colour},
        error_x={**bars, "array": [row["high"] - row["accuracy"]], "arrayminus": [row["accuracy"] - row["low"]]},
        hovertemplate=f"{one.correct:,} of {one.n:,} right; 95\xa0% interval {between}<extra></extra>",
        showlegend=False,
    )


def _mark_largest_class(figure: go.Figure, one: Score) -> None:
    place = one.largest_class_accuracy
    line = {"width": 1.5, "dash": "dot"}
    figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, yref="y domain", line=line, layer="below")
    text = f"always “{html.escape(shortened(one.largest_class))}”: {percent(place, one.n)}"
    side = "left" if place < 0.5 else "right"
    palette.note(figure, text, x=place, y=1, xref="x", xanchor=side, yanchor="bottom")


def describe_accuracy(scores: Mapping[ArmLook, Score]) -> str:
    """Both accuracies with their intervals, and the line of the largest class."""
    said = []
    for arm, one in scores.items():
        right = f"{percent(one.accuracy, one.n)} of {count(one.n, 'test picture')} right"
        said.append(f"{arm.short}: {right}, 95\xa0% interval {percent_range(one.interval, one.n)}.")
    for one in list(scores.values())[:1]:
        line = percent(one.largest_class_accuracy, one.n)
        said.append(f"Always answering “{one.largest_class}” would be right on {line}.")
    return " ".join(said)
