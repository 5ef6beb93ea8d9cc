"""The compare page: the verdict and what it rests on; the chosen cell; past experiments; what is missing."""

import json
from collections.abc import Callable

import pytest
import visits
from plans import ARMS
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from core.disk.home import arm_directory, dataset_directory, experiment_directory
from core.disk.status import State, Status, write_status
from core.plan.experiments import read_experiment
from core.queue import presence
from core.report import report, scores
from core.settings import ROOT, settings

LINK, OTHER = "a" * 32, "b" * 32
pytestmark = pytest.mark.usefixtures("warm_server")


@pytest.fixture(autouse=True)
def no_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is submitted stays in the queue: these tests are of the page."""
    monkeypatch.setattr(presence, "ensure_consumer", lambda: None)


def opened(experiment_id: str | None = None, workspace: str | None = None) -> AppTest:
    app = visits.opened("compare", experiment=experiment_id, workspace=workspace)
    assert not app.exception
    return app


def htmls(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.main.get("html"))


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in app.main.markdown)


def figures(app: AppTest) -> list[dict]:
    """Text, data and layout of each figure."""
    payloads = [json.loads(element.proto.json) for element in app.get("bidi_component")]
    return [{"text": payload["text"], **json.loads(payload["figure"])} for payload in payloads]


# ---- the report


def test_begins_with_the_verdict_and_both_numbers(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment()
    app, read = opened(experiment_id), report.read(experiment_id)
    assert app.header[0].value.replace("\\", "") == read.sentence
    numbers = htmls(app)
    for arm in ARMS:
        assert f"{100 * read.arms[arm].score.accuracy:.0f}\xa0%" in numbers
    assert f"{100 * read.comparison.difference:+.0f} points" in numbers
    assert "McNemar" in numbers


def test_says_when_an_arm_is_not_above_the_largest_class(finished_experiment: Callable[..., str]):
    app = opened(finished_experiment(right={"transfer": 0.9, "scratch": 0.2}))
    assert "always answering “mammal”" in texts(app)


def test_every_figure_has_a_text_and_a_table(finished_experiment: Callable[..., str]):
    app = opened(finished_experiment())
    shown = figures(app)
    assert len(shown) == 6
    assert all(len(figure["text"]) > 20 for figure in shown)
    tables = [expander for expander in app.main.expander if expander.label.startswith("Show")]
    assert len(tables) == 6


def test_both_matrices_share_one_scale_and_can_show_shares(finished_experiment: Callable[..., str]):
    app = opened(finished_experiment())
    first, second = (figure for figure in figures(app) if figure["data"][0]["type"] == "heatmap")
    assert first["data"][0]["zmax"] == second["data"][0]["zmax"] > 1
    next(group for group in app.get("button_group") if group.label == "Each cell shows").set_value("shares").run()
    matrix = next(figure for figure in figures(app) if figure["data"][0]["type"] == "heatmap")
    assert matrix["data"][0]["zmax"] == 1


def test_the_boxes_begin_at_what_is_mixed_up_most(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment()
    app, read = opened(experiment_id), report.read(experiment_id)
    chosen = app.selectbox(key="cell_true").value, app.selectbox(key="cell_answer").value
    assert chosen == scores.most_mixed_up(read.scores.values(), read.dataset.classes)
    assert chosen[0] != chosen[1]


def test_the_boxes_choose_the_pictures_of_both_arms(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment()
    app, read = opened(experiment_id), report.read(experiment_id)
    app.selectbox(key="cell_true").set_value("bird").run()
    app.selectbox(key="cell_answer").set_value("bird").run()
    shown = htmls(app)
    for one in read.arms.values():
        rows = scores.cell(one.predictions, "bird", "bird")
        assert len(rows) > 0
        assert f"{one.label.text}: {len(rows)} picture" in texts(app)
        names = read.dataset.pictures.set_index("picture")["name"]
        assert all(f'alt="{names[picture]}"' in shown for picture in rows["picture"])


def test_a_long_cell_is_paged(finished_experiment: Callable[..., str]):
    app = opened(finished_experiment({"bee": 120, "wasp": 40}, right={"transfer": 1.0, "scratch": 0.5}))
    app.selectbox(key="cell_true").set_value("bee").run()
    app.selectbox(key="cell_answer").set_value("bee").run()
    assert htmls(app).count("<figure>") == 24
    app.get("pagination")[0].set_value(2).run()
    assert htmls(app).count("<figure>") > 12


def test_the_measure_of_the_classes_can_be_chosen(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment()
    app, read = opened(experiment_id), report.read(experiment_id)
    next(group for group in app.get("button_group") if group.label == "Measure").set_value("recall").run()
    expected = scores.per_class(read.arms["scratch"].predictions, read.dataset.classes)["recall"].tolist()
    assert any(
        "From scratch" in frame.value and frame.value["From scratch"].tolist() == expected
        for frame in app.main.dataframe
    )


def test_cost_proof_and_downloads_are_there(finished_experiment: Callable[..., str]):
    app = opened(finished_experiment())
    assert any(
        "Trained parameters" in frame.value.get("what", []).tolist() for frame in app.dataframe if "what" in frame.value
    )
    assert "ab" * 32 in app.main.table[0].value.to_string()
    assert [button.proto.label for button in app.get("download_button")] == [
        "Transfer network",
        "From-scratch network",
        "Result, JSON",
        "Answers, CSV",
    ]


def test_leads_on_to_new_pictures(finished_experiment: Callable[..., str]):
    app = opened(finished_experiment())
    app.button(key="predict").click().run()
    assert app.title[0].value == "Try new pictures"


def test_reminds_of_the_downloads_only_where_nothing_is_kept(
    finished_experiment: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    experiment_id = finished_experiment()
    assert not [each for each in opened(experiment_id).caption if "keeps nothing" in each.value]
    monkeypatch.setenv("HEADSTART_PROFILE", "cloud")
    settings.cache_clear()
    assert [each for each in opened(experiment_id).caption if "keeps nothing" in each.value]


# ---- what is missing


def test_one_arm_without_an_opponent_is_said(finished_experiment: Callable[..., str]):
    app = opened(finished_experiment(is_alone=True))
    assert "no from-scratch opponent" in texts(app)
    assert len([figure for figure in figures(app) if figure["data"][0]["type"] == "heatmap"]) == 1


def test_an_arm_that_still_trains_is_said(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(arms=("transfer",))
    write_status(arm_directory(experiment_id, "scratch"), Status(state=State.FIT, done=1, total=9))
    app = opened(experiment_id)
    assert app.info[0].value == "**From scratch** is not finished yet."
    assert "Transfer learning\\: " in app.header[0].value


def test_an_arm_stopped_before_its_first_epoch_is_said(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(arms=("scratch",))
    stopped = Status(state=State.STOPPED, message="Stopped before its first epoch was complete.")
    write_status(arm_directory(experiment_id, "transfer"), stopped)
    app = opened(experiment_id)
    assert app.info[0].value == "**Transfer learning** has no scores. Stopped before its first epoch was complete."
    assert "From scratch\\: " in app.header[0].value


def test_without_any_scores_it_says_why_and_leads_to_train(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(arms=())
    failed = Status(state=State.FAILED, message="Probably out of memory.")
    write_status(arm_directory(experiment_id, "transfer"), failed)
    app = opened(experiment_id)
    assert app.title[0].value == "There are no scores"
    assert app.info[0].value == "**Transfer learning** failed. Probably out of memory."
    assert not figures(app)
    assert "predict" not in {button.key for button in app.button}


def test_a_link_without_experiments_leads_to_the_step_that_is_missing():
    app = opened(workspace=LINK)
    assert "nothing to compare yet" in texts(app)


def test_an_experiment_whose_pictures_are_gone_is_said(finished_experiment: Callable[..., str]):
    import shutil

    experiment_id = finished_experiment()
    experiment = read_experiment(experiment_id)
    assert experiment is not None
    shutil.rmtree(dataset_directory(experiment.dataset))
    assert "Was it deleted" in opened(experiment_id).error[0].value


# ---- past experiments


def test_lists_the_experiments_of_its_link_alone_and_opens_one(finished_experiment: Callable[..., str]):
    first = finished_experiment(workspace=LINK, right={"transfer": 1.0, "scratch": 0.5})
    second = finished_experiment(workspace=LINK)
    other = finished_experiment(workspace=OTHER)
    app = opened(second, LINK)
    keys = {button.key for button in app.button}
    assert {f"open_{first}", f"open_{second}"} <= keys
    assert f"open_{other}" not in keys
    assert app.button(key=f"open_{second}").disabled
    app.button(key=f"open_{first}").click().run()
    assert app.query_params["experiment"] in (first, [first])
    assert "25 of 25" in app.header[0].value


def test_without_a_chosen_experiment_one_can_be_opened(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(workspace=LINK)
    app = opened(workspace=LINK)
    assert app.title[0].value == "Open an experiment"
    app.button(key=f"open_{experiment_id}").click().run()
    assert " right. " in app.header[0].value


def test_delete_asks_once_and_frees_the_disk(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(workspace=LINK)
    experiment = read_experiment(experiment_id)
    assert experiment is not None
    app = opened(experiment_id, LINK)
    app.button(key=f"delete_{experiment_id}").click().run()
    assert experiment_directory(experiment_id).exists()
    app.button(key="delete_now").click().run()
    assert not app.exception
    assert not experiment_directory(experiment_id).exists()
    assert not dataset_directory(experiment.dataset).exists()
    assert "nothing to compare yet" in texts(app)


def test_delete_can_be_taken_back(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(workspace=LINK)
    app = opened(experiment_id, LINK)
    app.button(key=f"delete_{experiment_id}").click().run()
    app.button(key="keep").click().run()
    assert experiment_directory(experiment_id).exists()
    assert " right. " in app.header[0].value


# ---- in a browser


def test_a_click_on_a_cell_chooses_it_in_both_matrices_and_shows_its_pictures(
    page: Page, server_of: Callable, finished_experiment: Callable[..., str]
):
    experiment_id = finished_experiment()
    page.goto(f"{server_of(ROOT / 'app.py').start()}/compare?experiment={experiment_id}")
    matrix = page.locator(".st-key-matrix_transfer .nsewdrag")
    matrix.wait_for(timeout=60_000)
    box = matrix.bounding_box()
    assert box is not None
    place = {"x": 2.5 * box["width"] / 4, "y": 2.5 * box["height"] / 4}  # fruit answered as fruit, of four classes
    matrix.click(position=place)
    arms = report.read(experiment_id).arms
    counts = {arm: len(scores.cell(arms[arm].predictions, "fruit", "fruit")) for arm in ARMS}
    for arm, count in counts.items():
        page.get_by_text(f"{arms[arm].label.text}: {count} pictures of fruit answered as fruit").wait_for()
    expect(page.locator(".answers img")).to_have_count(sum(counts.values()))
