"""The train page: queue, progress, stop, curves, results and failures, all of it read from disk."""

import json
from collections.abc import Callable

import pytest
import visits
from plans import ARMS
from streamlit.testing.v1 import AppTest

from core.disk.files import write_json
from core.disk.home import arm_directory, experiment_directory
from core.disk.record import read_json
from core.disk.status import State, Status, append_metrics, read_metrics, request_stop, stop_requests, write_status
from core.queue import jobs, presence
from core.settings import ROOT

LINK, OTHER = "a" * 32, "b" * 32
pytestmark = pytest.mark.usefixtures("warm_server")


@pytest.fixture(autouse=True)
def no_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is submitted stays in the queue: these tests are of the page."""
    monkeypatch.setattr(presence, "ensure_consumer", lambda: None)


def opened(experiment_id: str | None = None, workspace: str = LINK) -> AppTest:
    app = visits.opened("train", workspace=workspace, experiment=experiment_id)
    assert not app.exception
    return app


def tell(experiment_id: str, arm: str, **status: object) -> None:
    write_status(arm_directory(experiment_id, arm), Status(**status))


def said(app: AppTest) -> str:
    """Titles, progress lines and captions in their order."""
    bars = [bar.proto.text for bar in app.get("progress")]
    texts = [element.value for kind in (app.title, app.markdown, app.caption, app.info, app.error) for element in kind]
    return "\n".join(bars + texts)


def figures(app: AppTest) -> list[dict]:
    """Data and layout of each figure, as plotly gets them."""
    return [json.loads(json.loads(element.proto.json)["figure"]) for element in app.get("bidi_component")]


def test_without_an_experiment_it_leads_to_where_one_begins():
    app = opened()
    assert "Choose pictures first" in app.main.markdown[-1].value


@pytest.mark.parametrize("page", ["train", "compare", "predict"])
def test_the_link_of_an_experiment_that_is_gone_says_so(page: str):
    app = visits.opened(page, experiment="a" * 32)
    assert "This experiment is not here any more" in app.main.markdown[-1].value
    assert [link.proto.page for link in app.get("page_link")]
    assert not app.button


def test_an_experiment_that_was_never_submitted_can_be_started(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(workspace=LINK, arms=())
    app = opened(experiment_id)
    app.button(key="train").click().run()
    assert jobs.position(experiment_id) == 1
    assert app.title[0].value == "Waiting: number 1 in the queue"


def test_shows_the_place_in_the_queue(finished_experiment: Callable[..., str]):
    first, second = finished_experiment(arms=()), finished_experiment(arms=())
    jobs.submit_experiment(first)
    jobs.submit_experiment(second)
    app = opened(second)
    assert app.title[0].value == "Waiting: number 2 in the queue"
    assert "not timed on this host yet" in app.caption[0].value


def test_shows_epoch_batch_time_rate_and_device(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(arms=(), training={"epochs": 10})
    jobs.submit_experiment(experiment_id)
    tell(
        experiment_id,
        "transfer",
        state=State.FIT,
        done=9,
        total=40,
        rate=317.0,
        seconds_left=41.0,
        device="GPU H100",
        engine="Keras",
    )
    app = opened(experiment_id)
    assert app.get("progress")[0].proto.text == "Training, epoch 3 of 10"
    assert app.get("progress")[0].proto.value == 22
    for part in ("40\xa0s left", "batch 1 of 4", "320 pictures a second", "GPU H100", "Keras"):
        assert part in app.caption[0].value
    assert app.button(key="compare").disabled


def test_the_first_result_is_there_while_the_other_arm_trains(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(workspace=LINK, arms=("transfer",), right={"transfer": 1.0})
    tell(experiment_id, "scratch", state=State.FIT, done=3, total=40)
    app = opened(experiment_id)
    assert app.get("progress")[0].proto.text.startswith("Done: right on 100\xa0% of ")
    assert "(95\xa0%)" in app.caption[0].value
    assert app.title[0].value == "Training: from scratch"
    assert {button.key for button in app.button} == {"stop_all", "stop_scratch", "compare"}
    assert app.button(key="compare").disabled


def test_the_curves_grow_with_the_epochs_on_disk_and_the_axis_stays(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(arms=(), training={"epochs": 20}, scratch={"epochs": 40, "image_size": 64})
    tell(experiment_id, "transfer", state=State.FIT, done=1, total=40)
    metrics = {"phase": 1, "seconds": 2.0, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.2, "val_accuracy": 0.4}
    append_metrics(arm_directory(experiment_id, "transfer"), epoch=1, **metrics)
    app = opened(experiment_id)
    before = figures(app)
    append_metrics(arm_directory(experiment_id, "transfer"), epoch=2, **metrics | {"seconds": 4.0})
    after = figures(app.run())
    assert [len(figure["data"][0]["x"]) for figure in (before[0], after[0])] == [1, 2]
    assert before[0]["layout"]["xaxis"]["range"] == after[0]["layout"]["xaxis"]["range"] == [0, 1.02 * 40]
    assert before[0]["layout"]["uirevision"] == after[0]["layout"]["uirevision"]


def test_the_axis_can_be_seconds(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment()
    app = opened(experiment_id)
    assert figures(app)[0]["layout"]["xaxis"]["title"]["text"] == "Epoch"
    app.get("button_group")[0].set_value("seconds").run()
    shown = figures(app)[0]
    assert shown["layout"]["xaxis"]["title"]["text"] == "Seconds"
    assert shown["data"][0]["x"] == read_metrics(arm_directory(experiment_id, "transfer"))["seconds"].tolist()


def test_a_stop_of_one_arm_asks_that_arm_alone(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(workspace=LINK, arms=())
    jobs.submit_experiment(experiment_id, LINK)
    tell(experiment_id, "transfer", state=State.FIT, done=3, total=40)
    app = opened(experiment_id)
    app.button(key="stop_transfer").click().run()
    assert [stop_requests(arm_directory(experiment_id, arm)) for arm in ARMS] == [1, 0]
    assert app.get("progress")[0].proto.text == "Stopping"
    assert app.button(key="stop_transfer").disabled


def test_a_stop_of_all_asks_both(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(workspace=LINK, arms=())
    jobs.submit_experiment(experiment_id, LINK)
    tell(experiment_id, "transfer", state=State.FIT, done=3, total=40)
    app = opened(experiment_id)
    app.button(key="stop_all").click().run()
    assert [stop_requests(arm_directory(experiment_id, arm)) for arm in ARMS] == [1, 1]
    assert app.get("progress")[1].proto.text == "Will be left out"


def test_an_arm_that_is_scored_after_a_stop_can_be_stopped_again(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(workspace=LINK, arms=())
    jobs.submit_experiment(experiment_id, LINK)
    tell(experiment_id, "transfer", state=State.SCORE)
    request_stop(arm_directory(experiment_id, "transfer"))
    app = opened(experiment_id)
    app.button(key="stop_transfer").click().run()
    assert stop_requests(arm_directory(experiment_id, "transfer")) == 2


@pytest.mark.parametrize(
    ("owner", "said_of_it"),
    [(LINK, "Started under another link: you see it, its owner can stop it."), ("", "Started on the command line")],
)
def test_who_has_only_the_link_of_an_experiment_sees_it_and_cannot_stop_it(
    finished_experiment: Callable[..., str], owner: str, said_of_it: str
):
    experiment_id = finished_experiment(workspace=owner, arms=())
    jobs.submit_experiment(experiment_id, owner)
    tell(experiment_id, "transfer", state=State.FIT, done=3, total=40)
    app = opened(experiment_id, OTHER)
    assert [button.key for button in app.button] == ["compare"]
    assert said_of_it in said(app)
    assert len(app.get("progress")) == 2


def test_a_link_without_its_workspace_gets_another_one_and_may_not_start_what_waits(
    finished_experiment: Callable[..., str],
):
    experiment_id = finished_experiment(workspace=LINK, arms=())
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30)
    app.query_params["experiment"] = experiment_id
    app.run()
    app.switch_page("pages/train.py").run()
    assert not app.button
    assert "its owner can start it" in said(app)
    assert app.query_params["workspace"] not in (LINK, [LINK])


def test_the_owner_reads_nothing_of_others(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(workspace=LINK, arms=())
    jobs.submit_experiment(experiment_id, LINK)
    assert "under another link" not in said(opened(experiment_id))


def test_what_has_ended_says_nothing_of_links(finished_experiment: Callable[..., str]):
    assert "under another link" not in said(opened(finished_experiment(workspace=LINK), OTHER))


def test_a_failed_arm_says_what_happened_and_shows_its_log(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(arms=("transfer",))
    tell(experiment_id, "scratch", state=State.FAILED, message="Probably out of memory. Lower the batch size.")
    log = arm_directory(experiment_id, "scratch") / "log.txt"
    log.write_text("\n".join(["first line"] + ["Killed"] * 300), encoding="utf-8")
    app = opened(experiment_id)
    assert app.error[0].value == "**From scratch failed.** Probably out of memory. Lower the batch size."
    assert app.code[0].value.splitlines() == ["Killed"] * 200
    assert app.title[0].value == "Training failed"
    assert not app.button(key="compare").disabled


def test_without_any_scores_it_leads_back_to_the_settings(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(arms=())
    tell(experiment_id, "transfer", state=State.FAILED, message="No weights. Fetch them.")
    tell(experiment_id, "scratch", state=State.STOPPED, message="Stopped before its first epoch was complete.")
    app = opened(experiment_id)
    assert "Stopped before its first epoch was complete." in app.caption[1].value
    assert not figures(app)
    assert [button.key for button in app.button] == ["again"]


def test_a_stopped_arm_with_scores_says_so(finished_experiment: Callable[..., str]):
    app = opened(finished_experiment(stopped=("scratch",)))
    assert app.get("progress")[1].proto.text.startswith("Stopped early: right on ")
    assert app.title[0].value == "Training was stopped"


def test_a_reload_finds_everything_again_and_goes_on_to_compare(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment()
    app, again = opened(experiment_id), opened(experiment_id)
    assert said(app) == said(again)
    again.button(key="compare").click().run()
    assert not again.exception
    assert again.query_params["experiment"] == experiment_id
    assert "Transfer learning\\: " in again.header[0].value


def test_without_an_opponent_there_is_one_card_and_no_stop_all(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(workspace=LINK, arms=(), is_alone=True)
    jobs.submit_experiment(experiment_id, LINK)
    app = opened(experiment_id)
    assert len(app.get("progress")) == 1
    assert {button.key for button in app.button} == {"stop_transfer", "compare"}
    assert app.button(key="compare").label == "See the result"


def test_names_from_files_are_no_markup(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment()
    path = experiment_directory(experiment_id) / "experiment.json"
    write_json(path, read_json(path) | {"dataset_name": "*cats* [x](http://y)"})
    assert r"\*cats\* \[x\]\(http\:" in said(opened(experiment_id))
