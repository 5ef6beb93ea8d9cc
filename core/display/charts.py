"""Frames → plotly figures, each with a sentence that says the same and a frame that tables the same.

Transfer is blue and from scratch vermilion everywhere; training is a solid line, validation dashed with markers;
counts are one hue that moves away from the page's background. Nothing is said by colour alone. Backgrounds are
transparent, so a figure sits on the page in its light and its dark theme.
"""

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.data.labels.layout import PARTS
from core.display import palette
from core.display.palette import COLOURS as COLOURS
from core.display.palette import INKS, MANY, Theme
from core.display.palette import NAMES as NAMES
from core.plan.experiment import Arm
from core.report.report import Confusion, Score
from core.words.names import LONG_NAME, natural, shortened
from core.words.numbers import count, percent, percent_range

Metric = Literal["loss", "accuracy"]
Axis = Literal["epoch", "seconds"]
ClassMetric = Literal["f1", "precision", "recall"]

CURVES = ["arm", "phase", "epoch", "seconds", "training", "validation"]
TITLES = {"f1": "F1", "precision": "Precision", "recall": "Recall", "loss": "Loss", "accuracy": "Accuracy"}
FEW_EPOCHS = 10
SYMBOLS = {Arm.TRANSFER: "circle", Arm.SCRATCH: "diamond"}


def curves_frame(metrics: Mapping[Arm, pd.DataFrame], *, metric: Metric = "loss") -> pd.DataFrame:
    """A row an arm and epoch: arm, phase, epoch, seconds, training and validation of `metric`.

    Args:
        metrics: For each arm what `status.read_metrics` returns; empty for one that waits.
        metric: Which of the two.
    """
    renamed = {metric: "training", f"val_{metric}": "validation"}
    frames = [frame.rename(columns=renamed).assign(arm=NAMES[arm])[CURVES] for arm, frame in metrics.items()]
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=CURVES)


