"""What figures are made of: the colours of the arms, readable cells, an empty figure, notes, an axis of classes."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.display.theme import Scale
from core.plan.arm import Arm, ArmKind
from core.plan.labels import labels
from core.words.names import LONG_NAME, shortened

COLOURS = {  # of the arms of a kind, in their order
    ArmKind.TRANSFER: ("#0072B2", "#00876C", "#7B61C9"),
    ArmKind.SCRATCH: ("#D55E00", "#B5478C", "#8C6D1F"),
}
SYMBOLS = {ArmKind.TRANSFER: ("circle", "square", "cross"), ArmKind.SCRATCH: ("diamond", "triangle-up", "x")}
FROZEN = "#8CA3B8"  # for the network's picture: grey-blue, beside the filled colour of what trains

MANY = 25  # classes from which on a cell has no room for its number, nor every row for its name
_BLACK = "#14171C"
_BLACK_LUMINANCE = 0.0085


@dataclass(frozen=True)
class ArmLook:
    """How an arm is called and told from the others, in figures and beside them."""

    name: str  # of its folder, and in keys
    label: str  # in full
    short: str  # where there is room for little
    colour: str
    symbol: str  # of its points, as plotly calls it


def looks(arms: Sequence[Arm]) -> dict[str, ArmLook]:
    """The look of each arm of an experiment, by the arm's name."""
    said, places = labels(arms), dict.fromkeys(ArmKind, 0)
    found = {}
    for arm in arms:
        place, label = places[arm.kind], said[arm.name]
        places[arm.kind] += 1
        colours, symbols = COLOURS[arm.kind], SYMBOLS[arm.kind]
        colour, symbol = colours[place % len(colours)], symbols[place % len(symbols)]
        found[arm.name] = ArmLook(arm.name, label.text, label.short, colour, symbol)
    return found


def readable_on(share: float, scale: Scale) -> str:
    """Near-black or white: which has more contrast (WCAG 2.2) with the scale's colour at `share`."""
    linear = [c / 3294.6 if c <= 10.31 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in _mixed(share, scale)]
    light = float(np.dot(linear, (0.2126, 0.7152, 0.0722))) + 0.05
    return "#FFFFFF" if 1.05 / light > light / (_BLACK_LUMINANCE + 0.05) else _BLACK


def _mixed(share: float, scale: Scale) -> list[float]:
    stops = [[int(colour[start : start + 2], 16) for colour in scale] for start in (1, 3, 5)]
    return [float(np.interp(share, (0.0, 0.5, 1.0), channel)) for channel in stops]


def named(arm: ArmLook) -> str:
    """The arm's name behind a square of its colour, as plotly markup."""
    return f'<span style="color:{arm.colour}">■</span> {arm.short}'


def blank(*, height: int, top: int, right: int = 8, title: str = "") -> go.Figure:
    """A figure to draw in: its height, its margins, and a title flush left. The theme that it gets has the rest.

    All of it is said at once, for plotly takes ten times as long to be told piece by piece.

    Args:
        height: In pixels, fixed: a page must not jump.
        top: Pixels above the plot, for title and legend.
        right: Pixels beside it, for what reaches over its end.
        title: Plotly markup; none where the page says it.
    """
    layout: dict[str, object] = {"template": "none", "height": height, "margin": {"l": 4, "r": right, "t": top, "b": 4}}
    if title:
        place = {"x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top"}
        layout["title"] = {"text": title, "font": {"size": 16}, "pad": {"t": 8, "l": 4}, **place}
    return go.Figure(layout=layout)


def on_scale(share: float, number: int = 1) -> dict[str, object]:
    """Options of bars, so many, whose colour lies at `share` of the theme's scale."""
    return {
        "color": [share] * number,
        "cmin": 0,
        "cmax": 1,
        "autocolorscale": True,
        "showscale": False,
        "line": {"width": 0},
    }


def note(figure: go.Figure, text: str, **place: object) -> None:
    """A small remark inside the plot; `place` goes to plotly's annotation."""
    anchors = {"xref": "x domain", "yref": "y domain", "yanchor": "top"}
    figure.add_annotation(text=text, **{**anchors, **place})


def class_axis(classes: Sequence[str], *, letters: int = LONG_NAME, step: int = 1) -> Mapping[str, Any]:
    """Options of an axis with a class a place, called what it is called even if that looks like a number or markup."""
    shown = list(classes)[::step]
    labels = [html.escape(shortened(name, letters)) for name in shown]
    size = 12 if len(classes) <= MANY else 10
    return {"type": "category", "tickvals": shown, "ticktext": labels, "tickfont_size": size, "showgrid": False}


def rows_height(rows: int, extra: int) -> int:
    """Pixels of a figure with a row a class."""
    return extra + rows * (28 if rows <= 12 else 20)
