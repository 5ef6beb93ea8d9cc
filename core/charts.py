"""Frames → plotly figures, each with a sentence that says the same and a frame that tables the same.

Transfer is blue and from scratch vermilion everywhere; training is a solid line, validation dashed with markers;
counts are one hue that moves away from the page's background. Nothing is said by colour alone. Backgrounds are
transparent, so a figure sits on the page in its light and its dark theme.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from core.experiment import Arm
from core.report import Confusion, Score, percent

Theme = Literal["light", "dark"]
Metric = Literal["loss", "accuracy"]
Axis = Literal["epoch", "seconds"]

TRANSFER = "#0072B2"
SCRATCH = "#D55E00"
FROZEN = "#8CA3B8"  # for the network's picture: grey-blue, beside the filled colour of what trains
COLOURS = {Arm.TRANSFER: TRANSFER, Arm.SCRATCH: SCRATCH}
NAMES = {Arm.TRANSFER: "Transfer", Arm.SCRATCH: "From scratch"}
PART_NAMES = {"train": "Training", "validation": "Validation", "test": "Test"}
MANY = 25  # classes from which on a cell has no room for its number
LONG_NAME = 22  # letters of a class on an axis; hovering and the table have all of it
FONT = '"Source Sans", "Source Sans 3", "Source Sans Pro", system-ui, sans-serif'


@dataclass(frozen=True)
class _Ink:
    text: str
    muted: str
    grid: str
    scale: tuple[str, str, str]  # from nothing to most, in equal steps


_INKS: dict[str, _Ink] = {
    "light": _Ink("#31333F", "#6B7080", "rgba(49,51,63,0.12)", ("#EFF4F4", "#74AFAB", "#0C4A4B")),
    "dark": _Ink("#FAFAFA", "#A6ABB8", "rgba(250,250,250,0.14)", ("#1B2426", "#2F7F7C", "#BFE8E2")),
}


def curves_frame(metrics: Mapping[Arm, pd.DataFrame], *, metric: Metric = "loss") -> pd.DataFrame:
    """A row an arm and epoch: arm, phase, epoch, seconds, training and validation of `metric`.

    Args:
        metrics: For each arm what `runs.read_metrics` returns; empty for one that waits.
        metric: Which of the two.
    """
    renamed = {metric: "training", f"val_{metric}": "validation"}
    columns = ["arm", "phase", "epoch", "seconds", "training", "validation"]
    frames = [frame.rename(columns=renamed).assign(arm=NAMES[arm])[columns] for arm, frame in metrics.items()]
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns)


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
        metrics: For each arm what `runs.read_metrics` returns; an arm that waits keeps its place in the legend.
        metric: "loss", from 0 up, or "accuracy", from 0 to 100 %.
        x: "epoch", or "seconds" since the first step.
        best: The epoch of each arm whose weights were kept; it gets a ring.
        x_limit: Where the axis ends, so that nothing moves while the curves grow; by default where they end.
        theme: Of the page.
    """
    frame, ink, figure = curves_frame(metrics, metric=metric), _INKS[theme], go.Figure()
    for arm in metrics:
        own = frame[frame["arm"] == NAMES[arm]]
        for part, dash in (("training", "solid"), ("validation", "dash")):
            figure.add_trace(_curve(own, arm, part, dash=dash, metric=metric, x=x))
        for row in own[own["epoch"] == (best or {}).get(arm)].itertuples():
            figure.add_trace(_ring(row, arm, metric=metric, x=x))
        _mark_phase_change(figure, own, x=x, ink=ink)
    _lay_out(figure, ink, height=360, title=metric.capitalize(), margin={"l": 8, "r": 12, "t": 84, "b": 8})
    figure.update_xaxes(title_text={"epoch": "Epoch", "seconds": "Seconds"}[x], rangemode="tozero")
    if x == "epoch":
        figure.update_xaxes(tickformat="d", nticks=12)
    if x_limit is not None:
        figure.update_xaxes(range=[0, x_limit * 1.02])
    if metric == "accuracy":
        return figure.update_yaxes(range=[0, 1.02], tickformat=".0%", dtick=0.2)
    top, cut_off = _loss_ceiling(frame)
    if cut_off is not None:
        _note(figure, ink, x=1, y=1, text=f"peaks of up to {cut_off:.3g} are cut off", xanchor="right")
    return figure.update_yaxes(range=[0, top])