def curves(
    metrics: Mapping[Arm, pd.DataFrame],
    *,
    metric: Metric = "loss",
    x: Axis = "epoch",
    best: Mapping[Arm, int] | None = None,
    x_limit: float | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Both arms' learning curves, 360 px high.

    Args:
        metrics: For each arm what `status.read_metrics` returns; an arm that waits keeps its place in the legend.
        metric: "loss", from 0 up, or "accuracy", from 0 to 100 %.
        x: "epoch", or "seconds" since the first step.
        best: The epoch of each arm whose weights were kept; it gets a ring.
        x_limit: Where the axis ends, so that nothing moves while the curves grow; by default where they end.
        theme: Of the page.
    """
    frame = curves_frame(metrics, metric=metric)
    figure = palette.blank(theme, height=360, top=86, right=12, title=TITLES[metric])
    for arm in metrics:
        own = frame[frame["arm"] == NAMES[arm]]
        figure.add_trace(_curve(own, arm, "training", metric=metric, x=x))
        figure.add_trace(_curve(own, arm, "validation", metric=metric, x=x))
        _ring(figure, own[own["epoch"] == (best or {}).get(arm)], arm, x=x, theme=theme)
        _mark_phase_change(figure, own, metric=metric, x=x, theme=theme)
    figure.update_layout(legend={"entrywidthmode": "fraction", "entrywidth": 0.49})  # two columns, however narrow
    figure.update_xaxes(title_text=x.capitalize(), rangemode="tozero", nticks=12)
    if x_limit is not None:
        figure.update_xaxes(range=[0, 1.02 * x_limit])
    if x == "epoch" and max([x_limit or 0, *frame[x]]) <= FEW_EPOCHS:
        figure.update_xaxes(dtick=1)  # there is no half an epoch
    if metric == "accuracy":
        return figure.update_yaxes(range=[0, 1.02], tickformat=".0%", dtick=0.2)
    return _limit_loss(figure, frame, theme)


def _curve(own: pd.DataFrame, arm: Arm, part: str, *, metric: Metric, x: Axis) -> go.Scatter:
    is_validation = part == "validation"
    return go.Scatter(
        x=own[x].tolist() or [None],  # a trace without points would leave the legend
        y=own[part].tolist() or [None],
        name=f"{NAMES[arm]}, {part}",
        mode="lines+markers" if is_validation or len(own) == 1 else "lines",  # one epoch makes no line
        line={"color": COLOURS[arm], "width": 2, "dash": "dash" if is_validation else "solid"},
        marker={"size": 6 if len(own) <= 40 else 4},
        hovertemplate="%{y:.0%}" if metric == "accuracy" else "%{y:.3f}",
    )


def _ring(figure: go.Figure, kept: pd.DataFrame, arm: Arm, *, x: Axis, theme: Theme) -> None:
    if not kept.empty:
        figure.add_scatter(
            x=kept[x].tolist(),
            y=kept["validation"].tolist(),
            mode="markers+text",
            text=["best"],
            textposition="top center",
            textfont={"size": 11, "color": INKS[theme].muted},
            marker={"symbol": "circle-open", "size": 14, "color": COLOURS[arm], "line": {"width": 2}},
            name=f"{NAMES[arm]}, best epoch",
            showlegend=False,
            hoverinfo="skip",  # the point in its middle tells the value
            cliponaxis=False,
        )


def _mark_phase_change(figure: go.Figure, own: pd.DataFrame, *, metric: Metric, x: Axis, theme: Theme) -> None:
    before = own[own["phase"] == 1]
    if before.empty or len(before) == len(own):
        return
    place = float(before[x].iloc[-1]) + (0.5 if x == "epoch" else 0.0)
    line = {"color": INKS[theme].muted, "width": 1}
    figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, yref="y domain", line=line, layer="below")
    end: dict[str, object] = {"y": 1, "yanchor": "top"} if metric == "loss" else {"y": 0, "yanchor": "bottom"}
    palette.note(figure, theme, " blocks unfrozen", x=place, xref="x", xanchor="left", **end)


def _limit_loss(figure: go.Figure, frame: pd.DataFrame, theme: Theme) -> go.Figure:
    """End the loss axis at twice the highest training loss, and say so when that cuts something off.

    A network that starts from random weights can answer the validation pictures absurdly for an epoch or two; one such
    peak would flatten all the rest.
    """
    values = frame[["training", "validation"]].to_numpy(dtype=float)
    highest = float(np.max(values, initial=0.0, where=np.isfinite(values)))
    usual = 2 * float(np.max(values[:, 0], initial=0.0, where=np.isfinite(values[:, 0])))
    if 0 < usual < highest:
        palette.note(figure, theme, f"peaks of up to {highest:.3g} are cut off", x=1, y=1, xanchor="right")
        highest = usual
    return figure.update_yaxes(range=[0, 1.05 * highest or 1.0])


def describe_curves(metrics: Mapping[Arm, pd.DataFrame], *, metric: Metric = "loss") -> str:
    """The last and the best validation value of each arm."""
    return " ".join(_describe_curve(NAMES[arm], frame, metric) for arm, frame in metrics.items())


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


def confusion_frame(matrix: Confusion, classes: Sequence[str], *, normalised: bool = False) -> pd.DataFrame:
    """The matrix with classes as index (true) and columns (answer): counts, or shares of each row's pictures."""
    cells: np.ndarray = np.asarray(matrix)
    if normalised:
        cells = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)
    return pd.DataFrame(cells, index=pd.Index(classes, name="true class"), columns=pd.Index(classes, name="answer"))


