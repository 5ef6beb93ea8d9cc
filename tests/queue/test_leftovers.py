"""What nobody uses and what was left half written goes; what is in use or being written stays."""

import os
import time
from pathlib import Path

import pytest
from plans import planned

from core.disk import cache
from core.disk.cache import Cache
from core.disk.files import write_json
from core.disk.home import cache_directory, experiment_directory
from core.plan import predictions
from core.plan.experiments import read_experiment
from core.queue import consumer, leftovers
from core.queue.job import Job
from core.queue.kinds import Kind

ONE, TWO = "1" * 32, "2" * 32


def made(path: Path, *, hours: float, is_folder: bool = False) -> Path:
    """A file, or a folder with a file in it, that was changed so long ago."""
    file = path / "status.json" if is_folder else path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{}")
    for each in {file, path}:
        os.utime(each, (time.time() - hours * 3600,) * 2)
    return path


HALF_WRITTEN = (
    f"experiments/{ONE}/.split.parquet.12-12.partial",
    f"experiments/{ONE}/transfer/.best.npz.12-12.partial",
    f"predictions/{ONE}/.status.json.12-12.partial",
    f"datasets/{ONE}/.dataset.json.12-12.partial",
    f"probes/{ONE}/.request.json.12-12.partial",
    "weights/vgg16.h5.ab12.partial",
    "jobs/.experiment-x.json.12-12.partial",
    ".server.json.12-12.partial",
    ".disk-12-12",
)


@pytest.mark.parametrize("name", HALF_WRITTEN)
def test_what_a_killed_process_left_half_written_goes_and_what_is_being_written_stays(home, name):
    for folder, sign in (("experiments", "experiment"), ("predictions", "request"), ("datasets", "request")):
        (home / folder / ONE).mkdir(parents=True)
        (home / folder / ONE / f"{sign}.json").write_text("{}")
    old, new = made(home / name, hours=2), made(home / f"{name.removesuffix('.partial')}2.partial", hours=0)
    leftovers.remove()
    assert not old.exists()
    assert new.exists()


@pytest.mark.parametrize("folder", ["experiments", "predictions", "datasets"])
def test_a_folder_that_never_got_what_it_was_for_goes_after_a_while(home, folder):
    old, new = (made(home / folder / name, hours=hours, is_folder=True) for name, hours in ((ONE, 2), (TWO, 0)))
    foreign = made(home / folder / "mine", hours=1000, is_folder=True)
    leftovers.remove()
    assert not old.exists()
    assert new.exists()
    assert foreign.exists(), "whatever a person has put there is not ours"


def test_a_prediction_goes_after_a_week_unless_it_still_waits(home):
    (home / "jobs").mkdir()
    ages = {"a": 24 * 6, "b": 24 * 8, "c": 24 * 8}
    folders = {name: home / "predictions" / (name * 32) for name in ages}
    for name, folder in folders.items():
        folder.mkdir(parents=True)
        made(folder / "request.json", hours=ages[name])
        os.utime(folder, (time.time() - ages[name] * 3600,) * 2)
    Job(kind=Kind.PREDICTION, subject="c" * 32, submitted=1).write()
    leftovers.remove()
    assert {name for name, folder in folders.items() if folder.exists()} == {"a", "c"}
    assert predictions.request("b" * 32) is None


def test_a_probe_goes_after_a_day(home):
    old, new = (made(home / "probes" / name, hours=hours, is_folder=True) for name, hours in ((ONE, 25), (TWO, 23)))
    leftovers.remove()
    assert not old.exists()
    assert new.exists()


def test_of_the_cache_goes_what_was_being_removed_and_what_nobody_used_and_nothing_in_use(home):
    made(home / "cache" / ".gone-12", hours=0, is_folder=True)
    for name in ("idle", "busy"):
        with Cache({"of": name}, shape=(2,), kind="float32"):
            pass
    with Cache({"of": "busy"}, shape=(2,), kind="float32"):
        for path in cache_directory().glob("*/key.json"):
            os.utime(path, (0, 0))
        leftovers.remove()
        assert [cache.read_facts(path)["of"] for path in cache_directory().iterdir()] == ["busy"]


def test_an_experiment_stays_however_old_it_is():
    directory = experiment_directory(ONE)
    directory.mkdir(parents=True)
    write_json(directory / "experiment.json", planned(TWO).model_dump(mode="json"))
    made(directory, hours=100_000, is_folder=True)
    os.utime(directory / "experiment.json", (0, 0))
    leftovers.remove()
    assert read_experiment(ONE)


def test_an_empty_home_is_no_trouble():
    leftovers.remove()


@pytest.mark.usefixtures("stand_in")
def test_the_consumer_looks_for_leftovers_when_it_starts(home, wait_for, start):
    old = made(home / "experiments" / ONE, hours=2, is_folder=True)
    start("core.queue.consumer")
    wait_for(lambda: not old.exists(), 20)
    assert consumer.HOUSE_SECONDS >= 60
