"""The arrows of docs/architecture.md, held against the imports that the code really has."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from core.settings import ROOT

KERAS = {"keras", "tensorflow", "jax", "torch", "openvino"}
PROCESSES = {"core.queue.standby"}  # besides `core.tasks`
VAGUE_NAMES = {"utils", "common", "helpers", "types", "misc", "lib"}


@dataclass(frozen=True)
class Import:
    name: str  # a module, as far as it is one of ours: "core.disk.runs", "pages._shared"; else as written
    line: int
    is_at_top: bool  # carried out as soon as the module is imported
    is_for_types: bool  # under `if TYPE_CHECKING:`, never carried out


def sources(folder: str) -> dict[str, Path]:
    """Modules of a folder: {"core.disk.runs": .../core/disk/runs.py}; a package has the name of its folder."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


CORE = sources("core")
PAGES = sources("pages")
EVERYTHING = CORE | PAGES | {"app": ROOT / "app.py"}
# These are written in Keras, so only a process that trains or predicts loads them.
WITH_KERAS = {name for name in CORE if name.startswith(("core.network.", "core.training."))} - {"core.training.arm"}
# Such processes, `python -m …`. Pages may import them, for the values beside the process: they load Keras in functions.
PROCESSES |= {name for name in CORE if name.startswith("core.tasks.")}


def imports(path: Path) -> list[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    in_functions = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(outer)
    }
    for_types = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.If) and ast.unparse(outer.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(outer)
    }
    return [
        Import(name, node.lineno, id(node) not in in_functions | for_types, id(node) in for_types)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in imported_names(node)
    ]


def imported_names(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    module = "." * node.level + (node.module or "")
    for alias in node.names:
        submodule = f"{module}.{alias.name}"
        yield submodule if submodule in EVERYTHING else module


def top(name: str) -> str:
    return name.partition(".")[0]


def offences(modules: dict[str, Path], is_offence) -> list[str]:
    """ "core/disk/runs.py:12 imports streamlit" for each import of `modules` that offends."""
    return [
        f"{path.relative_to(ROOT)}:{found.line} imports {found.name}"
        for module, path in modules.items()
        for found in imports(path)
        if is_offence(module, found)
    ]


def test_core_knows_neither_streamlit_nor_the_pages():
    assert not offences(CORE, lambda _, found: top(found.name) in {"streamlit", "pages", "app"})


def test_keras_is_imported_only_by_the_modules_that_are_written_in_it():
    others = {name: path for name, path in EVERYTHING.items() if name not in WITH_KERAS | PROCESSES}
    assert not offences(others, lambda _, found: top(found.name) in KERAS and not found.is_for_types)


def test_modules_with_keras_are_loaded_only_by_processes_of_their_own():
    others = {name: path for name, path in EVERYTHING.items() if name not in WITH_KERAS | PROCESSES}
    assert not offences(others, lambda _, found: found.name in WITH_KERAS and not found.is_for_types)


def test_a_process_loads_keras_only_once_it_runs():
    processes = {name: path for name, path in CORE.items() if name in PROCESSES}
    loads_keras = KERAS | WITH_KERAS
    assert not offences(processes, lambda _, found: found.is_at_top and {found.name, top(found.name)} & loads_keras)


def test_a_page_imports_core_and_the_shared_parts_of_pages_only():
    def is_offence(_: str, found: Import) -> bool:
        is_other_page = found.name.startswith("pages.") and not found.name.startswith("pages._")
        return is_other_page or top(found.name) in {"app", "tests", "scripts", "benchmarks"}

    assert not offences(PAGES | {"app": EVERYTHING["app"]}, is_offence)


def test_imports_are_absolute():
    assert not offences(EVERYTHING, lambda _, found: found.name.startswith("."))


def test_no_module_imports_itself_through_others():
    graph = {
        module: {found.name for found in imports(path) if found.name in EVERYTHING and not found.is_for_types}
        for module, path in EVERYTHING.items()
    }
    TopologicalSorter(graph).prepare()  # a CycleError names the modules


def test_no_module_has_a_name_that_says_nothing():
    folders = ("core", "pages", "tests", "scripts", "benchmarks")
    paths = [ROOT / "app.py", *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]
    assert not [str(path) for path in paths if path.stem.strip("_").removeprefix("test_") in VAGUE_NAMES]


@pytest.mark.parametrize("page", [name for name in PAGES if not name.startswith("pages._")])
def test_a_page_begins_with_the_guard(page):
    body = ast.parse(PAGES[page].read_text(encoding="utf-8")).body
    calls = [node for node in body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    assert calls, f"{page} calls nothing at its top level"
    assert ast.unparse(calls[0].value) in {"begin()", "_shared.begin()"}


def test_the_server_opens_every_page_without_keras():
    """What the pages import is imported for real, in a fresh process, and what came along is looked at."""
    wanted = sorted(
        {found.name for path in (EVERYTHING["app"], *PAGES.values()) for found in imports(path) if found.is_at_top}
        & set(CORE)
    )
    code = f"import importlib, json, sys\nfor name in {wanted}: importlib.import_module(name)\n"
    code += "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert not KERAS & set(json.loads(answer.stdout)), f"imported: {wanted}"
