"""What an arm's process notes: stage after stage, on disk and back, by whichever version."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.disk.home import arm_directory
from core.errors import DamagedError
from core.plan import facts
from core.plan.facts import ArmFacts, ArmSeconds, Built, FitFacts, Prepared

EARLIER = Path(__file__).parent / "earlier"


def test_a_stage_knows_what_the_one_before_it_knew():
    built = Built(weights_sha256="ab", seconds=ArmSeconds(start=2.0))
    prepared = facts.then(Prepared, built, views=4, seconds=built.seconds.model_copy(update={"features": 3.0}))
    fitted = facts.then(FitFacts, prepared, best_epoch=7)
    assert (fitted.weights_sha256, fitted.views, fitted.best_epoch) == ("ab", 4, 7)
    assert (fitted.seconds.start, fitted.seconds.features) == (2.0, 3.0)
    assert built.seconds.features == 0.0
    with pytest.raises(Exception, match="frozen"):
        fitted.views = 1


def test_a_process_that_starts_anew_reads_what_the_first_one_knew(tmp_path):
    prepared = Prepared(weights_sha256=None, views=2, frozen_before="cd", seconds=ArmSeconds(features=1.5))
    facts.write_start(tmp_path, prepared)
    assert facts.read_start(tmp_path) == prepared
    (tmp_path / "start.json").unlink()
    with pytest.raises(DamagedError, match=r"start\.json"):
        facts.read_start(tmp_path)


def test_an_arm_that_was_scored_is_read_as_it_was_written(finished_experiment: Callable[..., str], tmp_path: Path):
    directory = arm_directory(finished_experiment(), "transfer")
    known = facts.read(directory)
    assert isinstance(known, ArmFacts)
    assert json.loads((directory / "arm.json").read_text(encoding="utf-8")) == known.model_dump(mode="json")
    assert facts.read(tmp_path) is None


@pytest.mark.parametrize("missing", ["weights_sha256", "seconds", "best_epoch", "device", "reload_check"])
def test_what_every_version_wrote_must_be_there(missing, finished_experiment):
    path = arm_directory(finished_experiment(), "transfer") / "arm.json"
    value = json.loads(path.read_text(encoding="utf-8"))
    del value[missing]
    path.write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(DamagedError, match=missing):
        facts.read(path.parent)


@pytest.mark.parametrize("path", sorted(EARLIER.glob("arm-*.json")), ids=lambda path: path.stem)
def test_what_an_earlier_version_wrote_is_read(path, tmp_path):
    (tmp_path / "arm.json").write_bytes(path.read_bytes())
    known = facts.read(tmp_path)
    assert known
    assert known.reload_check.passed
    assert known.seconds.total > 0
    assert known.epochs >= known.best_epoch > 0
