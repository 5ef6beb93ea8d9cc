"""Grey of more than 8 bits: which values are black and white, by all pictures of a data set and not by each alone.

A camera of 10 or 12 bits writes files of 16; scaled by these, its pictures would be nearly black. And one scaled by its
own darkest and brightest pixel would lose what tells it from a darker one.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypedDict

Range = tuple[float, float]  # black and white
Kind = Literal["integers", "fractions"]

MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N", "F")  # Pillow's
BITS = range(8, 17)
WHOLE = 65535.0


class Values(NamedTuple):
    """What a picture of more than 8 bits holds, and what was taken for its black and white."""

    kind: Kind
    found: Range
    used: Range


class Depth(TypedDict):
    """Black and white of whole numbers and of fractions; None where no picture has such values."""

    integers: Range | None
    fractions: Range | None


UNKNOWN = Depth(integers=None, fractions=None)  # each picture goes by its own lowest and highest value
LIKELY = Depth(integers=(0.0, WHOLE), fractions=None)  # until all pictures of a data set were seen


def read(value: dict[str, list[float] | None] | None) -> Depth:
    """A depth that went through JSON; `UNKNOWN` for none."""
    ends = {kind: None if pair is None else (pair[0], pair[1]) for kind, pair in (value or {}).items()}
    return Depth(integers=ends.get("integers"), fractions=ends.get("fractions"))


def kind(mode: str) -> Kind | None:
    """Which of both a Pillow mode holds; None for 8 bits and for colour."""
    return "fractions" if mode == "F" else "integers" if mode.startswith("I") else None


def by_mode(depth: Depth) -> dict[str, Range | None]:
    """Black and white for each Pillow mode of more than 8 bits; None: a picture's own lowest and highest value."""
    return {mode: depth[of] for mode in MODES if (of := kind(mode))}


def off(found: Iterable[Values | None], depth: Depth) -> list[int]:
    """The places of pictures for which other black and white were taken than those of their data set."""
    return [place for place, values in enumerate(found) if values and values.used != depth[values.kind]]


def of(found: Iterable[Values]) -> Depth:
    """The depth that all pictures of a data set show, of which those of more than 8 bits are given."""
    every = list(found)
    return Depth(integers=_integers(_ends(every, "integers")), fractions=_ends(every, "fractions"))


def _ends(found: list[Values], what: str) -> Range | None:
    ranges = [each.found for each in found if each.kind == what]
    return (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else None


def _integers(ends: Range | None) -> Range | None:
    """From 0 to the largest number of as few bits as the pictures need; outside of 16 bits their own ends."""
    if ends is None or ends[0] < 0 or ends[1] > WHOLE:
        return ends
    return 0.0, float(next(2**bits - 1 for bits in BITS if ends[1] < 2**bits))
