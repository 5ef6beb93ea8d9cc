"""The directories: what is written is read back, a torn end is no harm, and nothing leaves the home folder."""

import json
import os
import threading
from pathlib import Path

import pandas as pd
import pytest
from plans import ARMS, planned

from core import identity
from core.disk.files import write_frame, write_json, write_whole
from core.disk.home import arm_directory, dataset_directory, experiment_directory, new_id
from core.disk.home import make as make_home
from core.disk.record import read_json
from core.disk.status import (
    METRICS,
    State,
    Status,
    append_metrics,
    is_alive,
    read_metrics,
    read_status,
    request_stop,
    stop_requests,
    write_status,
)
from core.errors import InputError, ResourceError
from core.plan.experiments import create_experiment, delete_experiment, experiments_of, read_experiment, read_split
from core.settings import settings

DATASET = "0" * 32
SPLIT = pd.DataFrame({"picture": ["a", "b"], "label": ["cat", "dog"], "part": ["train", "test"]})


def create(workspace: str = "", created: str = "", dataset: str = DATASET, **choices: object) -> str:
    chosen = planned(dataset, workspace=workspace, created=created, **choices)
    return create_experiment(chosen, SPLIT)


# ---- the home folder


def test_the_home_folder_is_made(home, monkeypatch):
    monkeypatch.setenv("HEADSTART_HOME", str(home / "a" / "b"))
    settings.cache_clear()
    make_home()
    assert (home / "a" / "b").is_dir()


def in_a_file(home: Path) -> Path:
    (home / "file").touch()
    return home / "file" / "home"


def denied(home: Path) -> Path:
    (home / "denied").mkdir(0o500)
    return home / "denied" / "home"


@pytest.mark.parametrize("place", [in_a_file, denied])
def test_a_home_folder_that_cannot_be_written_says_how_to_name_another(place, home, monkeypatch):
    if os.geteuid() == 0 and place is denied:
        pytest.skip("root may write everywhere")
    monkeypatch.setenv("HEADSTART_HOME", str(place(home)))
    settings.cache_clear()
    with pytest.raises(ResourceError, match="HEADSTART_HOME"):
        make_home()


# ---- ids


def test_ids_are_128_random_bits_in_hexadecimal():
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(each) == 32 and int(each, 16) >= 0 for each in ids)


@pytest.mark.parametrize("identifier", ["", "../../etc", "a" * 31, "A" * 32, "g" * 32, "0" * 31 + "/"])
def test_an_id_that_is_none_is_refused_before_it_becomes_a_path(identifier):
    with pytest.raises(InputError, match="32 hexadecimal digits"):
        experiment_directory(identifier)
    with pytest.raises(InputError, match="32 hexadecimal digits"):
        dataset_directory(identifier)


# ---- files


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "value.json"
    write_json(path, {"old": True})

    def fails(partial) -> None:
        partial.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(path, fails)
    assert read_json(path) == {"old": True}
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["value.json"]


def test_a_reader_sees_the_old_file_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "value.json"
    write_json(path, 1)

    def write(partial) -> None:
        partial.write_text("2")
        assert read_json(path) == 1

    write_whole(path, write)
    assert read_json(path) == 2


def test_a_missing_file_reads_as_none(tmp_path):
    assert read_json(tmp_path / "none.json") is None
    assert read_status(tmp_path) is None


def test_a_frame_comes_back_as_it_was(tmp_path):
    write_frame(tmp_path / "frame.parquet", SPLIT)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "frame.parquet"), SPLIT, check_dtype=False)


# ---- status


def test_a_status_comes_back_as_it_was(tmp_path):
    status = Status(state=State.FIT, process=identity.own(), device="CPU", rate=3.0, done=4, total=5, message="é")
    write_status(tmp_path, status)
    assert read_status(tmp_path) == status
    assert json.loads((tmp_path / "status.json").read_text(encoding="utf-8"))["state"] == "fit"


def test_only_done_stopped_and_failed_are_final():
    assert {state for state in State if state.is_final} == {State.DONE, State.STOPPED, State.FAILED}


# ---- metrics


