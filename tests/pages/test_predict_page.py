"""The predict page: pictures in, progress, both arms' answers, what could not be read."""

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
import visits
from PIL import Image
from plans import ARMS
from playwright.sync_api import Browser, Page, expect
from streamlit.testing.v1 import AppTest

from core.data import ingest
from core.disk.files import write_frame
from core.disk.status import State, Status, stop_requests, write_status
from core.errors import InputError
from core.plan import predictions
from core.queue import presence
from core.tasks import predict

LINK, OTHER = "a" * 32, "b" * 32
CLASSES = ("bird", "flower", "fruit", "mammal")
pytestmark = pytest.mark.usefixtures("warm_server")


@pytest.fixture(autouse=True)
def no_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is submitted stays in the queue: these tests are of the page."""
    monkeypatch.setattr(presence, "ensure_consumer", lambda: None)


def opened(experiment_id: str | None = None, prediction_id: str | None = None, workspace: str = LINK) -> AppTest:
    app = visits.opened("predict", workspace=workspace, experiment=experiment_id, prediction=prediction_id)
    assert not app.exception
    return app


def asked(experiment_id: str, files: list[tuple[str, bytes]], status: Status) -> str:
    prediction_id = predictions.create(experiment_id, files, LINK)
    if status.state is not State.QUEUED:
        predict.store(predictions.directory(prediction_id), lambda *_: None)
    write_status(predictions.directory(prediction_id), status)
    return prediction_id


def answer(prediction_id: str, transfer: list[str], scratch: list[str], *, classes: Sequence[str] = CLASSES) -> None:
    """Write what the process would: each named class with 0.7, the others with 0.1."""
    rows = [
        {"number": number, "name": f"{number}.png", "arm": str(arm), "predicted": label}
        | {f"p_{name}": 0.7 if name == label else 0.1 for name in classes}
        for arm, labels in zip(ARMS, (transfer, scratch), strict=True)
        for number, label in enumerate(labels)
    ]
    write_frame(predictions.directory(prediction_id) / "answers.parquet", pd.DataFrame(rows))


def htmls(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.main.get("html"))


def test_without_an_experiment_it_leads_to_configure():
    assert "no trained network to ask yet" in opened().main.markdown[-1].value


def test_without_a_saved_network_it_leads_to_train(finished_experiment: Callable[..., str]):
    app = opened(finished_experiment(arms=()))
    assert "No network of this experiment is trained yet" in app.main.markdown[-1].value


def test_the_button_waits_for_pictures_then_sends_them(
    finished_experiment: Callable[..., str], picture_of: Callable[..., bytes]
):
    experiment_id = finished_experiment()
    app = opened(experiment_id)
    assert app.button(key="ask").disabled
    files = [("a.png", picture_of(1), "image/png"), ("b.png", b"not a picture", "image/png")]
    app.get("file_uploader")[0].set_value(files).run()
    app.button(key="ask").click().run()
    assert not app.exception
    named = app.query_params["prediction"]
    prediction_id = named if isinstance(named, str) else named[0]
    request = predictions.request(prediction_id)
    assert request is not None
    assert request["names"] == ["a.png", "b.png"]
    assert app.get("progress")[0].proto.text.startswith("Waiting for a free place")
    assert any("a.png, b.png" in each.value for each in app.main.markdown)
    assert app.button(key="ask").disabled  # the uploader is empty again


def test_more_than_twenty_pictures_are_refused(
    finished_experiment: Callable[..., str], picture_of: Callable[..., bytes]
):
    app = opened(finished_experiment())
    app.get("file_uploader")[0].set_value([(f"{n}.png", picture_of(n), "image/png") for n in range(21)]).run()
    app.button(key="ask").click().run()
    assert "at most 20" in app.error[0].value.replace("\\", "") or "1 to 20" in app.error[0].value.replace("\\", "")
    assert not (predictions.directory("0" * 32).parent).exists()


def test_shows_which_network_is_asked_and_can_be_stopped(
    finished_experiment: Callable[..., str], picture_of: Callable[..., bytes]
):
    experiment_id = finished_experiment()
    status = Status(state=State.SCORE, done=1, total=2)
    prediction_id = asked(experiment_id, [("0.png", picture_of(0))], status)
    app = opened(experiment_id, prediction_id)
    assert app.get("progress")[0].proto.text == "Asking network 2 of 2"
    app.button(key="stop").click().run()
    assert stop_requests(predictions.directory(prediction_id)) == 1


def test_anyone_with_the_link_may_ask_but_stops_only_the_own_question(
    finished_experiment: Callable[..., str], picture_of: Callable[..., bytes]
):
    experiment_id = finished_experiment(workspace=LINK)
    theirs = asked(experiment_id, [("0.png", picture_of(0))], Status(state=State.SCORE, done=1, total=2))
    app = opened(experiment_id, theirs, OTHER)
    assert app.get("progress")[0].proto.text == "Asking network 2 of 2"
    assert "its owner can stop it" in app.main.markdown[-1].value
    assert [button.key for button in app.button] == ["ask"]
    app.get("file_uploader")[0].set_value([("a.png", picture_of(1), "image/png")]).run()
    app.button(key="ask").click().run()
    app.button(key="stop").click().run()
    named = app.query_params["prediction"]
    assert stop_requests(predictions.directory(named if isinstance(named, str) else named[0])) == 1
    assert stop_requests(predictions.directory(theirs)) == 0


def test_shows_which_picture_is_read(finished_experiment: Callable[..., str], picture_of: Callable[..., bytes]):
    experiment_id = finished_experiment()
    for done, said in ((1, "Reading picture 2 of 2"), (2, "Loading the networks, some seconds")):
        status = Status(state=State.STARTING, done=done, total=2)
        prediction_id = asked(experiment_id, [(f"{number}.png", picture_of(number)) for number in range(2)], status)
        assert opened(experiment_id, prediction_id).get("progress")[0].proto.text == said


def test_where_none_can_be_read_each_is_named_once(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment()
    prediction_id = predictions.create(experiment_id, [("a.png", b"broken")])
    with pytest.raises(InputError) as caught:
        predict.store(predictions.directory(prediction_id), lambda *_: None)
    write_status(predictions.directory(prediction_id), Status(state=State.FAILED, message=str(caught.value)))
    app = opened(experiment_id, prediction_id)
    assert "Found none: a.png" in app.error[0].value.replace("\\", "")
    assert not app.warning


def test_shows_both_answers_and_says_where_they_differ(
    finished_experiment: Callable[..., str], picture_of: Callable[..., bytes]
):
    experiment_id = finished_experiment()
    files = [("0.png", picture_of(0)), ("1.png", picture_of(1)), ("<b>.png", b"broken")]
    prediction_id = asked(experiment_id, files, Status(state=State.DONE))
    answer(prediction_id, ["bird", "fruit"], ["bird", "mammal"])
    app = opened(experiment_id, prediction_id)
    assert app.main.subheader[0].value == "The networks disagree on 1 of 2 pictures"
    first, second = htmls(app).split('<div class="asked">')[1:]
    assert "They disagree" not in first
    assert "They disagree" in second
    assert 'Transfer learning: <b title="fruit">fruit</b>' in second
    assert 'From scratch: <b title="mammal">mammal</b>' in second
    assert "70\xa0%" in second
    assert len(app.main.dataframe[0].value) == 4
    assert "b" in app.warning[0].value
    assert "cannot be read" in app.warning[0].value


def test_says_when_both_agree(finished_experiment: Callable[..., str], picture_of: Callable[..., bytes]):
    experiment_id = finished_experiment()
    prediction_id = asked(experiment_id, [("0.png", picture_of(0))], Status(state=State.DONE))
    answer(prediction_id, ["bird"], ["bird"])
    assert opened(experiment_id, prediction_id).main.subheader[0].value == "Both networks agree on the picture"


def test_names_of_files_are_no_markup(finished_experiment: Callable[..., str], picture_of: Callable[..., bytes]):
    experiment_id = finished_experiment()
    prediction_id = asked(experiment_id, [("<img src=x>.png", picture_of(0))], Status(state=State.DONE))
    answer(prediction_id, ["bird"], ["bird"])
    shown = htmls(opened(experiment_id, prediction_id))
    assert "<img src=x>" not in shown
    assert "&lt;img src=x&gt;.png" in shown


def test_a_failed_prediction_says_why(finished_experiment: Callable[..., str], picture_of: Callable[..., bytes]):
    experiment_id = finished_experiment()
    failed = Status(state=State.FAILED, message="The networks are gone. Train again.")
    prediction_id = asked(experiment_id, [("0.png", picture_of(0))], failed)
    assert "Train again" in opened(experiment_id, prediction_id).error[0].value


def test_a_prediction_of_another_experiment_is_not_shown(
    finished_experiment: Callable[..., str], picture_of: Callable[..., bytes]
):
    first, second = finished_experiment(), finished_experiment()
    prediction_id = asked(first, [("0.png", picture_of(0))], Status(state=State.DONE))
    answer(prediction_id, ["bird"], ["bird"])
    assert not opened(second, prediction_id).main.subheader
    assert not opened(second, "../../etc").main.subheader


def test_one_arm_alone_is_asked_alone(finished_experiment: Callable[..., str]):
    app = opened(finished_experiment(is_alone=True))
    assert app.button(key="ask").label == "Ask the network"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_pictures_that_burst_leave_the_server_small_and_another_visitor_waits_for_nothing(
    compared: Any, browser: Browser, server_of: Callable, picture_of: Callable[..., bytes]
):
    """Ten blank pictures of the largest size, each a gigabyte once it is decoded, and one that never ends."""
    server = server_of()
    address = server.start()
    asker, other = (browser.new_context().new_page() for _ in range(2))
    asker.goto(f"{address}/predict?experiment={compared.experiment_id}")
    other.goto(address)
    expect(asker.get_by_role("button", name="Ask both networks")).to_be_visible(timeout=60_000)
    expect(other.get_by_role("button", name="Use the sample")).to_be_enabled(timeout=60_000)
    blank = saved(Image.new("RGB", (7000, 7140)), "WEBP", lossless=True)
    files = [("endless.jpg", endless()), ("ordinary.png", picture_of(1)), *((f"{n}.webp", blank) for n in range(10))]
    chosen = [{"name": name, "mimeType": "image/jpeg", "buffer": data} for name, data in files]
    with peak_of(server.pid) as peak:
        asker.set_input_files("input[type=file]", chosen)
        ask = asker.get_by_role("button", name="Ask both networks", exact=True)
        expect(ask).to_be_enabled(timeout=60_000)
        ask.click()
        expect(asker.get_by_text("ordinary.png", exact=False).last).to_be_visible(timeout=60_000)
        other.get_by_role("button", name="Use the sample", exact=True).click()
        expect(other.get_by_text("167 pictures in 5 classes")).to_be_visible(timeout=30_000)
        expect(asker.locator(".st-key-answers-table")).to_be_visible(timeout=300_000)
    expect(asker.get_by_text("endless.jpg cannot be read: it takes longer than 20 s to decode")).to_be_visible()
    assert max(peak) - peak[0] < 50e6
    for page in (asker, other):
        page.context.close()


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def endless() -> bytes:
    """A grey progressive JPEG that refines the same coefficients 20,000 times."""
    whole = saved(Image.new("L", (7000, 7140)), "JPEG", progressive=True)
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x01\x05\x02"
    return whole[: whole.rindex(b"\xff\xda")] + scan * 20_000 + b"\xff\xd9"


@contextmanager
def peak_of(pid: int) -> Iterator[list[int]]:
    """Bytes that a process holds, looked at ten times a second."""
    process, is_over = psutil.Process(pid), threading.Event()
    seen = [process.memory_info().rss]

    def look() -> None:
        while not is_over.wait(0.1):
            seen.append(process.memory_info().rss)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        is_over.set()
        looking.join()


LONG = {"bird": "bird_" + "abcdefghij" * 17, "fruit": "fruit " + "photographed on a rainy day " * 6}


def test_names_that_are_far_too_long_leave_room_for_the_answers(
    finished_experiment: Callable[..., str], picture_of: Callable[..., bytes], page: Page, server_of: Callable
):
    classes = [name.strip() for name in LONG.values()]
    experiment_id = finished_experiment(dict.fromkeys(classes, 24))
    prediction_id = asked(experiment_id, [(f"{classes[0]}.png", picture_of(0))], Status(state=State.DONE))
    answer(prediction_id, classes[:1], classes[1:], classes=classes)
    page.set_viewport_size({"width": 1024, "height": 900})
    address = server_of().start()
    for step, sign in (("predict", ".asked u"), ("compare", ".number")):
        page.goto(f"{address}/{step}?experiment={experiment_id}&prediction={prediction_id}")
        expect(page.locator(sign).last).to_be_visible(timeout=60_000)
        assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth - main.clientWidth") == 0, step
        if step == "predict":
            assert page.locator(".asked").bounding_box()["height"] < 250
            assert page.locator(".asked u").first.bounding_box()["width"] > 50
            expect(page.get_by_title(f"{classes[0]}.png")).to_have_text("bird_abcdefghijabcdefghija…bcdefghij.png")


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.000003, "&lt; 0.1"), (0.9999997, "&gt; 99.9"), (0.004, "0.4"), (0.5, "50"), (0.0, "0"), (1.0, "100")],
)
def test_a_probability_has_no_more_digits_than_there_is_room_for(
    share: float, said: str, finished_experiment: Callable[..., str], picture_of: Callable[..., bytes]
):
    experiment_id = finished_experiment()
    prediction_id = asked(experiment_id, [("0.png", picture_of(0))], Status(state=State.DONE))
    answer(prediction_id, ["bird"], ["bird"])
    path = predictions.directory(prediction_id) / "answers.parquet"
    write_frame(path, pd.read_parquet(path).assign(**{f"p_{name}": share for name in CLASSES}))
    assert f"<span>{said}\xa0%</span>" in htmls(opened(experiment_id, prediction_id))


def test_pictures_of_the_zip_without_a_label_are_offered(
    finished_experiment: Callable[..., str], zip_of: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    experiment_id = finished_experiment()
    assert not [button for button in opened(experiment_id).button if button.key == "ask_unlabelled"]
    zipped = zip_of({"train/a/": 4, "train/b/": 4, "test/": 3}, "other.zip")
    with_more = ingest.ingest(ingest.create(zipped, "More"))
    monkeypatch.setattr("pages._shared.address.dataset", lambda: with_more)
    app = opened(experiment_id)
    button = app.button(key="ask_unlabelled")
    assert button.label == "Ask about 3 pictures of the zip without a label"
    button.click().run()
    assert not app.exception
    named = app.query_params["prediction"]
    request = predictions.request(named if isinstance(named, str) else named[0])
    assert request is not None
    assert request["names"] == ["test/0.png", "test/1.png", "test/2.png"]