def _curve(own: pd.DataFrame, arm: Arm, part: str, *, dash: str, metric: Metric, x: Axis) -> go.Scatter:
    has_markers = part == "validation" or len(own) == 1  # one epoch makes no line
    return go.Scatter(
        x=own[x].tolist() or [None],  # an empty trace would leave the legend
        y=own["training" if part == "training" else "validation"].tolist() or [None],
        name=f"{NAMES[arm]}, {part}",
        mode="lines+markers" if has_markers else "lines",
        line={"color": COLOURS[arm], "width": 2, "dash": dash},
        marker={"size": 6 if len(own) <= 40 else 4, "color": COLOURS[arm]},
        hovertemplate="%{y:.1%}" if metric == "accuracy" else "%{y:.3f}",
    )


def _ring(row: Any, arm: Arm, *, metric: Metric, x: Axis) -> go.Scatter:
    return go.Scatter(
        x=[getattr(row, x)],
        y=[row.validation],
        mode="markers",
        name=f"{NAMES[arm]}, best epoch",
        marker={"symbol": "circle-open", "size": 14, "color": COLOURS[arm], "line": {"width": 2}},
        hovertemplate=f"epoch {row.epoch}, kept: " + ("%{y:.1%}" if metric == "accuracy" else "%{y:.3f}"),
        hoverinfo="skip",
        showlegend=False,
    )


def _mark_phase_change(figure: go.Figure, own: pd.DataFrame, *, x: Axis, ink: _Ink) -> None:
    before, after = own[own["phase"] == 1], own[own["phase"] == 2]
    if before.empty or after.empty:
        return
    place = float(before[x].iloc[-1] + 0.5) if x == "epoch" else float(before[x].iloc[-1])
    figure.add_shape(
        type="line",
        x0=place,
        x1=place,
        y0=0,
        y1=1,
        yref="y domain",
        line={"color": ink.muted, "width": 1},
        layer="below",
    )
    _note(figure, ink, x=place, y=1, text=" blocks unfrozen", xref="x", xanchor="left")


def _loss_ceiling(frame: pd.DataFrame) -> tuple[float, float | None]:
    """Where the loss axis ends, and the highest value if that is above.

    A network that starts from random weights can answer the validation pictures absurdly for an epoch or two; one such
    peak would flatten all the rest, so the axis ends at twice the highest training loss.
    """
    values = frame[["training", "validation"]].to_numpy(dtype=float)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 1.0, None
    training = frame["training"].to_numpy(dtype=float)
    usual = 2 * float(np.max(training, initial=0.0, where=np.isfinite(training)))
    highest = float(finite.max())
    is_cut = 0 < usual < highest
    return (1.05 * usual if is_cut else 1.05 * highest or 1.0), (highest if is_cut else None)


def describe_curves(metrics: Mapping[Arm, pd.DataFrame], *, metric: Metric = "loss") -> str:
    """What the curves show: the last and the best validation value of each arm."""
    return " ".join(
        _describe_curve(NAMES[arm], frame[f"val_{metric}"], frame, metric) for arm, frame in metrics.items()
    )


def _describe_curve(name: str, values: "pd.Series[float]", frame: pd.DataFrame, metric: Metric) -> str:
    if values.isna().all():
        return f"{name}: no epoch yet."
    best = int(values.idxmax() if metric == "accuracy" else values.idxmin())
    text = "{:.0%}" if metric == "accuracy" else "{:.2f}"
    last = len(frame) - 1
    return (
        f"{name}: validation {metric} {text.format(values[last])} after {len(frame)} epoch{'s' if last else ''}, "
        f"best {text.format(values[best])} in epoch {frame['epoch'][best]}."
    )


