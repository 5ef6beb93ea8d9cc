"""What is said, before it is in words: a kind and the values that belong to it. This is what files keep."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from os import PathLike, fspath
from typing import Any, Self

PLAIN = "plain"  # a text that somebody else wrote, or an earlier version: {"text": …}


@dataclass(frozen=True)
class Said:
    """A status, a problem, a remark, an error: `kind` names its sentence in the catalogue of each language.

    Values are what JSON has, raw: bytes and seconds as numbers, names as they are, and others that are said within.
    """

    kind: str
    values: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Let it be the same before it was written to a file and after it was read from there."""
        object.__setattr__(self, "values", {name: _plain(value) for name, value in self.values.items()})

    def __hash__(self) -> int:
        """Of the kind alone; values may be lists."""
        return hash(self.kind)

    @classmethod
    def read(cls, stored: Any) -> Self:
        """What a file has of it; a bare text is one that an earlier version has put in words."""
        if isinstance(stored, cls):
            return stored
        if is_said(stored):
            return cls(stored["kind"], stored["values"])
        return cls(PLAIN, {"text": str(stored)})


def say(kind: str, /, **values: object) -> Said:
    """Something to be said, with its values by name."""
    return Said(kind, values)


def plain(text: str) -> Said:
    """A text as it is: of the system, of a library, of an earlier version."""
    return Said(PLAIN, {"text": text})


def is_said(value: object) -> bool:
    """Whether a value from a file is something that is said."""
    return isinstance(value, Mapping) and value.keys() == {"kind", "values"}


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, PathLike):
        return fspath(value)
    if isinstance(value, str):
        return str(value)  # of a StrEnum its value
    return value.item() if hasattr(value, "item") else value  # of NumPy
