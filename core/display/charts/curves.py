"""Loss and accuracy of each arm, epoch by epoch."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.display import palette
from core.display.charts.marks import TITLES
from core.display.palette import ArmLook
from core.words.numbers import count

Metric = Literal["loss", "accuracy"]
Axis = Literal["epoch", "seconds"]
CURVES = ["arm", "phase", "epoch", "seconds", "training", "validation"]
FEW_EPOCHS = 10


def curves_frame(metrics: Mapping[ArmLook, pd.DataFrame], *, metric: Metric = "loss") -> pd.DataFrame:
    """A row an arm and epoch: arm, phase, epoch, seconds, training and validation of `metric`.

    Args:
        metrics: For each arm what `status.read_metrics` returns; empty for one that waits.
        metric: Which of the two.
    """
    renamed = {metric: "training", f"val_{metric}": "validation"}
    frames = [frame.rename(columns=renamed).assign(arm=arm.short)[CURVES] for arm, frame in metrics.items()]
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=CURVES)


def curves(
    metrics: Mapping[ArmLook, pd.DataFrame],
    *,
    metric: Metric = "loss",
    x: Axis = "epoch",
    best: Mapping[ArmLook, int] | None = None,
    x_limit: float | None = None,
) -> go.Figure:
    """Both arms' learning curves, 360 px high.

    Args:
        metrics: For each arm what `status.read_metrics` returns; an arm that waits keeps its place in the legend.
        metric: "loss", from 0 up, or "accuracy", from 0 to 100 %.
        x: "epoch", or "seconds" since the first step.
        best: The epoch of each arm whose weights were kept; it gets a ring.
        x_limit: Where the axis ends, so that nothing moves while the curves grow; by default where they end.
    """
    frame = curves_frame(metrics, metric=metric)
    figure = palette.blank(height=360, top=86, right=12, title=TITLES[metric])
    for arm in metrics:
        own = frame[frame["arm"] == arm.short]
        figure.add_trace(_curve(own, arm, "training", metric=metric, x=x))
        figure.add_trace(_curve(own, arm, "validation", metric=metric, x=x))
        _ring(figure, own[own["epoch"] == (best or {}).get(arm)], arm, x=x)
        _mark_phase_change(figure, own, metric=metric, x=x)
    figure.update_layout(legend={"entrywidthmode": "fraction", "entrywidth": 0.49})  # two columns, however narrow
    figure.update_xaxes(title_text=x.capitalize(), rangemode="tozero", nticks=12)
    if x_limit is not None:
        figure.update_xaxes(range=[0, 1.02 * x_limit])
    if x == "epoch" and max([x_limit or 0, *frame[x]]) <= FEW_EPOCHS:
        figure.update_xaxes(dtick=1)  # there is no half an epoch
    if metric == "accuracy":
        return figure.update_yaxes(range=[0, 1.02], tickformat=".0%", dtick=0.2)
    return _limit_loss(figure, frame)


def _curve(own: pd.DataFrame, arm: ArmLook, part: str, *, metric: Metric, x: Axis) -> go.Scatter:
    is_validation = part == "validation"
    return go.Scatter(
        x=own[x].tolist() or [None],  # a trace without points would leave the legend
        y=own[part].tolist() or [None],
        name=f"{arm.short}, {part}",
        mode="lines+markers" if is_validation or len(own) == 1 else "lines",  # one epoch makes no line
        line={"color": arm.colour, "width": 2, "dash": "dash" if is_validation else "solid"},
        marker={"size": 6 if len(own) <= 40 else 4},
        hovertemplate="%{y:.0%}" if metric == "accuracy" else "%{y:.3f}",
    )


def _ring(figure: go.Figure, kept: pd.DataFrame, arm: ArmLook, *, x: Axis) -> None:
    if not kept.empty:
        figure.add_scatter(
            x=kept[x].tolist(),
            y=kept["validation"].tolist(),
            mode="markers+text",
            text=["best"],
            textposition="top center",
            textfont={"size": 11},
            marker={"symbol": "circle-open", "size": 14, "color": arm.colour, "line": {"width": 2}},
            name=f"{arm.short}, best epoch",
            showlegend=False,
            hoverinfo="skip",  # the point in its middle tells the value
            cliponaxis=False,
        )


def _mark_phase_change(figure: go.Figure, own: pd.DataFrame, *, metric: Metric, x: Axis) -> None:
    before = own[own["phase"] == 1]
    if before.empty or len(before) == len(own):
        return
    place = float(before[x].iloc[-1]) + (0.5 if x == "epoch" else 0.0)
    line = {"width": 1}
    figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, yref="y domain", line=line, layer="below")
    end: dict[str, object] = {"y": 1, "yanchor": "top"} if metric == "loss" else {"y": 0, "yanchor": "bottom"}
    palette.note(figure, " blocks unfrozen", x=place, xref="x", xanchor="left", **end)


def _limit_loss(figure: go.Figure, frame: pd.DataFrame) -> go.Figure:
    """End the loss axis at twice the highest training loss, and say so when that cuts something off.

    A network that starts from random weights can answer the validation pictures absurdly for an epoch or two; one such
    peak would flatten all the rest.
    """
    values = frame[["training", "validation"]].to_numpy(dtype=float)
    highest = float(np.max(values, initial=0.0, where=np.isfinite(values)))
    usual = 2 * float(np.max(values[:, 0], initial=0.0, where=np.isfinite(values[:, 0])))
    if 0 < usual < highest:
        palette.note(figure, f"peaks of up to {highest:.3g} are cut off", x=1, y=1, xanchor="right")
        highest = usual
    return figure.update_yaxes(range=[0, 1.05 * highest or 1.0])


def describe_curves(metrics: Mapping[ArmLook, pd.DataFrame], *, metric: Metric = "loss") -> str:
    """The last and the best validation value of each arm."""
    return " ".join(_describe_curve(arm.short, frame, metric) for arm, frame in metrics.items())


def _describe_curve(name: str, frame: pd.DataFrame, metric: Metric) -> str:
    values = frame[f"val_{metric}"].to_numpy(dtype=float)
    if not np.isfinite(values).any():
        return f"{name}: no epoch yet."
    best = int(np.nanargmax(values) if metric == "accuracy" else np.nanargmin(values))
    last, top = (f"{100 * value:.0f}\xa0%" if metric == "accuracy" else f"{value:.2f}" for value in values[[-1, best]])
    return (
        f"{name}: validation {metric} {last} after {count(len(values), 'epoch')}, "
        f"best {top} in epoch {frame['epoch'].iloc[best]}."
    )
