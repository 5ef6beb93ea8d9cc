"""How well each class is told from the others, by each arm."""

import html
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.display import palette
from core.display.charts.marks import TITLES
from core.display.palette import ArmLook

ClassMetric = Literal["f1", "precision", "recall"]
BETWEEN = "rgba(134,140,152,0.25)"  # quiet on either ground


def per_class_frame(classes: Mapping[ArmLook, pd.DataFrame], *, metric: ClassMetric = "f1") -> pd.DataFrame:
    """A row a class: class, its support, and `metric` of each arm in a column of the arm's name."""
    first = next(iter(classes.values()))[["class", "support"]]
    return first.assign(**{arm.short: frame[metric] for arm, frame in classes.items()})


def per_class(classes: Mapping[ArmLook, pd.DataFrame], *, metric: ClassMetric = "f1") -> go.Figure:
    """F1, precision or recall of each class as a dumbbell: a point an arm, a bar between them; a row a class high.

    Args:
        classes: For each arm what `report.per_class` returns.
        metric: Which of its columns.
    """
    frame = per_class_frame(classes, metric=metric)
    labels, height = frame["class"].tolist(), palette.rows_height(len(frame), 100)
    figure = palette.blank(height=height, top=66, right=16, title=TITLES[metric])
    if len(classes) > 1:
        figure.add_trace(_bars_between(frame, [arm.short for arm in classes]))
    for arm in classes:
        figure.add_scatter(
            x=frame[arm.short].tolist(),
            y=labels,
            mode="markers",
            name=arm.short,
            marker={"size": 12, "symbol": arm.symbol, "color": arm.colour},
            cliponaxis=False,
            customdata=[[html.escape(label), n] for label, n in zip(labels, frame["support"], strict=True)],
            hovertemplate="%{customdata[0]}: %{x:.2f} on %{customdata[1]} test pictures",
        )
    figure.update_layout(dragmode=False)
    figure.update_xaxes(range=[-0.02, 1.02], tickformat=".1f", dtick=0.2, fixedrange=True)
    return figure.update_yaxes(range=[len(frame) - 0.5, -0.5], fixedrange=True, **palette.class_axis(labels))


def _bars_between(frame: pd.DataFrame, names: Sequence[str]) -> go.Scatter:
    ends = frame[list(names)].assign(gap=None).to_numpy(dtype=object).ravel()
    return go.Scatter(
        x=ends.tolist(),
        y=np.repeat(frame["class"].to_numpy(dtype=object), len(names) + 1).tolist(),
        mode="lines",
        line={"color": BETWEEN, "width": 5},
        hoverinfo="skip",
        showlegend=False,
    )


def describe_per_class(classes: Mapping[ArmLook, pd.DataFrame], *, metric: ClassMetric = "f1") -> str:
    """The best and the worst class of each arm."""
    said = []
    for arm, frame in classes.items():
        ordered = frame.sort_values(metric, ascending=False, kind="stable")
        ends = [f"{row['class']} ({row[metric]:.2f})" for _, row in ordered.iloc[[0, -1]].iterrows()]
        said.append(f"{arm.short}: best class {ends[0]}, worst {ends[1]}.")
    return f"{TITLES[metric]}. {' '.join(said)}"
