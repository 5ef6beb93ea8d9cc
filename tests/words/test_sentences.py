"""How templates are filled, and how a kind with its values goes through a file."""

import json
import pickle
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from core.data.findings.problem import ProblemKind
from core.errors import InputError, ResourceError
from core.words import numbers, sentences
from core.words.english import catalogue
from core.words.said import Said, plain, say
from core.words.sentences import Language, fields, sentence

ROOT = Path(__file__).parents[2]


@pytest.fixture
def words(monkeypatch):
    """A function that fills a template."""

    def fill(template: str, **values: object) -> str:
        texts = {"t": template, "inner": "because of {n:count cat}", "plain": "{text}"}
        monkeypatch.setitem(sentences.LANGUAGES, "xx", Language(texts, catalogue.SAYS))
        return sentence(say("t", **values), "xx")

    return fill


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("{n:,} of {share:.1%}", {"n": 1200, "share": 0.5}, "1,200 of 50.0%"),
        ("{n:count picture}", {"n": 1}, "1 picture"),
        ("{n:count picture}", {"n": 1200}, "1,200 pictures"),
        ("{n:count picture} {n:is|are} odd", {"n": 1}, "1 picture is odd"),
        ("{n:count picture} {n:is|are} odd", {"n": 0}, "0 pictures are odd"),
        ("{names:is|are} {names}", {"names": ["a"]}, "is a"),
        ("{names:is|are} {names}", {"names": ["a", "b"]}, "are a, b"),
        ("{n:entry was|entries were}", {"n": 2}, "entries were"),
        ("{n:size} free", {"n": 8_600_000_000}, "8.6 GB free"),
        ("{n:gigabytes}", {"n": 1_300_000_000}, "1.3\xa0GB"),
        ("{s:duration}", {"s": 4800}, "1\xa0h 20\xa0min"),
        ("{names:quoted}", {"names": ["a", "b"]}, "'a', 'b'"),
        ("{names:and}", {"names": ["a", "b"]}, "'a' and 'b'"),
        ("{text:capital}", {"text": "memory ran out"}, "Memory ran out"),
        ("({text:open})", {"text": "It is wrong."}, "(It is wrong)"),
        ("Found 1{n:if|, and {n:count picture} outside}.", {"n": 3}, "Found 1, and 3 pictures outside."),
        ("Found 1{n:if|, and {n:count picture} outside}.", {"n": 0}, "Found 1."),
        ("{a:if|{b:is|are}|none}", {"a": "x", "b": 2}, "are"),
        ("{a:if|{b:is|are}|none}", {"a": None, "b": 2}, "none"),
        ("{a:if||with }it", {"a": ""}, "with it"),
        ("{name}", {"name": "a|b {c}: d"}, "a|b {c}: d"),
        ("{name:if|'{name}'|nothing}", {"name": "a|b{c}"}, "'a|b{c}'"),
        ("{reason}!", {"reason": say("inner", n=2)}, "because of 2 cats!"),
        ("{all:semicolons}", {"all": [say("inner", n=1), say("inner", n=2)]}, "because of 1 cat; because of 2 cats"),
        ("{reason:if|({reason})|-}", {"reason": say("inner", n=2)}, "(because of 2 cats)"),
        ("{lost}{more:,}", {}, ""),
    ],
)  # fmt: skip
def test_a_template_is_filled(words, template, values, expected):
    assert words(template, **values) == expected


def test_the_fields_of_a_template_are_all_that_it_names_those_between_bars_too():
    assert fields("{a} {b:size} {c:if|x {d:count y}|{e:is|are}}") == {"a", "b", "c", "d", "e"}


def test_a_kind_of_a_later_version_is_shown_by_its_name():
    assert sentence(Said("later.kind", {"n": 1})) == "later.kind"
    assert sentence(plain("Anything at all.")) == "Anything at all."


def test_what_is_said_is_the_same_before_and_after_a_file():
    inner = say("upload.policy", seconds=86_400.0)
    one = say("upload.gone", policy=inner, path=Path("/a"), kind=ProblemKind.TABLE, n=np.int64(3), names=("a", "b"))
    assert Said.read(json.loads(json.dumps(asdict(one)))) == one
    assert one.values["path"] == "/a"
    assert one.values["names"] == ["a", "b"]
    assert Said.read(one) is one
    assert Said.read("Written by an earlier version.") == plain("Written by an earlier version.")
    assert len({one, say("upload.gone"), one}) == 2


def test_an_error_is_a_kind_with_its_values_and_reads_as_its_sentence():
    error = ResourceError("archive.too-large", most=1000, found=1200)
    assert str(error) == "Unpacked, a zip may have at most 1.0 kB. Found 1.2 kB. Leave some pictures out."
    assert error.said == say("archive.too-large", most=1000, found=1200)
    assert str(InputError(error.said)) == str(error)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.said) == (ResourceError, error.said)


@pytest.mark.parametrize(("days", "expected"), [(1, "a day"), (7, "7 days"), (1.5, "1.5 days"), (1 / 24, "1\xa0h")])
def test_days_are_said_as_people_do(days, expected):
    assert expected in sentence(say("upload.policy", seconds=86_400 * days))


def test_one_place_makes_plurals():
    """A noun gets its "s" in `numbers`; whoever else wants one asks there, or has a template."""
    makes = re.compile(r"""\{['"]{2} if |['"]s['"] if|else ['"]s['"]""")
    found = [
        str(path.relative_to(ROOT))
        for folder in ("core", "pages")
        for path in (ROOT / folder).rglob("*.py")
        if makes.search(path.read_text(encoding="utf-8"))
    ]
    assert not found
    assert numbers.points(-0.01, 0.02, 100) == "1 point worse to 2 points better"
    assert numbers.signed_points(0.01, 100) == "+1 point"
