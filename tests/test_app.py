"""The router: the frame of every page, also when a fresh server is first asked for a page deep inside."""

import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from core.settings import ROOT, settings

STEPS = ["Upload", "Configure", "Train", "Compare", "Predict"]
MISSING = {
    "Configure": "Choose pictures first",
    "Train": "Nothing is in training yet. Choose pictures first",
    "Compare": "There is nothing to compare yet",
    "Predict": "There is no trained network to ask yet",
}


@pytest.mark.parametrize("step", MISSING)
def test_a_page_without_its_input_says_what_is_missing(step: str) -> None:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    at.switch_page(f"pages/{step.lower()}.py").run()
    assert not at.exception
    assert any(MISSING[step] in each.value for each in at.markdown)


def test_the_status_line_names_the_device_and_the_queue() -> None:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    said = " ".join(each.value for each in at.sidebar.markdown)
    assert "core" in said or "GPU" in said
    assert "Queue" in said


def test_a_home_that_cannot_be_written_is_said_and_nothing_is_begun(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "file").touch()
    monkeypatch.setenv("HEADSTART_HOME", str(home / "file" / "inside"))
    settings.cache_clear()
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    assert not at.exception
    assert "HEADSTART" in at.error[0].value
    assert not at.title


def test_a_fresh_server_whose_first_request_is_a_deep_link_shows_the_whole_app(page: Page, server_of: Callable) -> None:
    page.goto(f"{server_of().start()}/train")
    expect(page.get_by_text("Choose pictures first", exact=False)).to_be_visible(timeout=30_000)
    for step in STEPS:
        expect(page.get_by_role("link", name=step).first).to_be_visible()
    expect(page.get_by_text("Queue", exact=True)).to_be_visible()
    assert "workspace=" in page.url


def test_a_server_that_has_shown_every_page_has_not_loaded_tensorflow(page: Page, server_of: Callable) -> None:
    server = server_of()
    address = server.start()
    for step in STEPS:
        page.goto(f"{address}/{step.lower() if step != 'Upload' else ''}")
        expect(page.get_by_role("link", name=step).first).to_be_visible(timeout=30_000)
        expect(
            page.locator("[data-testid=stMain]").get_by_role("heading").or_(page.locator(".st-key-empty")).first
        ).to_be_visible(timeout=30_000)
    if sys.platform == "linux":  # elsewhere a process does not tell what it has mapped
        mapped = {entry.path for entry in psutil.Process(server.pid).memory_maps()}
        assert not [path for path in mapped if "tensorflow" in path or "openvino" in path]


def test_a_setting_that_cannot_be_is_named_and_not_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_MAX_ENTRIES", "many")
    settings.cache_clear()
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    assert not at.exception
    assert r"HEADSTART\_MAX\_ENTRIES: Input should be a valid integer".replace(":", r"\:") in at.error[0].value
