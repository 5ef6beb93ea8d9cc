"""Where an experiment stands, in words."""

from collections.abc import Callable

import pytest
from plans import planned

from core.disk.files import write_json
from core.disk.home import arm_directory
from core.disk.record import read_json
from core.disk.status import State, Status, request_stop, write_status
from core.display import progress, tables
from core.errors import InputError
from core.plan import estimate
from core.plan.estimate import Rates
from core.plan.experiments import read_experiment
from core.queue import jobs, presence
from core.report import report


@pytest.fixture(autouse=True)
def no_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is submitted stays in the queue."""
    monkeypatch.setattr(presence, "ensure_consumer", lambda: None)


def told(experiment_id: str, arm: str, **status: object) -> progress.ArmProgress:
    """What is said when the process of `arm` says `status`."""
    write_status(arm_directory(experiment_id, arm), Status(**status))
    return next(each for each in progress.read(experiment_id).arms if each.arm == arm)


def test_says_epoch_batch_time_and_rate_of_a_fit(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(arms=(), training={"epochs": 10})
    fit = told(
        experiment_id,
        "transfer",
        state=State.FIT,
        done=9,
        total=40,
        rate=317.0,
        seconds_left=41.0,
        device="CPU, 2 cores",
    )
    assert fit.title == "Training, epoch 3 of 10"
    assert fit.details == ("about 40\xa0s left", "batch 1 of 4", "320 pictures a second")
    assert fit.share == pytest.approx(9 / 40)
    assert fit.place == ("CPU, 2 cores",)


def test_the_last_batch_is_in_the_last_epoch(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(arms=(), training={"epochs": 10})
    fit = told(experiment_id, "transfer", state=State.FIT, done=40, total=40)
    assert fit.title == "Training, epoch 10 of 10"
    assert fit.details == ("batch 4 of 4",)


def test_each_state_has_its_unit(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(arms=())
    weights = told(experiment_id, "transfer", state=State.WEIGHTS, done=6 * 2**20, total=17 * 2**20)
    features = told(experiment_id, "transfer", state=State.FEATURES, done=1200, total=2500, rate=52.4)
    assert weights.details == ("6 of 17 MB",)
    assert features.details == ("1,200 of 2,500 pictures", "52 pictures a second")


def test_a_waiting_arm_says_what_it_will_take(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(arms=())
    scratch = told(experiment_id, "scratch", state=State.QUEUED)
    assert scratch.details == ("not timed on this host yet",)
    rates = Rates(start=5.0, fit_rate=60.0, evaluate=5.0, features_rate=None, peak_memory_bytes=None, batch_size=1)
    estimate.record(read_experiment(experiment_id).arm("scratch"), rates)
    assert told(experiment_id, "scratch", state=State.QUEUED).details[0].startswith("at most ")


def test_why_keras_computes_the_frozen_part_stays_to_be_read_during_the_fit(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(arms=())
    why = "Keras computes the frozen part, which is slower: OpenVINO cannot convert this network."
    features = told(experiment_id, "transfer", state=State.FEATURES, message=why)
    assert features.title == why.removesuffix(".")
    assert told(experiment_id, "transfer", state=State.FIT, message=why, done=1, total=40).details[-1] == why


def test_the_title_follows_the_queue_and_the_arms(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(arms=())
    assert (progress.read(experiment_id).title, progress.read(experiment_id).is_submitted) == ("Ready to train", False)
    jobs.submit_experiment(experiment_id)
    assert progress.read(experiment_id).title == "Waiting: number 1 in the queue"


@pytest.mark.parametrize(
    ("transfer", "scratch", "title"),
    [
        (State.DONE, State.DONE, "Training is done"),
        (State.DONE, State.STOPPED, "Training was stopped"),
        (State.FAILED, State.STOPPED, "Training failed"),
    ],
)
def test_the_title_of_what_is_over_says_the_worst(
    transfer: State, scratch: State, title: str, finished_experiment: Callable[..., str]
):
    experiment_id = finished_experiment(arms=())
    told(experiment_id, "transfer", state=transfer)
    told(experiment_id, "scratch", state=scratch)
    assert (progress.read(experiment_id).title, progress.read(experiment_id).is_over) == (title, True)


def test_it_is_over_once_the_result_is_written(
    finished_experiment: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    experiment_id = finished_experiment()
    monkeypatch.setattr(jobs, "position", lambda _: 0)
    standing = progress.read(experiment_id)
    assert (standing.title, standing.is_over) == ("Writing the result", False)


def test_a_stop_that_was_asked_for_is_said_until_it_is_answered(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(arms=())
    told(experiment_id, "transfer", state=State.FIT, done=1, total=40)
    request_stop(arm_directory(experiment_id, "transfer"))
    stopping = progress.read(experiment_id).arms[0]
    assert (stopping.title, stopping.is_stopping) == ("Stopping", True)
    stopped = told(experiment_id, "transfer", state=State.STOPPED, message="Stopped before its first epoch.")
    assert (stopped.is_stopping, stopped.details) == (False, ("Stopped before its first epoch.",))


def test_a_finished_arm_says_its_score_and_an_early_stop(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(stopped=("scratch",))
    scored = report.read(experiment_id).arms
    transfer, scratch = (progress.outcome(arm, scored[arm.arm]) for arm in progress.read(experiment_id).arms)
    assert transfer.title.startswith("Done: right on ")
    assert "best epoch 9 of 12" in transfer.details
    assert scratch.title.startswith("Stopped early: right on ")


@pytest.mark.parametrize("seconds", [22.74, 754.4])
def test_a_finished_arm_says_the_very_time_that_its_report_says(
    finished_experiment: Callable[..., str], seconds: float
):
    experiment_id = finished_experiment()
    path = arm_directory(experiment_id, "transfer") / "arm.json"
    facts = read_json(path)
    write_json(path, facts | {"seconds": facts["seconds"] | {"total": seconds}})
    read = report.read(experiment_id)
    said = progress.outcome(progress.read(experiment_id).arms[0], read.arms["transfer"]).details[-1]
    reported = tables.cost(read).set_index("what")["Transfer"]["Time in all"]
    assert said.replace("\xa0", " ") == f"{reported} in all"


def test_shows_the_end_of_a_long_log(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(arms=())
    assert progress.log(experiment_id, "transfer") == ""
    lines = [f"line {number}" for number in range(1000)]
    (arm_directory(experiment_id, "transfer") / "log.txt").write_text("\n".join(lines), encoding="utf-8")
    assert progress.log(experiment_id, "transfer").splitlines() == lines[-progress.LOG_LINES :]


def test_refuses_an_experiment_that_is_not_there():
    with pytest.raises(InputError, match="deleted"):
        progress.read("0" * 32)


def test_three_arms_are_told_apart(finished_experiment: Callable[..., str]):
    transfer, scratch = planned().arms
    vgg = transfer.model_copy(update={"name": "vgg", "base": "VGG16", "frozen_blocks": 5})
    experiment_id = finished_experiment(of_arms=(transfer, vgg, scratch), right={"transfer": 0.9})
    assert told(experiment_id, "vgg", state=State.FIT, done=1, total=30).title == "Training, epoch 1 of 30"
    standing = progress.read(experiment_id)
    assert [arm.label.text for arm in standing.arms] == [
        "Transfer learning, MobileNet",
        "Transfer learning, VGG16",
        "From scratch",
    ]
    assert standing.title == "Training: transfer learning, VGG16"
