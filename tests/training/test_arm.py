"""Status and last words of an arm's process; how a real one answers a stop is in test_training."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.disk.home import experiment_directory
from core.disk.status import State, Status, is_alive, read_status, request_stop
from core.errors import WeightsError
from core.plan.arm_files import SIGN, remove_temporary
from core.training import arm
from core.training.arm import Run
from core.words.said import plain
from core.worker import process, writer
from core.worker.writer import StatusWriter


@pytest.fixture
def report(tmp_path: Path) -> StatusWriter:
    return StatusWriter(tmp_path, process.started())


@pytest.fixture
def directory(new_experiment: Callable[..., str]) -> Path:
    opponent = {"epochs": 7, "learning_rate": 0.01, "patience": 3, "image_size": 48}
    return experiment_directory(new_experiment(frozen_blocks=5, scratch=opponent))


def status(folder: Path) -> Status:
    found = read_status(folder)
    assert found
    return found


def test_a_new_state_begins_with_no_progress(report, tmp_path):
    report.tell(device="CPU", done=5, total=9, rate=3.0, seconds_left=1.0)
    report.enter(State.FIT, plain("Now it learns."))
    found = status(tmp_path)
    assert (found.state, found.message, found.done, found.total) == (State.FIT, "Now it learns.", 0, 0)
    assert found.rate is found.seconds_left is None
    assert found.device == report.device == "CPU"
    assert is_alive(found)


def test_progress_is_written_a_few_times_a_second_and_at_the_end(report, tmp_path, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    report.enter(State.FEATURES)
    written = []
    for done in range(1, 101):
        clock[0] += 0.1
        report.progress(done, 100, rate=10.0)
        written.append(status(tmp_path).done)
    assert written[-1] == 100
    assert 20 <= len(set(written)) <= 35


def test_the_time_left_follows_from_the_rate_unless_it_is_known_better(report, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "STATUS_SECONDS", -1.0)
    report.progress(10, 10, rate=4.0)
    assert status(tmp_path).seconds_left == 0
    report.progress(2, 10, rate=4.0)
    assert status(tmp_path).seconds_left == 2.0
    report.progress(2, 10, rate=4.0, seconds_left=33.0)
    assert status(tmp_path).seconds_left == 33.0


@pytest.mark.parametrize("state", [State.DONE, State.STOPPED, State.FAILED])
def test_after_a_final_state_nothing_more_is_said(state, report, tmp_path):
    report.tell(state=state, said=plain("The last word."))
    report.enter(State.FIT)
    report.progress(1, 1)
    report.fail(ValueError("late"))
    assert status(tmp_path).state is state
    assert status(tmp_path).message == "The last word."


def test_a_failure_of_ours_is_told_in_its_own_words_and_another_by_name_with_where_to_look(report, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    report.fail(WeightsError(plain("Expected weights. Found none. Fetch them.")))
    StatusWriter(other, process.started()).fail(KeyError("head"))
    assert status(tmp_path).message == "Expected weights. Found none. Fetch them."
    assert status(other).message == "Failed with KeyError: 'head'. The log tells more."
    assert status(tmp_path).state is status(other).state is State.FAILED


def test_each_arm_has_its_own_training_size_and_frozen_blocks(directory):
    transfer, scratch = Run(directory, "transfer"), Run(directory, "scratch")
    assert (transfer.training.epochs, scratch.training.epochs) == (2, 7)
    assert (transfer.training.learning_rate, scratch.training.learning_rate) == (1e-3, 0.01)
    assert (transfer.training.patience, scratch.training.patience) == (None, 3)
    assert (transfer.image_size, scratch.image_size) == (32, 48)
    assert (transfer.arm.frozen_blocks, scratch.arm.frozen_blocks) == (5, 0)


def test_a_process_that_begins_says_who_it_is(directory):
    Run(directory, "transfer")
    found = status(directory / "transfer")
    assert found.state is State.STARTING
    assert is_alive(found)


def test_one_that_begins_anew_only_to_score_says_so_from_its_start(directory):
    request_stop(directory / "transfer")
    job = Run(directory, "transfer", served=1)
    found = status(directory / "transfer")
    assert found.state is State.SCORE
    assert found.said == arm.STOPPED_AND_SCORED
    assert job.was_stopped
    assert not job.is_stopped(), "the stop that led here is served"


def test_the_last_word_says_whether_there_are_scores_and_why_not(directory):
    def last_word(which: str, end: Callable[[Run], None]) -> tuple[State, str]:
        end(Run(directory, which))
        found = status(directory / which)
        return found.state, found.message

    assert last_word("transfer", Run.finish) == (State.DONE, "")
    state, message = last_word("transfer", Run.give_up)
    assert state is State.STOPPED
    assert "before its first epoch" in message

    def stopped_while_scored(job: Run) -> None:
        job.begin_scoring()
        job.give_up()

    state, message = last_word("scratch", stopped_while_scored)
    assert state is State.STOPPED
    assert "no scores" in message
    request_stop(directory / "scratch")
    state, message = last_word("scratch", lambda _: Run(directory, "scratch", served=1).finish())
    assert state is State.STOPPED
    assert "best epoch" in message


def test_a_stop_that_comes_after_the_last_file_takes_no_scores_away(directory):
    job = Run(directory, "transfer")
    job.begin_scoring()
    request_stop(directory / "transfer")
    (directory / "transfer" / SIGN).touch()
    job.give_up()
    assert "no scores" not in status(directory / "transfer").message
    assert status(directory / "transfer").state.is_final


def test_what_only_a_running_arm_needs_is_removed_at_its_end_and_nothing_else(directory):
    folder = directory / "transfer"
    temporary = ["train.npy", "best.npz", ".best.npz.123.partial", "start.json", "partial.keras"]
    kept = ["model.keras", "labels.json", "metrics.jsonl", "arm.json", "predictions.parquet", "log.txt", "cancel"]
    with Run(directory, "transfer"):
        for name in temporary + kept[:-1]:
            (folder / name).touch()
    assert sorted(path.name for path in folder.iterdir()) == sorted([*kept[:-1], "status.json"])
    for name in temporary:
        (folder / name).touch()
    remove_temporary(folder)
    assert not [name for name in temporary if (folder / name).exists()]
