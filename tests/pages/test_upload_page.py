"""The upload page: a zip or the sample in, what is in it, what is wrong with it, the split."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plans import planned
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from core.data import dataset, ingest, split
from core.disk.home import dataset_directory
from core.disk.status import State, Status, read_status, stop_requests, write_status
from core.errors import HeadstartError
from core.plan.experiments import create_experiment
from core.queue import presence
from core.settings import ROOT, SAMPLE, settings
from pages._upload import doors

LINK, OTHER = "a" * 32, "b" * 32
pytestmark = pytest.mark.usefixtures("warm_server")


def opened(**identifiers: str) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30)
    for name, value in identifiers.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    return " ".join(each.value for kind in (app.markdown, app.error, app.title, app.caption) for each in kind)


def named(app: AppTest) -> str:
    """The data set's id in the URL; a list of values after a change by the test, one value after the app's own."""
    value = app.query_params["dataset"]
    return value if isinstance(value, str) else value[0]


def ended(app: AppTest, wait_for: Callable[..., None]) -> AppTest:
    """The page once the data set that it has just begun was read, or refused."""
    assert not app.exception
    directory = dataset_directory(named(app))
    wait_for(lambda: (status := read_status(directory)) and status.state.is_final, 60)
    app.run()
    assert not app.exception
    return app


def test_a_newcomer_finds_two_doors() -> None:
    app = opened()
    assert app.button(key="sample").label == "Use the sample"
    assert app.get("file_uploader")
    assert "my-pictures.zip" in app.code[0].value


def test_says_that_nothing_is_kept_only_where_that_is_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "nothing is kept" not in said(opened())
    monkeypatch.setenv("HEADSTART_PROFILE", "cloud")
    settings.cache_clear()
    app = opened()
    assert "nothing is kept" in said(app)
    assert app.get("file_uploader")[0].proto.max_upload_size_mb == 100


@pytest.mark.parametrize(("asked", "taken"), [("50", 50), ("100000", 200), ("", 200)])
def test_an_upload_may_be_as_large_as_setting_and_server_allow(
    asked: str, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if asked:
        monkeypatch.setenv("HEADSTART_MAX_UPLOAD_MEGABYTES", asked)
        settings.cache_clear()
    assert opened().get("file_uploader")[0].proto.max_upload_size_mb == taken


@pytest.mark.parametrize(("rate", "said"), [(0.04, "0.04 a second"), (0.5, "0.50 a second"), (12.4, "12 a second")])
def test_the_wait_says_how_quick_it_is_and_never_that_it_is_not(rate: float, said: str) -> None:
    assert said in doors.said(Status(state=State.STARTING, done=3, total=40, rate=rate))


def test_the_sample_is_read_and_shown_with_its_problem_and_split(wait_for: Callable[..., None]) -> None:
    app = opened()
    app.button(key="sample").click().run()
    text = said(ended(app, wait_for))
    assert "167 pictures in 5 classes" in text
    assert "1 class has fewer than 20 pictures" in text
    assert app.button(key="configure").label == "Configure the comparison"


def test_an_uploaded_zip_is_read(wait_for: Callable[..., None], zip_of: Callable[..., Path]) -> None:
    app = opened()
    zipped = zip_of({"cat/": 12, "dog/": 12})
    app.get("file_uploader")[0].set_value(("pets.zip", zipped.read_bytes(), "application/zip")).run()
    assert "24 pictures in 2 classes" in said(ended(app, wait_for))
    assert not list(dataset_directory(named(app)).glob("upload.zip"))


@pytest.mark.parametrize(
    "data", [b"no zip at all", b"PK\x03\x04 torn", SAMPLE.read_bytes()[:200_000]], ids=["text", "torn", "truncated"]
)
def test_a_zip_that_is_refused_says_what_the_command_line_says(
    data: bytes, wait_for: Callable[..., None], tmp_path: Path
) -> None:
    app = opened()
    app.get("file_uploader")[0].set_value(("bad.zip", data, "application/zip")).run()
    ended(app, wait_for)
    source = tmp_path / "bad.zip"
    source.write_bytes(data)
    with pytest.raises(HeadstartError) as refusal:
        ingest.ingest(ingest.create(source, "bad"))
    assert len(app.error) == 1
    assert str(refusal.value) in app.error[0].value.replace("\\", "")
    assert app.button(key="sample")  # the way on


def reading(zipped: Path) -> str:
    """A data set that a link has brought and that is being read."""
    dataset_id = ingest.create(zipped, "Pets", workspace=LINK)
    reads = Status(state=State.STARTING, done=3, total=40)
    write_status(dataset_directory(dataset_id), reads)
    return dataset_id


def test_reading_is_stopped_by_who_brought_the_pictures_alone(zip_of: Callable[..., Path]) -> None:
    dataset_id = reading(zip_of({"cat/": 2}))
    app = opened(dataset=dataset_id, workspace=OTHER)
    assert "3 of 40 pictures" in app.get("progress")[0].proto.text
    assert not app.button
    assert "its owner can stop it" in said(app)
    app = opened(dataset=dataset_id, workspace=LINK)
    app.button(key="stop_reading").click().run()
    assert stop_requests(dataset_directory(dataset_id)) == 1


def test_a_page_that_only_waits_replaces_a_killed_consumer(
    zip_of: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(dataset=reading(zip_of({"cat/": 2})), workspace=LINK)
    asked: list[bool] = []
    monkeypatch.setattr(presence, "ensure_consumer", lambda: asked.append(True))
    app.run()
    assert len(asked) > 1, "once by the router, and by each look at the progress"


def test_another_seed_draws_another_split_and_other_pictures_begin_anew(zip_of: Callable[..., Path]) -> None:
    ready = ingest.ingest(ingest.create(zip_of({"cat/": 20, "dog/": 20}), "Pets"))
    app = opened(dataset=ready.id)
    assert "40 pictures in 2 classes" in said(app)
    assert app.number_input[0].label == "Seed"
    app.number_input[0].set_value(7)
    app.button(key="split_again").click().run()
    assert app.session_state["split_choice"].seed == 7
    app.button(key="other_pictures").click().run()
    assert not app.exception
    assert app.button(key="sample")
    assert "dataset" not in app.query_params


def test_who_uploaded_pictures_can_delete_them_while_no_experiment_uses_them(zip_of: Callable[..., Path]) -> None:
    mine = "a" * 32
    ready = ingest.ingest(ingest.create(zip_of({"cat/": 20, "dog/": 20}), "Pets", workspace=mine))
    app = opened(dataset=ready.id, workspace=mine)
    app.button(key="delete_pictures").click().run()
    app.button(key="delete_pictures_now").click().run()
    assert not app.exception
    assert not dataset_directory(ready.id).exists()
    assert app.button(key="sample")


def test_pictures_that_an_experiment_uses_cannot_be_deleted_and_the_page_says_why(zip_of: Callable[..., Path]) -> None:
    mine = "a" * 32
    ready = ingest.ingest(ingest.create(zip_of({"cat/": 20, "dog/": 20}), "Pets", workspace=mine))
    create_experiment(planned(ready.id), split.split(ready).frame)
    app = opened(dataset=ready.id, workspace=mine)
    assert app.button(key="delete_pictures").disabled
    assert "1 experiment uses these pictures" in said(app)


def test_a_deletion_that_an_experiment_has_overtaken_is_refused_on_the_page(zip_of: Callable[..., Path]) -> None:
    mine = "a" * 32
    ready = ingest.ingest(ingest.create(zip_of({"cat/": 20, "dog/": 20}), "Pets", workspace=mine))
    app = opened(dataset=ready.id, workspace=mine)
    app.button(key="delete_pictures").click().run()
    create_experiment(planned(ready.id), split.split(ready).frame)
    app.button(key="delete_pictures_now").click().run()
    assert not app.exception
    assert "1 experiment uses these pictures" in app.error[0].value
    assert dataset.read(ready.id)


def test_who_was_only_given_the_link_is_offered_no_deletion(zip_of: Callable[..., Path]) -> None:
    ready = ingest.ingest(ingest.create(zip_of({"cat/": 20, "dog/": 20}), "Pets", workspace="a" * 32))
    app = opened(dataset=ready.id, workspace="b" * 32)
    assert "delete_pictures" not in {each.key for each in app.button}


def test_a_link_to_pictures_that_have_expired_says_why() -> None:
    app = opened(dataset="c" * 32)
    assert "not here any more. Uploads that no experiment uses are removed a day after" in app.info[0].value


def test_a_picture_under_two_labels_is_named_in_red(
    zip_of: Callable[..., Path], picture_of: Callable[..., bytes]
) -> None:
    same = picture_of(99)
    ready = ingest.ingest(
        ingest.create(zip_of({"cat/": 20, "dog/": 20, "cat/same.png": same, "dog/same.png": same}), "Pets")
    )
    app = opened(dataset=ready.id)
    text = said(app)
    assert "cat/same.png" in text.replace("\\", "")
    assert "red" in text or app.error


def way_of(app: AppTest) -> Any:
    """The box in which another way to read the zip is chosen."""
    (box,) = (box for box in app.selectbox if box.label == "How the zip was read")
    return box


def test_another_way_to_read_the_zip_is_one_choice_away(zip_of: Callable[..., Path]) -> None:
    zipped = zip_of({f"{look}/{label}/": 8 for look in ("color", "gray") for label in ("oak", "elm")})
    ready = ingest.ingest(ingest.create(zipped, "Leaves"))
    app = opened(dataset=ready.id)
    assert "2 folders hold the same sub\\-folders" in said(app)
    choice = way_of(app)
    assert choice.value.labels == ("elm", "oak")
    choice.select_index(1).run()
    assert not app.exception
    assert named(app) != ready.id
    assert way_of(app).value.labels == ("color", "gray")
    assert "32 pictures in 2 classes" in said(app)
    way_of(app).select_index(2).run()
    assert not app.exception
    assert "16 pictures in 2 classes" in said(app)


def test_who_was_only_given_the_link_sees_how_the_zip_was_read_and_does_not_change_it(
    zip_of: Callable[..., Path],
) -> None:
    zipped = zip_of({f"{look}/{label}/": 8 for look in ("color", "gray") for label in ("oak", "elm")})
    ready = ingest.ingest(ingest.create(zipped, "Leaves", workspace=LINK))
    assert way_of(opened(dataset=ready.id, workspace=OTHER)).disabled
    assert not way_of(opened(dataset=ready.id, workspace=LINK)).disabled


def test_a_way_that_makes_no_data_set_says_why_and_the_present_one_stays(zip_of: Callable[..., Path]) -> None:
    zipped = zip_of({"big/old/": 8, "big/new/": 8, "small/odd/": 8, "small/x/": 1})
    ready = ingest.ingest(ingest.create(zipped, "Odd"))
    app = opened(dataset=ready.id)
    way_of(app).select_index(1).run()
    assert not app.exception
    assert "Found 'x' with 1" in app.error[0].value.replace("\\", "")
    assert named(app) == ready.id
    assert way_of(app).value.labels == ("big", "small")
    assert "25 pictures in 2 classes" in said(app)


def test_no_choice_is_shown_where_there_is_one_way_only(zip_of: Callable[..., Path]) -> None:
    app = opened(dataset=ingest.ingest(ingest.create(zip_of({"cat/": 9, "dog/": 9}), "Pets")).id)
    assert "How the zip was read" not in [box.label for box in app.selectbox]


def test_classes_are_shown_in_the_order_in_which_people_count(zip_of: Callable[..., Path]) -> None:
    ready = ingest.ingest(ingest.create(zip_of({f"{number}/": 4 for number in (1, 2, 10)}), "Numbers"))
    assert ready.classes == ("1", "10", "2")  # inside: the outputs of networks that were trained before
    app = opened(dataset=ready.id)
    html = "".join(element.proto.body for element in app.main.get("html"))
    assert [html.index(f'title="{number}"') for number in (1, 2, 10)] == sorted(
        html.index(f'title="{number}"') for number in (1, 2, 10)
    )


def test_an_upload_in_the_browser_is_read_and_its_zip_removed(
    page: Page, server_of: Callable, home: Path, wait_for: Callable[..., None]
) -> None:
    page.goto(server_of().start())
    page.set_input_files("input[type=file]", str(SAMPLE))
    expect(page.get_by_text("167 pictures in 5 classes")).to_be_visible(timeout=60_000)
    wait_for(lambda: not list(home.glob("datasets/*/upload.zip")), 10)
