"""The house of docs/architecture.md, held against the imports and names that the code really has."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from arrows import KERAS, VAGUE, House

from core.settings import ROOT

HOUSE = House(ROOT)
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("[!_]*.py"))
RULES = sorted(name for name, rule in vars(House).items() if callable(rule) and not name.startswith("_"))
RULES.remove("package")

# A small house in which every rule is kept, and for each rule what breaks it.
SOUND = {
    "core/__init__.py": "",
    "core/__main__.py": "from core.queue import jobs",
    "core/settings.py": "",
    "core/words/__init__.py": '"""Words.\n\nMay import nothing but the root.\n"""',
    "core/words/numbers.py": "",
    "core/disk/__init__.py": '"""Files.\n\nMay import nothing but the root.\n"""',
    "core/disk/home.py": "from core.settings import settings\n\ndef folder():\n    return settings().home",
    "core/queue/__init__.py": '"""Jobs.\n\nMay import disk.\n"""',
    "core/queue/jobs.py": "import subprocess\nfrom core.disk import home\nfrom core.words import numbers",
    "core/network/__init__.py": '"""Networks.\n\nMay import disk.\n"""',
    "core/network/model.py": "import keras\nfrom core.disk.home import folder",
    "core/tasks/__init__.py": '"""Processes.\n\nMay import network, disk.\n"""',
    "core/tasks/train.py": "def main():\n    from core.network import model",
    "pages/_shared/frame.py": "import streamlit",
    "pages/_train/curves.py": "from pages._shared import frame",
    "pages/train.py": "from pages._shared import frame\nfrom pages._train import curves\nfrom core.queue import jobs",
    "app.py": "from pages._shared import frame",
}
FOR_TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from core.queue import jobs"
BROKEN = [
    ("silent_packages", {"core/disk/__init__.py": '"""Files."""'}),
    ("silent_packages", {"core/queue/__init__.py": '"""Jobs.\n\nMay import dusk.\n"""'}),
    ("silent_packages", {"core/disk/__init__.py": SOUND["core/disk/__init__.py"] + "\nfrom core import settings"}),
    ("forbidden_arrows", {"core/disk/files.py": "from core.queue import jobs"}),
    ("forbidden_arrows", {"core/disk/files.py": FOR_TYPES}),
    ("forbidden_arrows", {"core/disk/files.py": "def late():\n    from core.queue.jobs import submit"}),
    ("forbidden_arrows", {"core/settings.py": "from core.disk import home"}),
    ("forbidden_arrows", {"core/words/numbers.py": "from core.disk import home"}),
    (
        "circles",
        {"core/disk/files.py": "from core.disk import home", "core/disk/home.py": "from core.disk import files"},
    ),
    ("circles", {"core/disk/__init__.py": '"""Files.\n\nMay import queue.\n"""'}),
    (
        "circles",
        {
            "core/queue/job.py": "def late():\n    from core.queue import jobs",
            "core/queue/jobs.py": FOR_TYPES + "\nfrom core.queue import job",
        },
    ),
    ("streamlit_in_core", {"core/queue/jobs.py": "import streamlit"}),
    ("streamlit_in_core", {"core/queue/jobs.py": "from pages._shared import frame"}),
    ("keras_outside", {"core/queue/jobs.py": "import keras"}),
    ("keras_outside", {"core/queue/jobs.py": "def late():\n    from core.network import model"}),
    ("keras_outside", {"core/tasks/train.py": "from core.network import model"}),
    ("keras_outside", {"pages/train.py": "def late():\n    import tensorflow.keras"}),
    ("strangers_in_pages", {"pages/train.py": "from pages import compare", "pages/compare.py": ""}),
    ("strangers_in_pages", {"pages/compare.py": "from pages._train import curves"}),
    ("strangers_in_pages", {"pages/_shared/frame.py": "from pages._train import curves"}),
    ("strangers_in_pages", {"pages/train.py": "def late():\n    from core.network import model"}),
    ("relative_imports", {"core/disk/files.py": "from . import home"}),
    ("twins", {"core/disk/files.py": "class Job: ...", "core/queue/job.py": "class Job: ..."}),
    ("homes_elsewhere", {"core/queue/jobs.py": "from core.settings import settings\nplace = settings().home"}),
    ("processes_elsewhere", {"core/disk/files.py": "import subprocess"}),
    ("processes_elsewhere", {"core/disk/files.py": "import os\n\ndef leave():\n    os._exit(1)"}),
    ("vague_names", {"core/disk/helpers.py": ""}),
    ("vague_names", {"core/utils/__init__.py": '"""Things.\n\nMay import nothing but the root.\n"""'}),
]


def built(root: Path, changes: dict[str, str]) -> House:
    for name, text in (SOUND | changes).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return House(root)


@pytest.mark.parametrize("rule", RULES)
def test_the_house_keeps_each_rule(rule):
    assert getattr(HOUSE, rule)() == []


@pytest.mark.parametrize("rule", RULES)
def test_a_sound_house_breaks_none(tmp_path, rule):
    assert getattr(built(tmp_path, {}), rule)() == []


@pytest.mark.parametrize(("rule", "changes"), BROKEN)
def test_a_broken_rule_is_seen(tmp_path, rule, changes):
    assert getattr(built(tmp_path, changes), rule)()


def test_every_rule_is_broken_above():
    assert {rule for rule, _ in BROKEN} == set(RULES)


def test_no_other_module_has_a_name_that_says_nothing():
    paths = [path for folder in ("tests", "scripts", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    assert not [str(path) for path in paths if path.stem.strip("_").removeprefix("test_") in VAGUE]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_begins_with_the_guard(page):
    body = HOUSE.trees[f"pages.{page}"].body
    calls = [node for node in body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    assert calls, f"{page} calls nothing at its top level"
    assert ast.unparse(calls[0].value) in {"begin()", "screen.begin()"}


def test_the_server_opens_every_page_without_keras():
    """What the pages import is imported for real, in a fresh process, and what came along is looked at."""
    pages = [name for name in HOUSE.paths if not name.startswith("core")]
    wanted = {found.name for name in pages for found in HOUSE.imports[name] if found.is_at_top}
    ours = sorted(name for name in wanted if name in HOUSE.paths and name.startswith("core"))
    code = f"import importlib, json, sys\nfor name in {ours}: importlib.import_module(name)\n"
    code += "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert not KERAS & set(json.loads(answer.stdout)), f"imported: {ours}"
