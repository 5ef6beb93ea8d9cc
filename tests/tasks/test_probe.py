import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from plans import ARMS, planned

from core.disk.files import write_json
from core.disk.status import State, Status, read_status, request_stop
from core.plan import estimate
from core.plan.experiment import Experiment
from core.tasks import probe


@pytest.fixture
def request_of(tmp_path: Path) -> Callable[..., Path]:
    """A function that asks for a probe of an experiment; its directory."""

    def write(of: Experiment) -> Path:
        directory = tmp_path / "probe"
        directory.mkdir()
        write_json(directory / "request.json", {"experiment": of.model_dump(mode="json"), "n_classes": 3})
        return directory

    return write


def small(**choices: object) -> Experiment:
    plain = {"image_size": 32, "scratch": {"image_size": 32}}
    return planned("0" * 32, **{**plain, **choices})


def status(directory: Path) -> Status:
    return read_status(directory) or Status()


def test_a_probe_measures_both_arms_so_that_there_is_an_estimate(request_of, home, monkeypatch):
    monkeypatch.setattr(probe, "LAST_START_SECONDS", 60.0)  # a busy machine takes longer than 8 s to import Keras alone
    chosen = small()
    directory = request_of(chosen)
    begun = time.monotonic()
    assert probe.main([str(directory)]) == 0
    taken = time.monotonic() - begun
    assert status(directory).state is State.DONE
    assert not estimate.missing(chosen)
    rows = [json.loads(line) for line in (home / "rates.jsonl").read_text().splitlines() if line]
    assert [row["key"].split()[0] for row in rows] == ["transfer", "scratch"]
    assert rows[0]["features_rate"] > 1
    assert rows[1]["features_rate"] is None, "from scratch there is no frozen part"
    assert rows[0]["fit_rate"] > 10 * rows[1]["fit_rate"] > 1, "a head alone is far quicker than a whole network"
    assert taken < 60

    def seconds(n_train: int, arm: str) -> float:
        found = estimate.estimate(chosen, n_train=n_train, n_validation=10, n_test=10)[arm].seconds
        assert found
        return found

    for arm in ARMS:
        assert 0 < seconds(100, arm) < seconds(10_000, arm)


def test_without_an_opponent_only_one_arm_is_measured(request_of):
    chosen = small(is_alone=True)
    assert probe.main([str(request_of(chosen))]) == 0
    assert not estimate.missing(chosen)
    assert len(estimate.missing(small())) == 1


def test_a_probe_that_is_asked_to_stop_leaves_at_once(request_of, start, wait_for, home):
    directory = request_of(small())
    process = start("core.tasks.probe", directory)
    wait_for(lambda: status(directory).state is State.STARTING)
    begun = time.monotonic()
    request_stop(directory)
    assert process.wait(10) == 0
    assert time.monotonic() - begun < 1.5
    assert status(directory).state is State.STOPPED
    assert not (home / "rates.jsonl").exists()


def test_a_probe_that_fails_says_why(request_of, home):
    directory = request_of(small())
    (home / "rates.jsonl").mkdir()
    assert probe.main([str(directory)]) == 1
    assert status(directory).state is State.FAILED
    assert "The log tells more." in status(directory).message
