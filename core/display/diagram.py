"""The network of an arm as a strip of blocks, from the picture to the classes, in HTML that sits on any theme.

Frozen blocks are hollow and grey-blue behind a lock, trained ones are filled with the arm's colour; a block is as high
as its feature map is large, and as wide as it has channels (both much damped). Inline styles alone: Streamlit's
`st.html` puts the markup into the page as it is.
"""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.display.palette import FROZEN, ArmLook
from core.plan import bases
from core.plan.arm import Arm, Head, Pooling
from core.plan.counts import Counts, output_units, parameter_counts
from core.words.numbers import count

HEIGHT = 72  # px of the highest block
MOST_CLASSES = 4  # named beside the strip; the rest is counted
NOT_TRAINED = "Not trained"
GLOSSES = {NOT_TRAINED: "The means and variances in BatchNorm layers: they are measured on the way, not learned"}
POOLINGS = {
    Pooling.AVERAGE: "average of each channel",
    Pooling.MAXIMUM: "maximum of each channel",
    Pooling.FLATTEN: "every place of each channel",
}
# A ligature of the icon font that Streamlit brings; `st.html` takes SVG out.
LOCK = '<span aria-hidden="true" style="font:16px/1 \'Material Symbols Rounded\';flex:none;margin:0 -2px">lock</span>'


@dataclass(frozen=True)
class Segment:
    """A bar of the strip."""

    name: str
    text: str  # what it is, shown when it is pointed at
    height: float  # of the strip's height, 0 to 1
    width: float  # relative to the other blocks
    is_trained: bool
    is_head: bool = False


def strip(arm: Arm, *, n_classes: int) -> list[Segment]:
    """The parts of an arm's network in the order in which a picture passes them."""
    return [*_base_parts(arm), *_head_parts(arm.head, n_classes)]


def _base_parts(arm: Arm) -> list[Segment]:
    row, size = bases.base(arm.base), arm.image_size
    trains_base = arm.is_scratch or len(arm.phases) > 1
    parts = []
    for number, block in enumerate(row.blocks):
        side = math.ceil(size / block.stride)
        is_trained = trains_base and number >= arm.frozen_blocks
        what = f"{block.parameters:,} parameters, {'trained' if is_trained else 'frozen'}"
        text = f"{block.name}: {what}; puts out about {side} × {side} × {block.channels:,}"
        height = (side / math.ceil(size / row.blocks[0].stride)) ** 0.4
        parts.append(Segment(block.name, text, height, math.log2(block.channels), is_trained))
    return parts


def _head_parts(head: Head, n_classes: int) -> list[Segment]:
    units = output_units(n_classes)
    output = "one sigmoid unit" if units == 1 else f"softmax over {units} units"
    texts = [
        *(f"Hidden layer {number}: {count:,} units" for number, count in enumerate(head.hidden, start=1)),
        f"Output: {output}",
    ]
    return [Segment(text.partition(":")[0], text, 0.5, 5.0, is_trained=True, is_head=True) for text in texts]


def describe(arm: Arm, look: ArmLook, *, classes: Sequence[str]) -> str:
    """The strip in words."""
    parts = _base_parts(arm)
    trained, frozen = _runs(parts)
    counts = parameter_counts(arm, n_classes=len(classes))
    return (
        f"{look.short}: a picture of {arm.image_size} × {arm.image_size} pixels passes "
        f"{len(parts)} blocks of {arm.base}, {frozen} frozen and {trained} trained, and a trained head, to "
        f"{len(classes)} classes. {counts.trained:,} parameters are trained, {counts.frozen:,} are not."
    )


def describe_head(head: Head, n_classes: int) -> str:
    """From the base's last feature map to the classes, in a row of steps."""
    steps = [POOLINGS[head.pooling], *(["normalisation"] if head.normalizes else [])]
    if head.hidden:
        units = ", ".join(f"{count:,}" for count in head.hidden)
        steps.append(f"{'a hidden layer' if len(head.hidden) == 1 else 'hidden layers'} of {units} units")
    if head.dropout:
        steps.append(f"dropout of {head.dropout:.0%}".replace("%", "\xa0%"))
    units_out = output_units(n_classes)
    steps.append("one sigmoid unit for two classes" if units_out == 1 else f"softmax over {units_out} classes")
    return f"{' → '.join(steps)}."