def test_epochs_come_back_in_order_and_before_the_first_there_are_none(tmp_path):
    assert list(read_metrics(tmp_path).columns) == METRICS
    assert read_metrics(tmp_path).empty
    for epoch in (1, 2):
        append_metrics(tmp_path, phase=1, epoch=epoch, loss=1 / epoch)
    frame = read_metrics(tmp_path)
    assert frame["epoch"].tolist() == [1, 2]
    assert frame["loss"].tolist() == [1.0, 0.5]


def test_a_torn_last_line_of_the_metrics_is_left_out(tmp_path):
    append_metrics(tmp_path, phase=1, epoch=1)
    with (tmp_path / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"phase": 1, "epo')
    assert read_metrics(tmp_path)["epoch"].tolist() == [1]


# ---- stops


def test_stop_requests_are_counted(tmp_path):
    assert stop_requests(tmp_path) == 0
    request_stop(tmp_path)
    request_stop(tmp_path)
    assert stop_requests(tmp_path) == 2


# ---- processes


def test_a_status_without_a_pid_is_of_no_process():
    assert not is_alive(Status())


# ---- experiments


def test_a_created_experiment_is_there_with_its_split_and_a_folder_an_arm(home):
    experiment_id = create(seed=3)
    found = read_experiment(experiment_id)
    assert found is not None
    assert found.lead.seed == 3
    assert found.created.endswith("+00:00")
    assert read_split(experiment_id)["part"].tolist() == ["train", "test"]
    assert all(arm_directory(experiment_id, arm).is_dir() for arm in ARMS)
    assert experiment_directory(experiment_id).is_relative_to(home)


def test_without_an_opponent_there_is_no_folder_for_it():
    experiment_id = create(is_alone=True)
    assert not arm_directory(experiment_id, "scratch").exists()


def test_an_experiment_that_is_not_there_reads_as_none():
    assert read_experiment(new_id()) is None


def test_a_link_lists_its_own_experiments_only_newest_first():
    older = create("mine", "2024-01-01T00:00:00+00:00")
    newer = create("mine", "2024-01-02T00:00:00+00:00")
    create("theirs")
    create()
    assert [each for each, _ in experiments_of("mine")] == [newer, older]
    assert experiments_of("") == []
    assert experiments_of("nobody") == []


def test_a_clock_that_was_set_back_lists_no_new_experiment_under_an_old_one():
    earlier = create("mine", "2024-01-01T00:00:00+00:00")
    before = create("mine", "2030-01-01T00:00:00+00:00")
    after = create("mine", "2026-01-01T00:00:00+00:00")
    same_second = create("mine", "2026-01-01T00:00:00+00:00")
    assert [each for each, _ in experiments_of("mine")] == [same_second, after, before, earlier]


def test_experiments_of_earlier_versions_are_listed_by_their_time_below_the_new_ones():
    new = create("mine", "2024-01-01T00:00:00+00:00")
    old = [create("mine", f"2025-01-0{day}T00:00:00+00:00") for day in (2, 1)]
    for each in old:
        path = experiment_directory(each) / "experiment.json"
        value = read_json(path)
        del value["number"]
        write_json(path, value)
    assert [each for each, _ in experiments_of("mine")] == [new, *old]


def test_deleting_what_is_not_there_does_nothing():
    delete_experiment(new_id())


def test_deleting_an_experiment_removes_what_it_was_asked_about(finished_experiment):
    experiment_id, other = finished_experiment(), finished_experiment()
    for name, asked in (("a" * 32, experiment_id), ("b" * 32, other)):
        folder = settings().home / "predictions" / name
        folder.mkdir(parents=True)
        write_json(folder / "request.json", {"experiment": asked, "pictures": [], "refused": []})
    delete_experiment(experiment_id)
    assert [path.name for path in (settings().home / "predictions").iterdir()] == ["b" * 32]


def test_two_threads_may_write_the_same_file(tmp_path):
    path, failed = tmp_path / "one.json", []
    both = threading.Barrier(2)

    def write(partial: Path) -> None:
        partial.write_text("{}")
        both.wait(10)

    def work() -> None:
        try:
            write_whole(path, write)
        except OSError as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert [each.name for each in tmp_path.glob("*one.json*")] == ["one.json"]