def confusion_frame(confusion: Confusion, classes: Sequence[str], *, normalised: bool = False) -> pd.DataFrame:
    """The matrix with classes as index (true) and columns (answer): counts, or shares of each row's pictures."""
    cells = np.asarray(confusion)
    if normalised:
        cells = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)
    return pd.DataFrame(cells, index=pd.Index(classes, name="true"), columns=pd.Index(classes, name="answer"))


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
        normalised: Show shares of each row's pictures.
        ceiling: The count that has the scale's last colour: the largest of both arms', so that they compare.
        selected: (true, predicted) of a cell to outline.
        theme: Of the page.
    """
    ink, frame = _INKS[theme], confusion_frame(matrix, classes, normalised=normalised)
    values = frame.to_numpy(dtype=float)
    top = 1.0 if normalised else float(max(ceiling or matrix.max(), 1))
    figure = go.Figure(_cells(values, matrix, classes, top=top, ink=ink))
    if len(classes) <= MANY:
        figure.add_trace(_numbers(values, classes, top=top, normalised=normalised, ink=ink))
    frame_line = {"color": COLOURS[arm], "width": 2}
    figure.add_shape(type="rect", xref="x domain", yref="y domain", x0=0, x1=1, y0=0, y1=1, line=frame_line)
    if selected:
        row, column = classes.index(selected[0]), classes.index(selected[1])
        ends = {"x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5}
        figure.add_shape(type="rect", **ends, line={"color": ink.text, "width": 3})
    title = f'<span style="color:{COLOURS[arm]}">■</span> {NAMES[arm]}'
    _lay_out(figure, ink, height=440, title=title, margin={"l": 8, "r": 8, "t": 44, "b": 8})
    figure.update_xaxes(title_text="Answer", tickangle=_angle(classes), **_class_axis(classes))
    return figure.update_yaxes(title_text="True class", autorange="reversed", **_class_axis(classes))


def _cells(values: npt.NDArray[Any], counts: Confusion, classes: Sequence[str], *, top: float, ink: _Ink) -> go.Heatmap:
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
        xgap=1,
        ygap=1,
        colorscale=list(zip((0, 0.5, 1), ink.scale, strict=True)),
        showscale=len(classes) > MANY,
        colorbar={"thickness": 10, "outlinewidth": 0, "tickformat": ".0%" if top == 1 else "d"},
        hovertext=hover,
        hoverinfo="text",
    )


def _numbers(
    values: npt.NDArray[Any], classes: Sequence[str], *, top: float, normalised: bool, ink: _Ink
) -> go.Scatter:
    rows, columns = np.indices(values.shape).reshape(2, -1)
    shown = values.ravel()
    return go.Scatter(
        x=[classes[column] for column in columns],
        y=[classes[row] for row in rows],
        text=[f"{value:.0%}" if normalised else f"{value:.0f}" for value in shown],
        mode="text",
        textfont={"size": _cell_font(len(classes)), "color": [_readable_on(value / top, ink.scale) for value in shown]},
        hoverinfo="skip",  # and so a click goes to the cell below
    )


def _cell_font(n_classes: int) -> int:
    return 15 if n_classes <= 6 else 12 if n_classes <= 12 else 9


def _readable_on(share: float, scale: tuple[str, str, str]) -> str:
    """Near-black or white, whichever has more contrast (WCAG 2.2) on the scale's colour at `share`."""
    light = _luminance([np.interp(share, (0, 0.5, 1), stops) for stops in zip(*map(_channels, scale), strict=True)])
    return "#FFFFFF" if 1.05 / (light + 0.05) > (light + 0.05) / 0.056 else "#14171C"


def _channels(colour: str) -> list[int]:
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]


