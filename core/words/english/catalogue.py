"""All English templates together, and how English says numbers, sizes, times and lists."""

from collections.abc import Callable
from typing import Any

from core.words import numbers
from core.words.english import archive, command, dataset, disk, pictures, plan, problems, readings, report, run, weights

DAY_SECONDS = 86_400.0
AREAS = (archive, command, dataset, disk, pictures, plan, problems, readings, report, run, weights)
TEXTS: dict[str, str] = {"plain": "{text}"} | {kind: text for area in AREAS for kind, text in area.TEXTS.items()}


def _quoted(names: list[str] | str, _: str) -> str:
    return ", ".join(f"'{name}'" for name in ([names] if isinstance(names, str) else names))


def _both(names: list[str], _: str) -> str:
    return " and ".join(f"'{name}'" for name in names)


def _capital(text: str, _: str) -> str:
    return text[:1].upper() + text[1:]


def _days(seconds: float, _: str) -> str:
    days = seconds / DAY_SECONDS
    if days == 1:
        return "a day"
    return f"{days:g} days" if days >= 1 else numbers.duration(seconds)


SAYS: dict[str, Callable[[Any, str], str]] = {
    "count": lambda number, noun: numbers.count(number, noun),
    "share": lambda share, _: numbers.percent(share["share"], share["of"]),
    "shares": lambda share, _: numbers.percent_range((share["low"], share["high"]), share["of"]),
    "points": lambda share, _: numbers.points(share["low"], share["high"], share["of"]),
    "size": lambda size_bytes, _: numbers.size(size_bytes),
    "gigabytes": lambda size_bytes, _: numbers.gigabytes(size_bytes),
    "megabytes": lambda size_bytes, _: f"{size_bytes / 1e6:,.0f} MB",
    "duration": lambda seconds, _: numbers.duration(seconds),
    "days": _days,
    "quoted": _quoted,
    "semicolons": lambda texts, _: "; ".join(texts),
    "and": _both,
    "capital": _capital,
    "open": lambda text, _: str(text).rstrip("."),  # to be gone on behind
}
