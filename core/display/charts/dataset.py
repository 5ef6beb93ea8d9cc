"""What a data set has: pictures of each class, and of each part."""

import html

import pandas as pd
import plotly.graph_objects as go

from core.data.labels.layout import PARTS
from core.display import palette
from core.words.names import natural
from core.words.numbers import count


def class_counts_frame(pictures: pd.DataFrame) -> pd.DataFrame:
    """A row a class, in natural order: class and pictures. `pictures` has a row each with its label."""
    counts = pictures.groupby("label").size()
    return counts.loc[natural(counts.index)].rename_axis("class").reset_index(name="pictures")


def class_counts(counts: pd.DataFrame) -> go.Figure:
    """Pictures of each class as bars with numbers, a row a class high; `counts` is that of `class_counts_frame`."""
    labels, numbers = counts["class"].tolist(), counts["pictures"].tolist()
    figure = palette.blank(height=palette.rows_height(len(labels), 8), top=4, right=48)
    figure.add_bar(
        x=numbers,
        y=labels,
        orientation="h",
        marker=palette.on_scale(0.5, len(labels)),
        text=[f"{number:,}" for number in numbers],
        textposition="outside",
        cliponaxis=False,
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


def split_bar(counts: pd.DataFrame) -> go.Figure:
    """Training, validation and test as one stacked bar with numbers, 92 px high; `counts` as for `split_frame`."""
    figure = palette.blank(height=92, top=32, right=0)
    for row, shade in zip(split_frame(counts).to_dict("records"), (0.85, 0.4, 0.2), strict=True):
        figure.add_bar(
            x=[row["pictures"]],
            y=[""],
            orientation="h",
            name=f"{row['part']} {row['pictures']:,}",
            marker=palette.on_scale(shade),
            text=[f"{row['pictures']:,}"],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            textfont={"size": 15},  # in whichever of dark and white is readable there
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
