"""Names of classes and folders as they are shown: in the order in which people count, and no longer than fits."""

import re
from collections.abc import Iterable

LONG_NAME = 20  # letters of a class on an axis; hovering and the table have all of it
IN_A_SENTENCE = 40  # letters
NUMBER = re.compile(r"(\d+)")


def natural(names: Iterable[str]) -> list[str]:
    """Sorted as people count: 2 before 10, and capitals beside their small letters."""
    return sorted(names, key=_natural)


def _natural(name: str) -> tuple[list[tuple[int, int | str]], str]:
    pieces = (piece for piece in NUMBER.split(name) if piece)
    return [(0, int(piece)) if piece.isdecimal() else (1, piece.casefold()) for piece in pieces], name


def shortened(name: str, letters: int = LONG_NAME) -> str:
    """`name` in at most so many letters: it loses its middle, for names often differ at either end."""
    tail = (letters - 1) // 3
    return name if len(name) <= letters else f"{name[: letters - 1 - tail]}…{name[-tail:]}"
