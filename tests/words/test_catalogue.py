"""The catalogues and the code that says things hold each other: every kind is there, and filled with what it needs."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import errors
from core.data.findings.problem import REMEDY, SEVERITIES, ProblemKind
from core.words.english import catalogue
from core.words.said import PLAIN, Said
from core.words.sentences import LANGUAGES, fields, sentence

ROOT = Path(__file__).parents[2]
OUTSIDE = (ROOT / "core" / "words",)
SAYERS = {"say", "Said", "blamed"}
COMPOSED = {  # kinds of which the code has the beginning alone: what may follow
    "problem.": [kind.replace(" ", "-") for kind in ProblemKind],
    "usage.": ["datasets", "experiments", "predictions", "cache", "weights", "probes", "others"],
    "page.": [kind.removeprefix("page.") for kind in catalogue.TEXTS if kind.startswith("page.cp")],
    "outcome.": ["clear-transfer", "transfer", "clear-scratch", "scratch", "same", "no-difference", "too-few"],
    "job.": ["experiment", "ingest", "prediction", "weights", "probe"],
}
IMPLIED = {"problem.": {"n"}}  # values that `problem.found` adds


def sources() -> Iterator[ast.Module]:
    for path in [*ROOT.glob("core/**/*.py"), *ROOT.glob("pages/**/*.py"), ROOT / "app.py"]:
        if not any(path.is_relative_to(folder) for folder in OUTSIDE):
            yield ast.parse(path.read_text(encoding="utf-8"))


def nodes() -> Iterator[ast.AST]:
    for tree in sources():
        yield from ast.walk(tree)


def said() -> Iterator[tuple[str, ast.Call]]:
    """Each call that says something by a kind that is written out there."""
    for node in nodes():
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name in SAYERS or is_error(name):
                yield str(node.args[0].value), node


def is_error(name: str) -> bool:
    return hasattr(errors, name) or name in {"EntryError", "TableError", "RowsError", "PictureError", "ShortError"} | {
        "TooSlowError",
        "_TooMuchError",
    }


def constants() -> set[str]:
    return {node.value for node in nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def composed() -> set[str]:
    return {f"{beginning}{end}" for beginning, ends in COMPOSED.items() for end in ends}


def test_every_kind_that_the_code_says_is_in_the_catalogue():
    missing = {kind for kind, _ in said()} - {*catalogue.TEXTS}
    assert not missing
    assert len({kind for kind, _ in said()}) > 150  # the test sees them


def test_what_is_composed_has_its_kind_in_the_catalogue():
    written_where_found = {"problem.unlabelled-part", "problem.reading", "problem.table"}
    assert composed() - written_where_found <= {*catalogue.TEXTS}


def test_every_kind_of_the_catalogue_is_used():
    used = constants() | composed() | {PLAIN}
    idle = {kind for kind in catalogue.TEXTS if kind.removesuffix(REMEDY) not in used and kind not in used}
    assert not idle


def test_every_kind_is_there_once():
    kinds = [kind for area in catalogue.AREAS for kind in area.TEXTS]
    assert len(kinds) == len(set(kinds))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_every_kind_with_the_same_values(language):
    texts = LANGUAGES[language].texts
    assert texts.keys() == catalogue.TEXTS.keys()
    for kind, template in catalogue.TEXTS.items():
        assert fields(texts[kind]) <= fields(template) | {"n"}


def test_a_kind_is_said_with_the_values_that_its_template_needs_and_no_others():
    for kind, call in said():
        names = {keyword.arg for keyword in call.keywords}
        if None in names or any(isinstance(each, ast.Starred) for each in call.args):
            continue  # values that are computed
        if ast.unparse(call.func).rpartition(".")[2] == "blamed":
            continue
        needed = fields(catalogue.TEXTS[kind]) | fields(catalogue.TEXTS.get(f"{kind}{REMEDY}", ""))
        if len(call.args) == 1:
            assert names == needed, (kind, names ^ needed)


def test_every_problem_has_a_severity():
    assert {*SEVERITIES} == {*ProblemKind}


def test_every_template_can_be_filled_with_nothing_at_all():
    """As it is where an earlier version has written fewer values: a gap is no reason to show no page."""
    for kind in catalogue.TEXTS:
        assert isinstance(sentence(Said(kind, {})), str)
