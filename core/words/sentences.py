"""What is said → a sentence, by the catalogue of a language.

A catalogue has a template for each kind, in the manner of `str.format`: {name} stands for a value, and behind a colon
is how it is said:

    {number:,} {rate:.2g}     as Python formats it; of a list, each
    {bytes:size} {n:count picture} {names:quoted}   by the language's own `SAYS`
    {n:is|are}                the first for one, or for a list of one
    {name:if|so|else}         by whether there is a value; may be without its last part

Between the bars there may be values again. A value that is said itself comes in its own words.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from string import Formatter
from typing import Any, NamedTuple

from core.words.english import catalogue as english
from core.words.said import Said, is_said

Say = Callable[[Any, str], str]  # a value, and what follows the word that names this way of saying it
Values = Mapping[str, Any]
BAR = "|"


class Language(NamedTuple):
    """How one language says things."""

    texts: Mapping[str, str]  # kind → template
    says: Mapping[str, Say]


LANGUAGES = {"en": Language(english.TEXTS, english.SAYS)}


def sentence(said: Said, language: str = "en") -> str:
    """The words for what is said; of a kind that only a later version knows, its name."""
    return _of(said.kind, said.values, LANGUAGES[language])


def fields(template: str) -> set[str]:
    """The names of the values that a template is filled with."""
    found = set()
    for _, name, way in _pieces(template):
        if name:
            found.add(name)
            for choice in _choices(way) if BAR in way else ():
                found |= fields(choice)
    return found


def _of(kind: str, values: Values, language: Language) -> str:
    template = language.texts.get(kind)
    return kind if template is None else _filled(template, values, language)


def _filled(template: str, values: Values, language: Language) -> str:
    return "".join(
        text + (_said(values.get(name), way, values, language) if name else "") for text, name, way in _pieces(template)
    )


@lru_cache(maxsize=512)
def _pieces(template: str) -> tuple[tuple[str, str, str], ...]:
    """Text, the value behind it, how it is said."""
    return tuple((text, name or "", way or "") for text, name, way, _ in Formatter().parse(template))


def _said(value: Any, way: str, values: Values, language: Language) -> str:
    """One value; one that is not there, as in what an earlier version wrote, is said as nothing."""
    if BAR in way:
        return _filled(_chosen(value, [*_choices(way)]), values, language)
    if is_said(value):
        value = _of(value["kind"], value["values"], language)
    if isinstance(value, list):
        value = [_said(each, "", values, language) if is_said(each) else each for each in value]
    name, _, rest = way.partition(" ")
    if value is None:
        return ""
    if name in language.says:
        return language.says[name](value, rest)
    return ", ".join(format(each, way) for each in value) if isinstance(value, list) else format(value, way)


def _chosen(value: Any, choices: list[str]) -> str:
    if choices[0] == "if":
        return choices[1] if value else "".join(choices[2:])
    number = len(value) if isinstance(value, list) else value
    return choices[0] if number == 1 else choices[1]


def _choices(way: str) -> Iterator[str]:
    """What the bars divide, but for those within braces."""
    depth, begin = 0, 0
    for place, sign in enumerate(way):
        depth += (sign == "{") - (sign == "}")
        if sign == BAR and depth == 0:
            yield way[begin:place]
            begin = place + 1
    yield way[begin:]