def _luminance(channels: Sequence[float]) -> float:
    linear = [c / 3294.6 if c <= 10.31 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def describe_confusion(matrix: Confusion, classes: Sequence[str], arm: Arm) -> str:
    """How many answers are right, and what is mixed up most often."""
    wrong = np.array(matrix)
    np.fill_diagonal(wrong, 0)
    said = f"{NAMES[arm]}: {int(np.trace(matrix))} of {int(np.sum(matrix))} test pictures right."
    if not wrong.any():
        return f"{said} No class is mixed up with another."
    true, answer = np.unravel_index(wrong.argmax(), wrong.shape)
    return f"{said} Most often mixed up: {classes[true]} answered as {classes[answer]}, {wrong[true, answer]} times."


def accuracy_frame(scores: Mapping[Arm, Score]) -> pd.DataFrame:
    """A row an arm: arm, accuracy, low and high of its 95 % interval, right answers and pictures."""
    rows = [(NAMES[arm], one.accuracy, *one.interval, one.correct, one.n) for arm, one in scores.items()]
    return pd.DataFrame(rows, columns=["arm", "accuracy", "low", "high", "correct", "pictures"])


def accuracy_axis(scores: Mapping[Arm, Score], *, theme: Theme = "light") -> go.Figure:
    """The arms' accuracies with 95 % intervals on one axis, 190 px high, and the line of the largest class."""
    ink, figure = _INKS[theme], go.Figure()
    for (arm, one), row in zip(scores.items(), accuracy_frame(scores).itertuples(), strict=True):
        bars = {"array": [row.high - row.accuracy], "arrayminus": [row.accuracy - row.low]}
        low, high = (percent(bound, one.n) for bound in one.interval)
        figure.add_trace(
            go.Scatter(
                x=[row.accuracy],
                y=[row.arm],
                mode="markers+text",
                text=[f"<b>{percent(one.accuracy, one.n)}</b>"],
                textposition="top center",
                textfont={"size": 16, "color": ink.text},
                cliponaxis=False,
                marker={"size": 13, "color": COLOURS[arm]},
                error_x={"type": "data", "symmetric": False, "thickness": 3, "width": 7, "color": COLOURS[arm], **bars},
                hovertemplate=f"{one.correct} of {one.n} right; 95 % interval {low} to {high}<extra></extra>",
                showlegend=False,
            )
        )
    _lay_out(figure, ink, height=190, margin={"l": 8, "r": 24, "t": 30, "b": 8})
    for one in list(scores.values())[:1]:
        _mark_largest_class(figure, one, ink)
    figure.update_xaxes(range=[0, 1], tickformat=".0%", dtick=0.2)
    return figure.update_yaxes(type="category", range=[len(scores) - 0.5, -0.65], showgrid=False, tickfont={"size": 15})


def _mark_largest_class(figure: go.Figure, one: Score, ink: _Ink) -> None:
    place = one.largest_class_accuracy
    line = {"color": ink.muted, "width": 1.5, "dash": "dot"}
    figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, yref="y domain", line=line, layer="below")
    name = html.escape(_short(one.largest_class))
    anchor = "left" if place < 0.5 else "right"
    text = f"always “{name}”: {percent(place, one.n)}"
    _note(figure, ink, x=place, y=1, text=text, xref="x", xanchor=anchor, yanchor="bottom")


def describe_accuracy(scores: Mapping[Arm, Score]) -> str:
    """Both accuracies with their intervals, and the line."""
    said = []
    for arm, one in scores.items():
        low, high = (percent(bound, one.n) for bound in one.interval)
        said.append(f"{NAMES[arm]}: {percent(one.accuracy, one.n)} of {one.n} right, 95\xa0% interval {low} to {high}.")
    for one in list(scores.values())[:1]:
        line = percent(one.largest_class_accuracy, one.n)
        said.append(f"Always answering “{one.largest_class}” would be right on {line}.")
    return " ".join(said)


def per_class_frame(classes: Mapping[Arm, pd.DataFrame], *, metric: str = "f1") -> pd.DataFrame:
    """A row a class: class, its support, and `metric` of each arm in a column of the arm's name."""
    first = next(iter(classes.values()))[["class", "support"]]
    return first.assign(**{NAMES[arm]: frame[metric] for arm, frame in classes.items()})