def confusion(
    matrix: Confusion,
    classes: Sequence[str],
    arm: Arm,
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
        theme: Of the page.
    """
    values = confusion_frame(matrix, classes, normalised=normalised).to_numpy(dtype=float)
    top = 1.0 if normalised else float(max(ceiling or int(np.max(matrix)), 1))
    figure = palette.blank(theme, height=440, top=44, title=palette.named(arm))
    figure.add_trace(_cells(values, matrix, classes, top=top, percent_scale=normalised, theme=theme))
    if len(classes) <= MANY:
        figure.add_trace(_numbers(values, classes, top=top, normalised=normalised, theme=theme))
    _outline(figure, "x domain", "y domain", (0, 1, 0, 1), colour=COLOURS[arm])
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
    values: np.ndarray, counts: Confusion, classes: Sequence[str], *, top: float, percent_scale: bool, theme: Theme
) -> go.Heatmap:
    hover = [
        [f"{html.escape(true)} answered as {html.escape(answer)}: {counts[i, j]}" for j, answer in enumerate(classes)]
        for i, true in enumerate(classes)
    ]
    return go.Heatmap(
        z=values,
        x=list(classes),
        y=list(classes),
        zmin=0,
        zmax=top,
        xgap=1 if len(classes) <= MANY else 0,
        ygap=1 if len(classes) <= MANY else 0,
        colorscale=list(zip((0, 0.5, 1), INKS[theme].scale, strict=True)),
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


def describe_confusion(matrix: Confusion, classes: Sequence[str], arm: Arm) -> str:
    """How many answers are right, and what is mixed up most often."""
    wrong = np.array(matrix)
    np.fill_diagonal(wrong, 0)
    said = f"{NAMES[arm]}: {int(np.trace(matrix))} of {int(np.sum(matrix))} test pictures right."
    if not wrong.any():
        return f"{said} No class is mixed up with another."
    true, answer = divmod(int(np.argmax(wrong)), len(classes))
    times = count(int(wrong[true, answer]), "time")
    return f"{said} Most often mixed up: {classes[true]} answered as {classes[answer]}, {times}."


def accuracy_frame(scores: Mapping[Arm, Score]) -> pd.DataFrame:
    """A row an arm: arm, accuracy, low and high of its 95 % interval, right answers and pictures."""
    rows = [(NAMES[arm], one.accuracy, *one.interval, one.correct, one.n) for arm, one in scores.items()]
    return pd.DataFrame(rows, columns=["arm", "accuracy", "low", "high", "correct", "pictures"])


def accuracy_axis(scores: Mapping[Arm, Score], *, theme: Theme = "light") -> go.Figure:
    """The arms' accuracies with 95 % intervals on one axis, 190 px high, and the line of the largest class."""
    figure = palette.blank(theme, height=190, top=30, right=34)
    for (arm, one), row in zip(scores.items(), accuracy_frame(scores).to_dict("records"), strict=True):
        figure.add_trace(_point(arm, one, row, theme))
    for one in list(scores.values())[:1]:
        _mark_largest_class(figure, one, theme)
    ticks = [share / 5 for share in range(6)]
    labels = [f"{100 * tick:.0f}\xa0%" for tick in ticks]
    figure.update_layout(dragmode=False)
    figure.update_xaxes(range=[0, 1], tickvals=ticks, ticktext=labels, fixedrange=True)
    arms = {"tickvals": [NAMES[arm] for arm in scores], "ticktext": [palette.named(arm) for arm in scores]}
    ends = [len(scores) - 0.5, -0.65]
    return figure.update_yaxes(type="category", range=ends, showgrid=False, fixedrange=True, tickfont_size=14, **arms)


def _point(arm: Arm, one: Score, row: Mapping[Any, Any], theme: Theme) -> go.Scatter:
    between = percent_range(one.interval, one.n)
    bars = {"type": "data", "symmetric": False, "thickness": 3, "width": 7, "color": COLOURS[arm]}
    return go.Scatter(
        x=[row["accuracy"]],
        y=[row["arm"]],
        mode="markers+text",
        text=[f"<b>{percent(one.accuracy, one.n)}</b>"],
        textposition="top center",
        textfont={"size": 16, "color": INKS[theme].text},
        cliponaxis=False,
        marker={"size": 13, "symbol": SYMBOLS[arm], "color": COLOURS[arm]},
        error_x={**bars, "array": [row["high"] - row["accuracy"]], "arrayminus": [row["accuracy"] - row["low"]]},
        hovertemplate=f"{one.correct:,} of {one.n:,} right; 95\xa0% interval {between}<extra></extra>",
        showlegend=False,
    )


def _mark_largest_class(figure: go.Figure, one: Score, theme: Theme) -> None:
    place = one.largest_class_accuracy
    line = {"color": INKS[theme].muted, "width": 1.5, "dash": "dot"}
    figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, yref="y domain", line=line, layer="below")
    text = f"always “{html.escape(shortened(one.largest_class))}”: {percent(place, one.n)}"
    side = "left" if place < 0.5 else "right"
    palette.note(figure, theme, text, x=place, y=1, xref="x", xanchor=side, yanchor="bottom")


