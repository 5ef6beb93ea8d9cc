"""What every figure has in common: the story's two colours, ink for both themes, readable cells, one layout."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from core.plan.arm import Arm, ArmKind
from core.plan.labels import labels
from core.words.names import LONG_NAME, shortened

Theme = Literal["light", "dark"]
Scale = tuple[str, str, str]  # from nothing to most, in equal steps

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
class Ink:
    """The colours of one theme that carry no meaning, and the scale of counts."""

    text: str
    muted: str
    grid: str
    scale: Scale


INKS: dict[str, Ink] = {
    "light": Ink("#31333F", "#6B7080", "rgba(49,51,63,0.12)", ("#EFF4F4", "#74AFAB", "#0C4A4B")),
    "dark": Ink("#FAFAFA", "#A6ABB8", "rgba(250,250,250,0.14)", ("#1B2426", "#2F7F7C", "#BFE8E2")),
}


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


def colour_at(share: float, scale: Scale) -> str:
    """The scale's colour at a share from 0 to 1, mixed as plotly mixes."""
    return "#" + "".join(f"{round(channel):02X}" for channel in _mixed(share, scale))


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


def blank(theme: Theme, *, height: int, top: int, right: int = 8, title: str = "") -> go.Figure:
    """A figure to draw in: its height, transparent ground, quiet axes, and a title and legend flush left.

    All of it is said at once, for plotly takes ten times as long to be told piece by piece.

    Args:
        theme: Of the page.
        height: In pixels, fixed: a page must not jump.
        top: Pixels above the plot, for title and legend.
        right: Pixels beside it, for what reaches over its end.
        title: Plotly markup; none where the page says it.
    """
    ink = INKS[theme]
    axis = {
        **{"gridcolor": ink.grid, "zeroline": False, "showline": False, "ticks": "", "automargin": True},
        "tickfont": {"size": 12},
        "title": {"font": {"color": ink.muted, "size": 12}, "standoff": 10},
    }
    layout = {
        "template": "none",
        "height": height,
        "margin": {"l": 4, "r": right, "t": top, "b": 4},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": ink.text, "size": 13},
        "hovermode": "closest",
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "font": {"size": 12}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": ink.muted, "activecolor": ink.text},
        "xaxis": {**axis, "ticklabelstandoff": 2},
        "yaxis": {**axis, "ticklabelstandoff": 6},
    }
    if title:
        place = {"x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top"}
        layout["title"] = {"text": title, "font": {"size": 16}, "pad": {"t": 8, "l": 4}, **place}
    return go.Figure(layout=layout)


def note(figure: go.Figure, theme: Theme, text: str, **place: object) -> None:
    """A small remark inside the plot; `place` goes to plotly's annotation."""
    anchors = {"xref": "x domain", "yref": "y domain", "yanchor": "top", "showarrow": False}
    figure.add_annotation(text=text, font={"color": INKS[theme].muted, "size": 12}, **{**anchors, **place})


def class_axis(classes: Sequence[str], *, letters: int = LONG_NAME, step: int = 1) -> Mapping[str, Any]:
    """Options of an axis with a class a place, called what it is called even if that looks like a number or markup."""
    shown = list(classes)[::step]
    labels = [html.escape(shortened(name, letters)) for name in shown]
    size = 12 if len(classes) <= MANY else 10
    return {"type": "category", "tickvals": shown, "ticktext": labels, "tickfont_size": size, "showgrid": False}


def rows_height(rows: int, extra: int) -> int:
    """Pixels of a figure with a row a class."""
    return extra + rows * (28 if rows <= 12 else 20)