def per_class(classes: Mapping[Arm, pd.DataFrame], *, metric: str = "f1", theme: Theme = "light") -> go.Figure:
    """F1, precision or recall of each class as a dumbbell: a point an arm, a bar between them; high as it needs.

    Args:
        classes: For each arm what `report.per_class` returns.
        metric: "f1", "precision" or "recall".
        theme: Of the page.
    """
    ink, frame, names = _INKS[theme], per_class_frame(classes, metric=metric), [NAMES[arm] for arm in classes]
    figure = go.Figure()
    for row in frame.to_dict("records") if len(names) == 2 else []:
        ends = {"x": [row[names[0]], row[names[1]]], "y": [row["class"]] * 2}
        figure.add_scatter(
            **ends, mode="lines", line={"color": ink.grid, "width": 5}, hoverinfo="skip", showlegend=False
        )
    for arm, symbol in zip(classes, ("circle", "diamond"), strict=False):
        hover = [
            f"{html.escape(name)}: %{{x:.2f}}, {n} test pictures"
            for name, n in zip(frame["class"], frame["support"], strict=True)
        ]
        figure.add_scatter(
            x=frame[NAMES[arm]].tolist(),
            y=frame["class"].tolist(),
            mode="markers",
            name=NAMES[arm],
            marker={"size": 12, "symbol": symbol, "color": COLOURS[arm]},
            cliponaxis=False,
            hovertemplate=hover,
        )
    title = {"f1": "F1"}.get(metric, metric.capitalize())
    _lay_out(figure, ink, height=_rows_height(len(frame), 100), title=title, margin={"l": 8, "r": 16, "t": 64, "b": 8})
    figure.update_xaxes(range=[0, 1.01], tickformat=".1f", dtick=0.2)
    return figure.update_yaxes(range=[len(frame) - 0.5, -0.5], **_class_axis(frame["class"].tolist()), showgrid=False)


def describe_per_class(classes: Mapping[Arm, pd.DataFrame], *, metric: str = "f1") -> str:
    """The best and the worst class of each arm."""
    said = []
    for arm, frame in classes.items():
        values = frame.set_index("class")[metric]
        best, worst = values.idxmax(), values.idxmin()
        said.append(f"{NAMES[arm]}: best class {best} ({values[best]:.2f}), worst {worst} ({values[worst]:.2f}).")
    return " ".join(said)


def class_counts_frame(pictures: pd.DataFrame) -> pd.DataFrame:
    """A row a class, in the order of their names: class and pictures; `pictures` has a row each with its label."""
    return pictures.groupby("label").size().rename_axis("class").reset_index(name="pictures")