def card(arm: Arm, look: ArmLook, *, classes: Sequence[str], picture: str = "", facts: Mapping[str, str]) -> str:
    """An arm as HTML: its name, the strip, what is frozen and trained, and numbers.

    Args:
        arm: What to draw.
        look: How it is called and told from the others.
        classes: Their names, at the strip's right end.
        picture: Address of the picture at its left end, a data URI say; none if empty.
        facts: More numbers, each by its name: "Time": "about 40 s".
    """
    counts = parameter_counts(arm, n_classes=len(classes))
    numbers = _parameters(arm, counts) | dict(facts)
    square = f'<span style="color:{look.colour}" aria-hidden="true">■</span>'
    return (
        f'<b style="font-weight:600;font-size:18px">{square} {look.short}</b>'
        f"{_strip(arm, look, classes, picture)}{_legend(arm, look)}{_numbers(numbers)}"
    )


def _parameters(arm: Arm, counts: Counts) -> dict[str, str]:
    kept = "Frozen parameters" if not arm.is_scratch else NOT_TRAINED  # from scratch nothing is frozen
    return {"Trained parameters": f"{counts.trained:,}", kept: f"{counts.frozen:,}"}


def _strip(arm: Arm, look: ArmLook, classes: Sequence[str], picture: str) -> str:
    parts = strip(arm, n_classes=len(classes))
    base = "".join(_bar(part, look.colour) for part in parts if not part.is_head)
    head = "".join(_bar(part, look.colour) for part in parts if part.is_head)
    size = arm.image_size
    image = (
        f'<img src="{html.escape(picture)}" alt="" title="Picture, {size} × {size} px" '
        'style="width:44px;height:44px;border-radius:4px;flex:none">'
    )
    return (
        f'<div role="img" aria-label="{html.escape(describe(arm, look, classes=classes))}" '
        f'style="display:flex;align-items:center;gap:8px;height:{HEIGHT}px">{image if picture else ""}'
        f'<div style="display:flex;align-items:center;gap:2px;height:100%;flex:1;min-width:0">{base}</div>'
        f'<div style="display:flex;align-items:center;gap:2px;height:100%;flex:none">{head}</div>'
        f"{_class_names(classes)}</div>"
    )


def _bar(part: Segment, colour: str) -> str:
    fill = colour if part.is_trained else f"color-mix(in srgb, {FROZEN} 28%, transparent)"
    edge = colour if part.is_trained else FROZEN
    place = "width:9px" if part.is_head else f"flex:{part.width:.1f} 1 0;min-width:0"
    radius = 5 if part.is_head else 2
    return (
        f'<div title="{html.escape(part.text)}" style="{place};height:{100 * part.height:.0f}%;box-sizing:border-box;'
        f'background:{fill};border:1.5px solid {edge};border-radius:{radius}px"></div>'
    )


def _class_names(classes: Sequence[str]) -> str:
    shown = list(classes) if len(classes) <= MOST_CLASSES + 1 else [*classes[:MOST_CLASSES]]
    more = len(classes) - len(shown)
    lines = [*shown, *([f"and {more} more"] if more else [])]
    style = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
    rows = "".join(f'<div style="{style}">{html.escape(line)}</div>' for line in lines)
    title = html.escape(", ".join(classes))
    return (
        f'<div title="{title}" style="flex:none;max-width:min(84px,24%);font-size:12px;line-height:14px">{rows}</div>'
    )


def _runs(parts: Sequence[Segment]) -> tuple[int, int]:
    trained = sum(part.is_trained for part in parts)
    return trained, len(parts) - trained


def _legend(arm: Arm, look: ArmLook) -> str:
    trained, frozen = _runs(_base_parts(arm))
    entries = []
    if frozen:
        entries.append(f"{LOCK}<span>{count(frozen, 'block')} frozen</span>")
    swatch = f'<span style="width:10px;height:10px;border-radius:2px;background:{look.colour};flex:none"></span>'
    blocks = f"{count(trained, 'block')} and " if trained else ""
    entries.append(f"{swatch}<span>{blocks}head trained</span>")
    spans = "".join(f'<span style="display:flex;align-items:center;gap:6px">{entry}</span>' for entry in entries)
    return f'<div style="display:flex;flex-wrap:wrap;gap:2px 16px;font-size:13px;margin:6px 0 10px">{spans}</div>'


def _numbers(numbers: Mapping[str, str]) -> str:
    cells = "".join(_number(name, value) for name, value in numbers.items())
    return f'<dl style="display:grid;grid-template-columns:1fr 1fr;gap:8px 12px;margin:0;padding:0">{cells}</dl>'


def _number(name: str, value: str) -> str:
    return (
        f'<div title="{html.escape(GLOSSES.get(name, ""))}">'
        f'<dt style="font-size:12px;font-weight:400;opacity:0.72">{html.escape(name)}</dt>'
        f'<dd style="margin:0;font-size:16px;font-variant-numeric:tabular-nums">{html.escape(value)}</dd></div>'
    )