def describe_accuracy(scores: Mapping[Arm, Score]) -> str:
    """Both accuracies with their intervals, and the line of the largest class."""
    said = []
    for arm, one in scores.items():
        right = f"{percent(one.accuracy, one.n)} of {count(one.n, 'test picture')} right"
        said.append(f"{NAMES[arm]}: {right}, 95\xa0% interval {percent_range(one.interval, one.n)}.")
    for one in list(scores.values())[:1]:
        line = percent(one.largest_class_accuracy, one.n)
        said.append(f"Always answering “{one.largest_class}” would be right on {line}.")
    return " ".join(said)


def per_class_frame(classes: Mapping[Arm, pd.DataFrame], *, metric: ClassMetric = "f1") -> pd.DataFrame:
    """A row a class: class, its support, and `metric` of each arm in a column of the arm's name."""
    first = next(iter(classes.values()))[["class", "support"]]
    return first.assign(**{NAMES[arm]: frame[metric] for arm, frame in classes.items()})


def per_class(classes: Mapping[Arm, pd.DataFrame], *, metric: ClassMetric = "f1", theme: Theme = "light") -> go.Figure:
    """F1, precision or recall of each class as a dumbbell: a point an arm, a bar between them; a row a class high.

    Args:
        classes: For each arm what `report.per_class` returns.
        metric: Which of its columns.
        theme: Of the page.
    """
    frame = per_class_frame(classes, metric=metric)
    labels, height = frame["class"].tolist(), palette.rows_height(len(frame), 100)
    figure = palette.blank(theme, height=height, top=66, right=16, title=TITLES[metric])
    if len(classes) > 1:
        figure.add_trace(_bars_between(frame, [NAMES[arm] for arm in classes], theme))
    for arm in classes:
        figure.add_scatter(
            x=frame[NAMES[arm]].tolist(),
            y=labels,
            mode="markers",
            name=NAMES[arm],
            marker={"size": 12, "symbol": SYMBOLS[arm], "color": COLOURS[arm]},
            cliponaxis=False,
            customdata=[[html.escape(label), n] for label, n in zip(labels, frame["support"], strict=True)],
            hovertemplate="%{customdata[0]}: %{x:.2f} on %{customdata[1]} test pictures",
        )
    figure.update_layout(dragmode=False)
    figure.update_xaxes(range=[-0.02, 1.02], tickformat=".1f", dtick=0.2, fixedrange=True)
    return figure.update_yaxes(range=[len(frame) - 0.5, -0.5], fixedrange=True, **palette.class_axis(labels))


def _bars_between(frame: pd.DataFrame, names: Sequence[str], theme: Theme) -> go.Scatter:
    ends = frame[list(names)].assign(gap=None).to_numpy(dtype=object).ravel()
    return go.Scatter(
        x=ends.tolist(),
        y=np.repeat(frame["class"].to_numpy(dtype=object), len(names) + 1).tolist(),
        mode="lines",
        line={"color": INKS[theme].grid, "width": 5},
        hoverinfo="skip",
        showlegend=False,
    )


def describe_per_class(classes: Mapping[Arm, pd.DataFrame], *, metric: ClassMetric = "f1") -> str:
    """The best and the worst class of each arm."""
    said = []
    for arm, frame in classes.items():
        ordered = frame.sort_values(metric, ascending=False, kind="stable")
        ends = [f"{row['class']} ({row[metric]:.2f})" for _, row in ordered.iloc[[0, -1]].iterrows()]
        said.append(f"{NAMES[arm]}: best class {ends[0]}, worst {ends[1]}.")
    return f"{TITLES[metric]}. {' '.join(said)}"