def class_counts(counts: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Pictures of each class as bars with numbers, high as it needs; `counts` is that of `class_counts_frame`."""
    ink = _INKS[theme]
    bars = go.Bar(
        x=counts["pictures"].tolist(),
        y=counts["class"].tolist(),
        orientation="h",
        marker={"color": ink.scale[1]},
        text=[f"{count:,}" for count in counts["pictures"]],
        textposition="outside",
        cliponaxis=False,
        textfont={"color": ink.text},
        hovertext=[f"{html.escape(row['class'])}: {row['pictures']:,}" for row in counts.to_dict("records")],
        hoverinfo="text",
    )
    figure = _lay_out(
        go.Figure(bars), ink, height=_rows_height(len(counts), 16), margin={"l": 8, "r": 48, "t": 8, "b": 8}
    )
    figure.update_layout(bargap=0.3)
    figure.update_xaxes(visible=False, rangemode="tozero")
    classes = counts["class"].tolist()
    return figure.update_yaxes(range=[len(classes) - 0.5, -0.5], **_class_axis(classes), showgrid=False)


def describe_class_counts(counts: pd.DataFrame) -> str:
    """How many pictures and classes, the largest and the smallest."""
    pictures = counts.set_index("class")["pictures"]
    largest, smallest = pictures.idxmax(), pictures.idxmin()
    return (
        f"{pictures.sum():,} pictures in {len(pictures)} classes: most in {largest} ({pictures[largest]:,}), "
        f"fewest in {smallest} ({pictures[smallest]:,})."
    )


def split_frame(counts: pd.DataFrame) -> pd.DataFrame:
    """A row a part: part, pictures and their share. `counts` has a row a class and a column a part."""
    pictures = counts[list(PART_NAMES)].sum()
    return pd.DataFrame(
        {
            "part": list(PART_NAMES.values()),
            "pictures": pictures.to_numpy(),
            "share": (pictures / pictures.sum()).to_numpy(),
        }
    )


def split_bar(counts: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Training, validation and test as one stacked bar with numbers, 96 px high; `counts` as for `split_frame`."""
    ink, figure = _INKS[theme], go.Figure()
    for row, place in zip(split_frame(counts).to_dict("records"), (0.85, 0.5, 0.2), strict=True):
        colour = _colour_at(place, ink.scale)
        figure.add_bar(
            x=[row["pictures"]],
            y=[""],
            orientation="h",
            name=f"{row['part']} {row['pictures']:,}",
            marker={"color": colour},
            text=[f"{row['pictures']:,}"],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            textfont={"size": 15, "color": _readable_on(place, ink.scale)},
            hovertemplate=f"{row['part']}: {row['pictures']:,} pictures, {row['share']:.0%}<extra></extra>",
        )
    _lay_out(figure, ink, height=96, margin={"l": 0, "r": 0, "t": 32, "b": 0})
    figure.update_layout(barmode="stack", bargap=0, uniformtext={"mode": "hide", "minsize": 12})
    figure.update_layout(legend={"traceorder": "normal", "itemclick": False, "itemdoubleclick": False})
    figure.update_xaxes(visible=False, range=[0, max(int(counts.to_numpy().sum()), 1)])
    return figure.update_yaxes(visible=False)


def describe_split(counts: pd.DataFrame) -> str:
    """How many pictures each part has."""
    rows = split_frame(counts).to_dict("records")
    return ", ".join(f"{row['part'].lower()} {row['pictures']:,}" for row in rows).capitalize() + " pictures."


def _colour_at(share: float, scale: tuple[str, str, str]) -> str:
    mixed = [np.interp(share, (0, 0.5, 1), stops) for stops in zip(*map(_channels, scale), strict=True)]
    return "#" + "".join(f"{round(channel):02X}" for channel in mixed)


def _lay_out(
    figure: go.Figure, ink: _Ink, *, height: int, margin: Mapping[str, int], title: str | None = None
) -> go.Figure:
    figure.update_layout(
        template="none",
        height=height,
        margin={**margin, "autoexpand": True},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": ink.text, "size": 13, "family": FONT},
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "xanchor": "left", "bgcolor": "rgba(0,0,0,0)"},
        dragmode="zoom",
    )
    if title:
        place = {"x": 0, "xref": "paper", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top"}
        figure.update_layout(title={"text": title, "font": {"size": 16}, "pad": {"t": 10}, **place})
    quiet = {"gridcolor": ink.grid, "zeroline": False, "showline": False, "automargin": True, "ticks": ""}
    titles = {"title_font": {"color": ink.muted, "size": 12}, "tickfont": {"color": ink.text, "size": 12}}
    figure.update_xaxes(**quiet, **titles, title_standoff=8)
    return figure.update_yaxes(**quiet, **titles, title_standoff=8)


def _note(figure: go.Figure, ink: _Ink, *, text: str, **place: object) -> None:
    """A small remark inside the plot; `place` goes to plotly's annotation."""
    anchors = {"xref": "x domain", "yref": "y domain", "yanchor": "top", "showarrow": False}
    figure.add_annotation(text=text, font={"color": ink.muted, "size": 12}, **{**anchors, **place})


def _class_axis(classes: Sequence[str]) -> dict[str, Any]:
    """Classes as they are called, even where a name looks like a number, a date or markup; long ones cut."""
    size = 12 if len(classes) <= MANY else 9
    labels = [html.escape(_short(name)) for name in classes]
    return {"type": "category", "tickvals": list(classes), "ticktext": labels, "tickfont_size": size}


def _short(name: str) -> str:
    """A long name loses its middle: names often differ at either end."""
    keep = LONG_NAME - 1
    return name if len(name) <= LONG_NAME else f"{name[: keep - keep // 3]}…{name[-(keep // 3) :]}"


def _angle(classes: Sequence[str]) -> int:
    return -90 if len(classes) > 12 else -45 if len(classes) * max(map(len, classes)) > 40 else 0


def _rows_height(rows: int, extra: int) -> int:
    return extra + rows * (28 if rows <= 12 else 20)
