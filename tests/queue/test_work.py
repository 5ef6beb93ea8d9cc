"""In which order jobs are handed out to the lanes; how they are carried out is tested with the jobs."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from core.disk.home import arm_directory, dataset_directory, new_id
from core.disk.status import State, Status, read_status
from core.plan import defaults
from core.plan.experiments import create_experiment
from core.queue import job
from core.queue.job import Job
from core.queue.kinds import Kind, Lane
from core.queue.lanes import NO_GPU
from core.queue.work import Work

pytestmark = pytest.mark.usefixtures("stand_in")


@pytest.fixture
def work(home: Path) -> Work:
    """One place for trainings and one for short jobs."""
    (home / "jobs").mkdir()
    return Work({Lane.EXPERIMENTS: [{}], Lane.SHORT: [NO_GPU]})


def written(kind: Kind, directory: Path, subject: str, submitted: int, **more: bool) -> Path:
    """A job that waits, whose work goes on until its file `go` is there."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "part").write_text("works until told")
    Job(kind=kind, subject=subject, submitted=submitted, **more).write()
    return directory


def training(submitted: int, **more: bool) -> Path:
    split = pd.DataFrame({"picture": ["a"], "label": ["b"], "part": ["train"]})
    one = create_experiment(defaults.experiment(new_id()).without("scratch"), split)
    return written(Kind.EXPERIMENT, arm_directory(one, "transfer"), one, submitted, **more)


def probe(home: Path, submitted: int) -> Path:
    return written(Kind.PROBE, home / "probes" / "one", str(home / "probes" / "one"), submitted)


def upload(submitted: int) -> Path:
    directory = dataset_directory(new_id())
    return written(Kind.INGEST, directory, directory.name, submitted)


def order_of_starts(work: Work, directories: list[Path], wait_for: Callable[..., None]) -> list[Path]:
    """Hand out until all have run, and end each as soon as it has begun."""
    started: list[Path] = []

    def all_have_run() -> bool:
        work.hand_out()
        for directory in directories:
            is_at_work = (read_status(directory) or Status()).state is State.FIT
            if is_at_work and directory not in started:
                started.append(directory)
                (directory / "go").touch()
        return not job.read_all()

    wait_for(all_have_run)
    return started


def test_the_order_of_a_lane_is_that_of_submission(work, wait_for):
    third, first, second = training(3), training(1), training(2)
    assert order_of_starts(work, [first, second, third], wait_for) == [first, second, third]


def test_a_probe_goes_after_every_training_and_what_was_begun_before_any(work, home, wait_for):
    last, second, first = probe(home, 1), training(2), training(3, is_begun=True)
    assert order_of_starts(work, [last, second, first], wait_for) == [first, second, last]


def test_a_lane_that_is_full_holds_no_other_up(work, wait_for):
    running, waiting, short = training(1), training(2), upload(3)
    work.hand_out()
    wait_for(lambda: all((each / "starts").exists() for each in (running, short)))
    assert not (waiting / "starts").exists()
    assert not work.is_idle
    order_of_starts(work, [running, waiting, short], wait_for)


def test_a_job_is_handed_out_once_however_often_that_is_done(work, wait_for):
    running = training(1)
    for _ in range(5):
        work.hand_out()
    wait_for((running / "starts").exists)
    work.hand_out()
    order_of_starts(work, [running], wait_for)
    assert len((running / "starts").read_text().splitlines()) == 1
    wait_for(lambda: work.is_idle)


def test_one_of_the_same_name_that_comes_later_has_its_turn(work, wait_for):
    first = upload(1)
    order_of_starts(work, [first], wait_for)
    (first / "status.json").unlink()
    Job(kind=Kind.INGEST, subject=first.name, submitted=2).write()
    wait_for(lambda: work.hand_out() or not job.read_all())
    assert len((first / "starts").read_text().splitlines()) == 2


def test_one_that_is_discarded_while_it_waits_never_begins(work, wait_for):
    running, unwanted = training(1), training(2)
    work.hand_out()
    wait_for((running / "starts").exists)
    job.read_all()[1].discard()
    work.sweep()
    assert [each.submitted for each in job.read_all()] == [1]
    order_of_starts(work, [running], wait_for)
    assert not (unwanted / "starts").exists()
