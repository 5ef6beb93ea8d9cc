"""Each way a run can start, stop, die and be found again: real consumers, real processes, a stand-in for the training.

The fixture `stand_in` says what the stand-in can play; the file `part` in the directory of its work names the part.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil
import pytest
from plans import ARMS, planned
from stand_ins import is_gone

from core.data import ingest, split
from core.disk.home import arm_directory, dataset_directory, experiment_directory, new_id
from core.disk.record import read_json
from core.disk.status import State, Status, read_status, request_stop, stop_requests, write_status
from core.errors import ExperimentError, InputError
from core.identity import Identity
from core.plan import attempt, bases, weights
from core.plan.experiments import create_experiment
from core.queue import children, job, jobs, presence
from core.queue.job import Job
from core.queue.kinds import Kind
from core.settings import ROOT, SAMPLE, settings

pytestmark = pytest.mark.usefixtures("stand_in")


def new_experiment(**parts: str) -> str:
    """An experiment of two arms; `transfer` and `scratch` say what their stand-ins do."""
    split = pd.DataFrame({"picture": ["a"], "label": ["b"], "part": ["train"]})
    experiment_id = create_experiment(planned(new_id()), split)
    for arm, part in parts.items():
        (experiment_directory(experiment_id) / arm / "part").write_text(part)
    return experiment_id


def submitted(**parts: str) -> str:
    experiment_id = new_experiment(**parts)
    jobs.submit_experiment(experiment_id)
    return experiment_id


def status(experiment_id: str, arm: str = "transfer") -> Status:
    return read_status(arm_directory(experiment_id, arm)) or Status()


def states(experiment_id: str) -> list[str]:
    return [status(experiment_id, arm).state for arm in ARMS]


def is_over(experiment_id: str) -> Callable[[], bool]:
    return lambda: jobs.position(experiment_id) is None


def starts(directory: Path) -> list[dict]:
    """What its stand-ins noted, one for each start."""
    path = directory / "starts"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def go(experiment_id: str, arm: str = "transfer") -> None:
    (experiment_directory(experiment_id) / arm / "go").touch()


def consumer(home: Path) -> psutil.Process:
    return psutil.Process(read_json(home / "consumer.json")["pid"])


def as_server(code: str, *arguments: str) -> None:
    """Run code in a process of its own, which is then the last server that the consumer has heard of."""
    subprocess.run([sys.executable, "-c", textwrap.dedent(code), *arguments], cwd=ROOT, check=True, timeout=60)


# starting


def test_both_arms_run_one_after_the_other_and_then_the_report(wait_for):
    one = submitted(transfer="works until told")
    wait_for(lambda: status(one).state is State.FIT)
    assert states(one) == ["fit", "queued"]
    assert jobs.position(one) == 0
    go(one)
    wait_for(is_over(one))
    assert states(one) == ["done", "done"]
    assert (experiment_directory(one) / "result.json").exists()
    assert jobs.queue_length() == 0


def test_an_experiment_that_is_submitted_twice_runs_once(wait_for):
    one = submitted(transfer="works until told")
    jobs.submit_experiment(one)
    wait_for(lambda: status(one).state is State.FIT)
    jobs.submit_experiment(one)
    go(one)
    wait_for(is_over(one))
    assert [len(starts(arm_directory(one, arm))) for arm in ARMS] == [1, 1]
    with pytest.raises(InputError, match="was not trained yet"):
        jobs.submit_experiment(one)


def test_what_is_not_there_cannot_be_submitted(home):
    with pytest.raises(InputError, match="files of this experiment"):
        jobs.submit_experiment(new_id())
    with pytest.raises(InputError, match="files of this ingest"):
        jobs.submit_ingest(new_id())
    with pytest.raises(InputError, match="an id of 32"):
        jobs.submit_prediction("../../etc")
    with pytest.raises(ExperimentError, match="a base out of"):
        jobs.submit_weights("../../etc")
    assert not (home / "consumer.json").exists()


def test_experiments_run_in_the_order_of_their_submission_and_know_their_place(wait_for):
    first, second, third = (submitted(transfer="works until told") for _ in range(3))
    wait_for(lambda: status(first).state is State.FIT)
    assert [jobs.position(each) for each in (first, second, third)] == [0, 1, 2]
    assert jobs.queue_length() == 3
    assert jobs.position(new_id()) is None
    go(first)
    wait_for(lambda: status(second).state is State.FIT)
    assert [jobs.position(each) for each in (first, second, third)] == [None, 0, 1]
    assert states(third) == ["queued", "queued"]
    go(second)
    go(third)
    wait_for(is_over(third))
    assert states(third) == ["done", "done"]


@pytest.mark.parametrize("seconds", [-3600, -86_400 * 3650, 3600])
def test_the_order_of_submission_holds_when_the_clock_steps(monkeypatch, wait_for, seconds):
    first, second, third = (new_experiment(transfer="works until told") for _ in range(3))
    jobs.submit_experiment(first)
    wait_for(lambda: status(first).state is State.FIT)
    real = time.time_ns
    for one in (second, third):
        monkeypatch.setattr(time, "time_ns", lambda after=one: real() + (1 + (after == third)) * seconds * 10**9)
        jobs.submit_experiment(one)
    assert [jobs.position(each) for each in (first, second, third)] == [0, 1, 2]
    assert [jobs.ahead(each) for each in (second, third)] == [1, 2]
    assert [each.subject for each in job.read_all()] == [first, second, third]


def test_short_jobs_do_not_wait_for_a_training_and_leave_the_gpu_alone(home, wait_for):
    one = submitted(transfer="works until told")
    wait_for(lambda: status(one).state is State.FIT)
    dataset, prediction = dataset_directory(new_id()), home / "predictions" / new_id()
    for directory in (dataset, prediction):
        directory.mkdir(parents=True)
    jobs.submit_ingest(dataset.name)
    jobs.submit_prediction(prediction.name)
    jobs.submit_weights("VGG16")
    for directory in (dataset, prediction, weights.directory("VGG16")):
        wait_for(lambda at=directory: (read_status(at) or Status()).state is State.DONE)
        assert [each["gpu"] for each in starts(directory)] == ["-1"]
    assert status(one).state is State.FIT
    assert jobs.position(one) == 0


def held_uploads(number: int) -> list[Path]:
    """Uploads that take for ever, submitted one after another."""
    directories = [dataset_directory(new_id()) for _ in range(number)]
    for directory in directories:
        directory.mkdir(parents=True)
        (directory / "part").write_text("works until told")
        jobs.submit_ingest(directory.name)
    return directories


def test_the_sample_does_not_wait_behind_uploads_that_take_for_ever(wait_for):
    first, second, third = held_uploads(3)
    for directory in (first, second):
        wait_for(lambda at=directory: (read_status(at) or Status()).state is State.FIT)
    sample = ingest.create(SAMPLE, "Sample")
    jobs.submit_ingest(sample)
    wait_for(lambda: (read_status(dataset_directory(sample)) or Status()).state is State.DONE)
    assert (read_status(third) or Status()).state is State.QUEUED


def test_counts_trainings_and_the_uploads_and_predictions_that_wait(home, wait_for):
    assert jobs.queued() == {"training": 0, "upload": 0, "prediction": 0}
    for number in range(2):
        one = submitted(transfer="works until told")
        if not number:
            wait_for(lambda at=one: status(at).state is State.FIT)
    *_, last = held_uploads(3)
    prediction = home / "predictions" / new_id()
    prediction.mkdir(parents=True)
    jobs.submit_prediction(prediction.name)
    wait_for(lambda: jobs.queued() == {"training": 2, "upload": 1, "prediction": 1})
    assert jobs.queued(besides=(last.name, None)) == {"training": 2, "upload": 0, "prediction": 1}


def test_a_real_process_fetches_weights(monkeypatch, wait_for):
    monkeypatch.delenv("HEADSTART_PYTHON")
    settings.cache_clear()
    jobs.submit_weights("MobileNet")
    place = weights.directory("MobileNet")
    wait_for(lambda: (read_status(place) or Status()).state.is_final)
    end = read_status(place)
    assert end
    assert end.state is State.DONE
    assert bases.base("MobileNet").weights.bundled in end.message


def test_a_download_can_be_asked_for_again_after_a_stop(wait_for):
    place = weights.directory("VGG16")
    place.mkdir(parents=True)
    (place / "part").write_text("works until told")
    jobs.submit_weights("VGG16")
    wait_for(lambda: (read_status(place) or Status()).state is State.FIT)
    request_stop(place)
    wait_for(lambda: not job.read_all())
    (place / "go").touch()
    jobs.submit_weights("VGG16")
    wait_for(lambda: not job.read_all())
    end = read_status(place)
    assert end
    assert end.state is State.DONE


def test_a_probe_waits_behind_experiments_and_is_ended_when_one_is_submitted(home, wait_for):
    probe = home / "probes" / "one"
    probe.mkdir(parents=True)
    (probe / "part").write_text("is deaf")
    first = submitted(transfer="works until told")
    wait_for(lambda: status(first).state is State.FIT)
    second = new_experiment()
    jobs.submit_probe(probe)
    jobs.submit_experiment(second)
    assert jobs.position(second) == 1
    go(first)
    wait_for(lambda: (read_status(probe) or Status()).state is State.FIT)
    assert states(second) == ["done", "done"]
    third = submitted()
    wait_for(is_over(third))
    assert states(third) == ["done", "done"]
    end = read_status(probe)
    assert end
    assert (end.state, end.said) == (State.STOPPED, children.DISCARDED)


def test_a_home_that_is_named_relative_to_the_server_is_found_by_its_processes(home, monkeypatch, wait_for):
    monkeypatch.chdir(home.parent)
    monkeypatch.setenv("HEADSTART_HOME", home.name)
    settings.cache_clear()
    one = submitted()
    wait_for(is_over(one))
    assert states(one) == ["done", "done"]


# stopping


def test_stopping_the_running_arm_starts_the_next(wait_for):
    one = submitted(transfer="works until told", scratch="works until told")
    wait_for(lambda: status(one).state is State.FIT)
    jobs.stop_arm(one, "transfer")
    wait_for(lambda: states(one) == ["stopped", "fit"])
    assert status(one).message == "by you"
    go(one, "scratch")
    wait_for(is_over(one))
    assert states(one) == ["stopped", "done"]


def test_a_waiting_arm_that_is_stopped_says_so_at_once_and_never_starts(wait_for):
    one = submitted(transfer="works until told")
    wait_for(lambda: status(one).state is State.FIT)
    jobs.stop_arm(one, "scratch")
    wait_for(lambda: states(one) == ["fit", "stopped"], 2)
    go(one)
    wait_for(is_over(one))
    assert states(one) == ["done", "stopped"]
    assert status(one, "scratch").said == children.NEVER_STARTED
    assert not starts(arm_directory(one, "scratch"))


def test_any_number_of_arms_run_in_their_order_and_stop_together(wait_for):
    transfer, scratch = planned(new_id()).arms
    third = transfer.model_copy(update={"name": "third"})
    split = pd.DataFrame({"picture": ["a"], "label": ["b"], "part": ["train"]})
    three = planned(new_id()).model_copy(update={"arms": (third, transfer, scratch)})
    one = create_experiment(three, split)
    (experiment_directory(one) / "transfer" / "part").write_text("works until told")
    jobs.submit_experiment(one)
    wait_for(lambda: status(one).state is State.FIT)
    assert (status(one, "third").state, status(one, "scratch").state) == (State.DONE, State.QUEUED)
    jobs.stop_all(one)
    wait_for(is_over(one), 3)
    assert [status(one, arm).state for arm in ("third", *ARMS)] == [State.DONE, State.STOPPED, State.STOPPED]
    assert (experiment_directory(one) / "result.json").exists()


def test_stop_all_ends_both_arms(wait_for):
    one = submitted(transfer="works until told")
    wait_for(lambda: status(one).state is State.FIT)
    jobs.stop_all(one)
    wait_for(is_over(one), 3)
    assert states(one) == ["stopped", "stopped"]
    assert not (experiment_directory(one) / "result.json").exists()


def test_an_experiment_that_is_stopped_while_it_waits_leaves_the_line_at_once(wait_for):
    first, second, third = (submitted(transfer="works until told") for _ in range(3))
    wait_for(lambda: status(first).state is State.FIT)
    jobs.stop_all(second)
    wait_for(is_over(second), 2)
    assert states(second) == ["stopped", "stopped"]
    assert jobs.position(third) == 1
    go(first)
    wait_for(lambda: status(third).state is State.FIT)
    assert not starts(arm_directory(second, "transfer"))


def test_a_process_that_still_loads_is_stopped_at_once(wait_for):
    one = submitted(transfer="loads for long")
    wait_for(lambda: starts(arm_directory(one, "transfer")))
    jobs.stop_all(one)
    wait_for(is_over(one), 3)
    assert states(one) == ["stopped", "stopped"]


def test_a_stop_of_what_has_ended_changes_nothing(wait_for):
    one = submitted()
    wait_for(is_over(one))
    jobs.stop_all(one)
    assert states(one) == ["done", "done"]
    assert stop_requests(arm_directory(one, "transfer")) == 0


def test_a_running_experiment_is_ended_before_it_is_deleted(home, wait_for):
    one, other = submitted(transfer="is deaf"), submitted()
    wait_for(lambda: status(one).state is State.FIT)
    pid = status(one).pid
    jobs.delete(one)
    assert is_gone(pid)()
    assert not experiment_directory(one).exists()
    wait_for(is_over(other))
    assert states(other) == ["done", "done"]
    assert not list((home / "jobs").iterdir())


def test_a_waiting_experiment_is_deleted_and_the_line_goes_on(wait_for):
    first, second, third = submitted(transfer="works until told"), submitted(), submitted()
    wait_for(lambda: status(first).state is State.FIT)
    jobs.delete(second)
    assert not experiment_directory(second).exists()
    assert jobs.position(third) == 1
    go(first)
    wait_for(is_over(third))
    assert states(third) == ["done", "done"]


# dying


@pytest.mark.parametrize("part", ["is killed once", "is refused memory once"])
def test_an_arm_for_which_memory_ran_out_has_a_second_attempt_with_half_the_batch(wait_for, part):
    one = submitted(scratch=part)
    wait_for(is_over(one))
    assert states(one) == ["done", "done"]
    assert len(starts(arm_directory(one, "scratch"))) == 2
    second = attempt.read(arm_directory(one, "scratch"))
    assert second
    assert (second.usual_batch_size, second.batch_size) == (16, 8)
    assert attempt.read(arm_directory(one, "transfer")) is None


def test_an_arm_that_crashes_has_a_second_attempt_without_openvino(wait_for, monkeypatch, tmp_path):
    (tmp_path / "openvino").mkdir()
    (tmp_path / "openvino" / "__init__.py").touch()  # installed, as far as can be seen
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    one = submitted(transfer="aborts once")
    wait_for(is_over(one))
    assert states(one) == ["done", "done"]
    directory = arm_directory(one, "transfer")
    assert attempt.is_without_openvino(directory)
    assert [each["was_standby"] for each in starts(directory)][1:] == [False], "every standby loads OpenVINO"


def test_a_kill_that_nobody_asked_for_is_called_out_of_memory_the_second_time_and_the_other_arm_runs(wait_for):
    one = submitted(transfer="is killed")
    wait_for(is_over(one))
    assert states(one) == ["failed", "done"]
    assert len(starts(arm_directory(one, "transfer"))) == 2
    assert status(one).message == (
        "The system ended this run, probably because memory ran out. "
        "Lower the batch size, the picture size or the number of trained blocks."
    )


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            "crashes",
            "with exit code 3 before its work was done. The log ends with: Epoch 1 / ValueError: no such layer",
        ),
        ("aborts", "by the signal SIGABRT before its work was done. The log is empty."),
        ("forgets", "with exit code 0 before its work was done. The log is empty."),
    ],
)
def test_a_process_that_dies_is_failed_with_the_end_of_its_log(wait_for, part, said):
    one = submitted(transfer=part)
    wait_for(is_over(one))
    assert states(one) == ["failed", "done"]
    assert said in status(one).message


def test_work_that_cannot_be_carried_out_fails_and_the_line_goes_on(monkeypatch, wait_for):
    monkeypatch.setenv("HEADSTART_PYTHON", "/no/such/python")
    settings.cache_clear()
    one, other = submitted(), submitted()
    wait_for(is_over(other))
    assert states(one) == states(other) == ["failed", "failed"]
    assert "/no/such/python" in status(one).message


# being found again


def test_after_a_killed_consumer_the_run_says_it_was_interrupted_and_the_other_arm_and_the_line_go_on(home, wait_for):
    one, other = submitted(transfer="works until told"), submitted()
    wait_for(lambda: status(one).state is State.FIT)
    consumer(home).kill()
    wait_for(is_gone(status(one).pid))
    assert states(one) == ["fit", "queued"]
    presence.ensure_consumer()
    wait_for(is_over(other))
    assert states(one) == ["failed", "done"]
    assert status(one).said == children.INTERRUPTED
    assert [len(starts(arm_directory(one, arm))) for arm in ARMS] == [1, 1]
    assert (experiment_directory(one) / "result.json").exists()
    assert states(other) == ["done", "done"]


def test_a_consumer_that_is_killed_during_the_second_arm_leaves_the_first_ones_result(home, wait_for):
    one = submitted(scratch="works until told")
    wait_for(lambda: status(one, "scratch").state is State.FIT)
    consumer(home).kill()
    wait_for(is_over(one))
    assert states(one) == ["done", "failed"]
    assert status(one, "scratch").said == children.INTERRUPTED
    assert [len(starts(arm_directory(one, arm))) for arm in ARMS] == [1, 1]
    assert (experiment_directory(one) / "result.json").exists()


def test_a_consumer_that_is_killed_during_each_arm_leaves_both_interrupted(home, wait_for):
    one = submitted(transfer="works until told", scratch="works until told")
    for arm in ARMS:
        wait_for(lambda arm=arm: status(one, arm).state is State.FIT and jobs.position(one) == 0)
        consumer(home).kill()
        wait_for(lambda arm=arm: jobs.position(one) is None or status(one, arm).state.is_final)
    wait_for(is_over(one))
    assert states(one) == ["failed", "failed"]
    assert {status(one, arm).said for arm in ARMS} == {children.INTERRUPTED}
    assert not (experiment_directory(one) / "result.json").exists()


def test_a_consumer_that_is_killed_before_it_has_begun_loses_nothing(home, wait_for):
    presence.ensure_consumer()
    before = consumer(home)
    before.send_signal(signal.SIGSTOP)
    one = submitted()
    before.kill()
    wait_for(is_over(one))
    assert states(one) == ["done", "done"]


def test_a_consumer_that_is_killed_before_the_report_is_followed_by_one_that_writes_it(wait_for):
    one = new_experiment()
    for arm in ARMS:
        write_status(arm_directory(one, arm), Status(state=State.DONE))
        (arm_directory(one, arm) / "predictions.parquet").touch()
    left_in_the_middle(Job(kind=Kind.EXPERIMENT, subject=one, submitted=1, is_begun=True, step="scratch"))
    wait_for(is_over(one))
    assert states(one) == ["done", "done"]
    assert (experiment_directory(one) / "result.json").exists()
    assert not any(starts(arm_directory(one, arm)) for arm in ARMS)


@pytest.mark.parametrize("is_alive", [True, False])
def test_a_process_that_its_killed_consumer_had_not_noted_yet_is_known_by_its_own_status(wait_for, is_alive):
    one = new_experiment(transfer="outlives the consumer")
    write_status(arm_directory(one, "scratch"), Status())
    alone = subprocess.Popen([settings().python, "-m", "core.tasks.train", experiment_directory(one), "transfer"])
    wait_for(lambda: status(one).state is State.FIT)
    if is_alive:
        left_in_the_middle(Job(kind=Kind.EXPERIMENT, subject=one, submitted=1, is_begun=True))
        wait_for(lambda: (noted := job.read(f"experiment-{one}")) and noted.pid == alone.pid)
        go(one)
        alone.wait(20)
    else:
        alone.kill()
        alone.wait(20)
        left_in_the_middle(Job(kind=Kind.EXPERIMENT, subject=one, submitted=1, is_begun=True))
    wait_for(is_over(one))
    assert states(one) == ["done" if is_alive else "failed", "done"]
    assert len(starts(arm_directory(one, "transfer"))) == 1


def left_in_the_middle(left: Job) -> None:
    """What a killed consumer or server has left of a job; and a consumer that takes over."""
    with presence.lock():
        left.write()
    presence.ensure_consumer()


def test_jobs_whose_server_was_killed_right_after_it_had_written_them_have_their_turn(wait_for):
    wait_for(is_over(submitted()))  # a consumer is at work
    lost = [new_experiment() for _ in range(3)]
    for number, one in enumerate(lost):
        for arm in ARMS:
            write_status(arm_directory(one, arm), Status())
        left_in_the_middle(Job(kind=Kind.EXPERIMENT, subject=one, submitted=number))
    for one in lost:
        wait_for(is_over(one))
        assert states(one) == ["done", "done"]
        assert [len(starts(arm_directory(one, arm))) for arm in ARMS] == [1, 1]


def test_a_run_that_outlives_its_consumer_is_followed_and_not_started_twice(home, wait_for):
    one = submitted(transfer="outlives the consumer")
    wait_for(lambda: status(one).state is State.FIT)
    before = consumer(home)
    before.kill()
    wait_for(is_gone(before.pid))
    presence.ensure_consumer()
    other = submitted()
    wait_for(lambda: (home / "consumer.json").exists() and consumer(home).pid != before.pid)
    assert [jobs.position(each) for each in (one, other)] == [0, 1]
    go(one)
    wait_for(is_over(other))
    assert states(one) == states(other) == ["done", "done"]
    assert len(starts(arm_directory(one, "transfer"))) == 1


def test_a_consumer_that_died_between_the_arms_is_followed_by_one_that_starts_the_second(wait_for):
    one = new_experiment()
    write_status(arm_directory(one, "transfer"), Status(state=State.DONE))
    write_status(arm_directory(one, "scratch"), Status())
    gone = Identity(pid=1, created=1.0)
    left_in_the_middle(
        Job(kind=Kind.EXPERIMENT, subject=one, submitted=1, is_begun=True, step="transfer", process=gone)
    )
    wait_for(is_over(one))
    assert states(one) == ["done", "done"]
    assert not starts(arm_directory(one, "transfer"))


def test_a_page_that_only_polls_replaces_a_killed_consumer(home, wait_for):
    one = submitted(transfer="works until told")
    wait_for(lambda: status(one).state is State.FIT)
    consumer(home).kill()
    wait_for(is_over(one))
    assert states(one) == ["failed", "done"]


def test_a_stop_during_an_interruption_is_a_stop(home, wait_for):
    one = submitted(transfer="works until told")
    wait_for(lambda: status(one).state is State.FIT)
    before = consumer(home)
    before.send_signal(signal.SIGSTOP)
    pid = status(one).pid
    os.kill(pid, signal.SIGKILL)
    request_stop(arm_directory(one, "transfer"))
    before.kill()
    wait_for(is_gone(before.pid))
    presence.ensure_consumer()
    wait_for(is_over(one))
    assert states(one) == ["stopped", "done"]


def test_a_consumer_that_is_asked_to_end_takes_its_children_along(home, wait_for):
    one = submitted(transfer="outlives the consumer")
    wait_for(lambda: status(one).state is State.FIT)
    before = consumer(home)
    before.terminate()
    wait_for(is_gone(before.pid))
    wait_for(is_gone(status(one).pid))
    assert states(one) == ["fit", "queued"]
    presence.ensure_consumer()
    wait_for(is_over(one))
    assert status(one).said == children.INTERRUPTED
    assert states(one) == ["failed", "done"]


# one consumer, as long as it is needed


def test_one_consumer_serves_a_home_while_its_server_lives(home, wait_for):
    one = submitted()
    wait_for(is_over(one))
    first = consumer(home)
    for _ in range(3):
        presence.ensure_consumer()
        wait_for(is_over(submitted()))
    assert consumer(home).pid == first.pid
    assert len(presence.CONSUMERS) == 1


def test_servers_that_start_at_once_start_one_consumer(wait_for):
    code = "from core.disk import home, record; from core.queue import presence; presence.ensure_consumer(); "
    code += "print(record.read_json(home.file('consumer.json'))['pid'])"
    servers = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    pids = {server.communicate(timeout=60)[0].strip() for server in servers}
    assert len(pids) == 1
    wait_for(is_gone(int(pids.pop())))  # it ends by itself, for no server lives


def test_a_second_consumer_gives_up_and_the_first_stays_the_one_that_is_known(home, wait_for):
    one = submitted(transfer="works until told")
    wait_for(lambda: status(one).state is State.FIT)
    first = consumer(home)
    subprocess.run([sys.executable, "-m", "core.queue.consumer"], cwd=ROOT, check=True, timeout=60)
    assert consumer(home).pid == first.pid
    go(one)
    wait_for(is_over(one))
    assert len(starts(arm_directory(one, "transfer"))) == 1


def test_the_consumer_finishes_the_work_without_a_server_and_then_ends(home, wait_for):
    one = new_experiment(transfer="works until told")
    as_server("import sys; from core.queue import jobs; jobs.submit_experiment(sys.argv[1])", one)
    wait_for(lambda: status(one).state is State.FIT)
    worker = consumer(home)
    go(one)
    wait_for(is_over(one))
    assert states(one) == ["done", "done"]
    wait_for(is_gone(worker.pid))
    assert not (home / "consumer.json").exists()
    other = submitted()
    wait_for(is_over(other))
    assert states(other) == ["done", "done"]


def test_a_consumer_whose_home_is_removed_ends(home, wait_for):
    presence.ensure_consumer()
    worker = consumer(home)
    wait_for(lambda: (home / "ages.json").exists())
    wait_for(lambda: shutil.rmtree(home, ignore_errors=True) or not home.exists())  # it may still write there
    wait_for(is_gone(worker.pid))


def test_stop_all_leaves_an_arm_that_is_being_scored_alone(zip_of):
    experiment_id = _scored_while_the_other_waits(zip_of)
    jobs.stop_all(experiment_id)
    assert stop_requests(arm_directory(experiment_id, "transfer")) == 0
    assert stop_requests(arm_directory(experiment_id, "scratch")) == 1


def _scored_while_the_other_waits(zip_of):
    data = ingest.ingest(ingest.create(zip_of({"a/": 4, "b/": 4}), "x"))
    experiment_id = create_experiment(planned(data.id), split.split(data).frame)
    for arm, state in (("transfer", State.SCORE), ("scratch", State.QUEUED)):
        write_status(arm_directory(experiment_id, arm), Status(state=state))
    return experiment_id