def class_counts_frame(pictures: pd.DataFrame) -> pd.DataFrame:
    """A row a class, in natural order: class and pictures. `pictures` has a row each with its label."""
    counts = pictures.groupby("label").size()
    return counts.loc[natural(counts.index)].rename_axis("class").reset_index(name="pictures")


def class_counts(counts: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Pictures of each class as bars with numbers, a row a class high; `counts` is that of `class_counts_frame`."""
    ink, labels, numbers = INKS[theme], counts["class"].tolist(), counts["pictures"].tolist()
    figure = palette.blank(theme, height=palette.rows_height(len(labels), 8), top=4, right=48)
    figure.add_bar(
        x=numbers,
        y=labels,
        orientation="h",
        marker={"color": ink.scale[1], "line": {"width": 0}},
        text=[f"{number:,}" for number in numbers],
        textposition="outside",
        cliponaxis=False,
        textfont={"color": ink.text},
        hovertext=[f"{html.escape(label)}: {number:,}" for label, number in zip(labels, numbers, strict=True)],
        hoverinfo="text",
    )
    figure.update_layout(bargap=0.3, dragmode=False)
    figure.update_xaxes(visible=False, rangemode="tozero", fixedrange=True)
    return figure.update_yaxes(range=[len(labels) - 0.5, -0.5], fixedrange=True, **palette.class_axis(labels))


def describe_class_counts(counts: pd.DataFrame) -> str:
    """How many pictures and classes, the largest and the smallest."""
    ordered = counts.sort_values("pictures", kind="stable")
    smallest, largest = ordered.iloc[0], ordered.iloc[-1]
    said = f"{count(int(counts['pictures'].sum()), 'picture')} in {len(counts)} classes"
    if smallest["pictures"] == largest["pictures"]:
        return f"{said}, {smallest['pictures']:,} in each."
    ends = [f"{row['class']} ({row['pictures']:,})" for row in (largest, smallest)]
    return f"{said}: most in {ends[0]}, fewest in {ends[1]}."


def split_frame(counts: pd.DataFrame) -> pd.DataFrame:
    """A row a part: part, pictures and their share. `counts` is that of `Split.counts`."""
    pictures = counts[list(PARTS)].sum().to_numpy()
    names = ["Training", "Validation", "Test"]
    return pd.DataFrame({"part": names, "pictures": pictures, "share": pictures / max(pictures.sum(), 1)})


def split_bar(counts: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Training, validation and test as one stacked bar with numbers, 92 px high; `counts` as for `split_frame`."""
    figure, scale = palette.blank(theme, height=92, top=32, right=0), INKS[theme].scale
    for row, shade in zip(split_frame(counts).to_dict("records"), (0.85, 0.5, 0.2), strict=True):
        figure.add_bar(
            x=[row["pictures"]],
            y=[""],
            orientation="h",
            name=f"{row['part']} {row['pictures']:,}",
            marker={"color": palette.colour_at(shade, scale), "line": {"width": 0}},
            text=[f"{row['pictures']:,}"],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            textfont={"size": 15, "color": palette.readable_on(shade, scale)},
            hovertemplate=f"{row['part']}: {row['pictures']:,} pictures, {row['share']:.0%}<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0, uniformtext={"mode": "hide", "minsize": 12}, dragmode=False)
    figure.update_layout(margin={"l": 0, "b": 0}, legend={"traceorder": "normal", "itemclick": False})
    figure.update_xaxes(visible=False, range=[0, max(int(counts.to_numpy().sum()), 1)], fixedrange=True)
    return figure.update_yaxes(visible=False, fixedrange=True)


def describe_split(counts: pd.DataFrame) -> str:
    """How many pictures each part has."""
    rows = split_frame(counts).to_dict("records")
    return ", ".join(f"{row['part'].lower()} {row['pictures']:,}" for row in rows).capitalize() + " pictures."
