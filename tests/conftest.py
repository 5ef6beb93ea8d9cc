"""The only home of shared fixtures."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import ROOT, settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty HEADSTART_HOME of this test's own, in this process and in those that it starts."""
    for name in [name for name in os.environ if name.startswith("HEADSTART_")]:
        monkeypatch.delenv(name)  # the host's own settings are no business of a test
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HEADSTART_HOME", str(folder))
    settings.cache_clear()
    yield folder
    settings.cache_clear()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data for tests and benchmarks, which lies beside a developer's checkout."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"needs the folder {folder.name} beside the checkout")
    return folder
