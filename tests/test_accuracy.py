"""Real weights on real pictures, by the command line: what a head on frozen features must reach."""

import json
from pathlib import Path

import pytest

from core.__main__ import main
from core.settings import SAMPLE

pytestmark = pytest.mark.slow


@pytest.mark.timeout(900)
def test_a_head_on_frozen_mobilenet_sorts_rubbish(shared: Path, tmp_path: Path) -> None:
    """A linear probe on the same features has 0.85 (five folds)."""
    choices = ["--base", "MobileNet", "--epochs", "10", "--baseline", "none", "--out", str(tmp_path)]
    assert main(["compare", str(shared / "data" / "trashnet.zip"), *choices]) == 0
    result = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert result["dataset"]["images"] == 2527
    assert result["arms"]["transfer"]["epochs"] == 10
    assert result["arms"]["transfer"]["accuracy"] >= 0.82


@pytest.mark.timeout(900)
def test_the_sample_tells_the_story_with_the_defaults(tmp_path: Path) -> None:
    assert main(["compare", str(SAMPLE), "--out", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    transfer, scratch = result["arms"]["transfer"], result["arms"]["scratch"]
    assert transfer["accuracy"] >= 0.8  # one draw; benchmarks/seeds.py has the mean
    assert scratch["accuracy"] > 0.39  # more than always answering "mammal"
    assert result["difference"]["verdict"] == "transfer better"
    assert result["arms"]["transfer"]["proof"]["frozen_unchanged"]
