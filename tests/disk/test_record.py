"""Files that a power failure has damaged: a sentence for whom they concern, and nothing at all for everybody else."""

import html
import os
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
import visits
from plans import ARMS, planned
from pydantic import BaseModel
from streamlit.testing.v1 import AppTest

from core.data import ingest
from core.disk import record
from core.disk.files import write_frame, write_json
from core.disk.home import arm_directory, dataset_directory, experiment_directory, jobs_directory, new_id
from core.disk.record import read_json
from core.disk.status import State, Status, append_metrics, read_metrics, read_status, write_status
from core.errors import DamagedError
from core.plan import predictions
from core.plan.experiments import create_experiment, read_experiment, read_split
from core.queue import job, jobs, presence, removal
from core.queue.job import Job
from core.queue.kinds import Kind
from core.report import history
from core.settings import ROOT
from core.tasks import predict
from pages._shared.thumbnails import EMPTY, thumbnail

LINK = "a" * 32
pytestmark = pytest.mark.usefixtures("warm_server")
HARM = {
    "empty": lambda data: data[:0],
    "half": lambda data: data[: len(data) // 2],
    "zeros": lambda data: bytes(len(data)),
    "other": lambda data: b"[" + str(len(data)).encode() + b"]",
}
PAGES = ("train", "compare", "predict")
OF_AN_EXPERIMENT = (
    "experiment.json",
    "split.parquet",
    "result.json",
    "transfer/arm.json",
    "transfer/status.json",
    "transfer/metrics.jsonl",
    "transfer/predictions.parquet",
    "transfer/attempt.json",
    "scratch/log.txt",
)


class Pair(BaseModel):
    """Any model."""

    one: int
    two: int = 2


def damage(path: Path, how: str) -> None:
    """Leave of a file what a host that lost its power may leave of it."""
    path.write_bytes(HARM[how](path.read_bytes() if path.exists() else b'{"a": "file"}'))


@pytest.fixture
def no_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are of the pages."""
    monkeypatch.setattr(presence, "ensure_consumer", lambda: None)


@pytest.mark.parametrize("how", HARM)
def test_a_damaged_file_is_said_by_its_name(tmp_path: Path, how: str):
    for name, read in (("a.json", lambda path: record.read_as(Pair, path)), ("b.parquet", record.read_frame)):
        damage(tmp_path / name, how)
        with pytest.raises(DamagedError, match=name):
            read(tmp_path / name)
    assert record.readable(tmp_path / "a.json") == {}


def test_what_is_whole_or_missing_is_no_damage(tmp_path: Path):
    write_json(tmp_path / "pair.json", {"one": 1})
    assert record.read_as(Pair, tmp_path / "pair.json") == Pair(one=1)
    assert record.read_as(Pair, tmp_path / "none.json") is None
    assert record.readable(tmp_path / "none.json") == {}
    with pytest.raises(FileNotFoundError):
        record.read_frame(tmp_path / "none.parquet")


@pytest.mark.usefixtures("no_consumer")
@pytest.mark.parametrize("name", OF_AN_EXPERIMENT)
def test_no_page_breaks_on_a_damaged_file_of_its_experiment(name: str, finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(workspace=LINK)
    path = experiment_directory(experiment_id) / name
    whole = path.read_bytes() if path.exists() else b""
    for how in ("empty", "other"):
        path.write_bytes(whole)
        damage(path, how)
        for page in PAGES:
            app = visits.opened(page, workspace=LINK, experiment=experiment_id)
            assert not app.exception, (how, page, app.exception[0].message)


@pytest.mark.usefixtures("no_consumer")
def test_who_opens_a_damaged_experiment_is_told_and_can_go_on(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(workspace=LINK)
    damage(experiment_directory(experiment_id) / "experiment.json", "empty")
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30)
    app.query_params.update(workspace=LINK, experiment=experiment_id)
    app.run()
    assert "damaged" in app.error[0].value
    assert "experiment" not in app.query_params
    assert not app.run().error


@pytest.mark.usefixtures("no_consumer")
@pytest.mark.parametrize("name", ["manifest.parquet", "dataset.json"])
def test_who_opens_a_damaged_upload_is_told_and_can_go_on(name: str, finished_experiment: Callable[..., str]):
    kept = read_experiment(finished_experiment())
    assert kept
    path = dataset_directory(kept.dataset) / name
    for data in (b"", b"{}", b"PAR1"):
        path.write_bytes(data)
        os.utime(path.with_name("manifest.parquet"))
        app = AppTest.from_file(ROOT / "app.py", default_timeout=30)
        app.query_params.update(workspace=LINK, dataset=kept.dataset)
        app.run()
        assert not app.exception, app.exception[0].message
        assert "damaged" in app.error[0].value
        assert "dataset" not in app.query_params
        assert not app.run().error


def visited(page: str, **identifiers: str) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30)
    app.query_params.update(workspace=LINK, **identifiers)
    app.run()
    if page != "upload":
        app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, (page, app.exception[0].message)
    return app


def html_of(app: AppTest) -> str:
    return html.unescape("".join(each.proto.body for each in app.get("html")))


@pytest.mark.usefixtures("no_consumer")
@pytest.mark.parametrize("how", ["missing", "empty", "half", "zeros"])
def test_damaged_pictures_are_grey_squares_and_a_sentence_on_every_page(how: str, finished_experiment):
    st.cache_data.clear()
    experiment_id = finished_experiment(workspace=LINK, classes={"cat": 12, "dog": 12})
    kept = read_experiment(experiment_id)
    assert kept
    for path in (dataset_directory(kept.dataset) / "pictures").iterdir():
        if how == "missing":
            path.unlink()
        else:
            damage(path, how)
    found = {page: visited(page, experiment=experiment_id) for page in ("upload", "configure", "compare")}
    for page, app in found.items():
        assert EMPTY in html_of(app), page
        assert not app.error
    said = "".join(each.value for each in found["configure"].markdown)
    assert "This picture cannot be shown: its file is damaged or missing." in said
    assert found["configure"].button(key="another_picture")


@pytest.mark.usefixtures("no_consumer")
def test_pairs_of_near_copies_with_a_damaged_picture_are_shown(zip_of, photo_of):
    files = {f"cat/{side}.png": BytesIO() for side in (200, 160)}
    for name, file in files.items():
        side = int(Path(name).stem)
        photo_of(0).resize((side, side)).save(file, "PNG")
    packed = {name: file.getvalue() for name, file in files.items()}
    made = ingest.ingest(ingest.create(zip_of({**packed, "cat/": 5, "dog/": 5}), "Pairs", workspace=LINK))
    assert len(made.near)
    for path in (dataset_directory(made.id) / "pictures").iterdir():
        damage(path, "half")
    shown = html_of(visited("upload", dataset=made.id)).partition('<div class="pairs">')[2]
    assert "its file is damaged or missing" in shown


@pytest.mark.usefixtures("no_consumer")
@pytest.mark.parametrize("name", ["split.parquet", "transfer/arm.json", "transfer/predictions.parquet"])
@pytest.mark.parametrize("how", ["missing", "another file"])
def test_no_page_breaks_where_a_file_of_its_experiment_is_gone_or_another(name: str, how: str, finished_experiment):
    experiment_id = finished_experiment(workspace=LINK)
    path = experiment_directory(experiment_id) / name
    path.unlink()
    if how == "another file" and path.suffix == ".json":
        path.write_text("{}")
    elif how == "another file":
        pd.DataFrame({"a": [1]}).to_parquet(path)
    apps = [visited(page, experiment=experiment_id) for page in PAGES]
    if how == "another file" or name == "split.parquet":
        said = " ".join(each.value.replace("\\", "") for app in apps for each in app.error)
        assert str(path) in said
        assert "it has no '" in said if how == "another file" else "Found it gone" in said


@pytest.mark.usefixtures("no_consumer")
def test_a_damaged_list_of_other_readings_is_said(zip_of):
    zipped = zip_of({f"{look}/{label}/": 8 for look in ("color", "gray") for label in ("oak", "elm")})
    made = ingest.ingest(ingest.create(zipped, "Leaves", workspace=LINK))
    directory = dataset_directory(made.id)
    (directory / "readings.parquet").write_bytes(b"PAR1")
    with pytest.raises(DamagedError, match="readings.parquet"):
        ingest.reread(made.id, made.ways[1].key, workspace=LINK)
    for text in ("[]", "{}", '{"ways": [{}]}'):
        (directory / "readings.json").write_text(text)
        assert "readings.json" in visited("upload", dataset=made.id).error[0].value.replace("\\", "")


@pytest.mark.usefixtures("no_consumer")
@pytest.mark.parametrize("name", ["pictures.json", "pictures", "request.json", "answers.parquet"])
def test_the_answers_page_does_not_break_on_what_is_gone_or_another(name: str, finished_experiment, picture_of):
    experiment_id = finished_experiment(workspace=LINK)
    prediction_id = predictions.create(experiment_id, [("a.png", picture_of(1))], LINK)
    folder = predictions.directory(prediction_id)
    predict.store(folder, lambda *_: None)
    answers = {"number": 0, "name": "a.png", "arm": "transfer", "predicted": "bird", "p_bird": 0.9}
    write_frame(folder / "answers.parquet", pd.DataFrame([answers]))
    write_status(folder, Status(state=State.DONE))
    assert "bird" in html_of(visited("predict", experiment=experiment_id, prediction=prediction_id))
    if name == "pictures":
        st.cache_data.clear()
        shutil.rmtree(folder / name)
    elif name == "answers.parquet":
        pd.DataFrame({"a": [1]}).to_parquet(folder / name)
    else:
        (folder / name).write_text("{}")
    app = visited("predict", experiment=experiment_id, prediction=prediction_id)
    assert EMPTY in html_of(app) if name == "pictures" else name in app.error[0].value.replace("\\", "")


@pytest.mark.usefixtures("no_consumer")
def test_a_picture_without_a_label_that_is_gone_is_said_when_it_is_asked_about(zip_of, finished_experiment):
    experiment_id = finished_experiment(workspace=LINK)
    files = {f"{part}/{label}/": 8 for part in ("train", "val") for label in ("oak", "elm")} | {"test/": 4}
    made = ingest.ingest(ingest.create(zip_of(files), "Leaves", workspace=LINK))
    kept = read_json(experiment_directory(experiment_id) / "experiment.json")
    write_json(experiment_directory(experiment_id) / "experiment.json", kept | {"dataset": made.id})
    app = visited("predict", experiment=experiment_id)
    shutil.rmtree(dataset_directory(made.id) / "unlabelled")
    app.button(key="ask_unlabelled").click().run()
    assert not app.exception
    assert "Found it gone" in app.error[0].value


def test_what_is_gone_elsewhere_is_not_put_down_to_the_home_folder(home: Path):
    assert "Found it gone" in str(record.gone(FileNotFoundError(2, "No such file", str(home / "datasets" / "a"))))
    assert record.gone(FileNotFoundError(2, "No such file", "/elsewhere/a")) is None
    assert record.gone(FileNotFoundError("nothing is named")) is None
    assert record.gone(ValueError("another error")) is None


@pytest.mark.parametrize("how", HARM)
def test_a_damaged_network_is_said_by_its_name(how: str, tmp_path: Path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"stands for a network")
    damage(path, how)
    with pytest.raises(DamagedError, match="model.keras"):
        predict._network(path)


@pytest.mark.parametrize("how", ["empty", "half"])
def test_a_damaged_picture_is_an_empty_place(how: str, tmp_path: Path, picture_of: Callable[..., bytes]):
    path = tmp_path / "picture.png"
    path.write_bytes(picture_of(1, size=(64, 64)))
    damage(path, how)
    assert thumbnail(path) == EMPTY
    path.unlink()
    assert thumbnail(path) == EMPTY


@pytest.mark.parametrize("how", HARM)
def test_a_damaged_experiment_is_no_hindrance_to_others(how: str, finished_experiment: Callable[..., str]):
    damaged, whole = finished_experiment(workspace=LINK), finished_experiment(workspace=LINK)
    damage(experiment_directory(damaged) / "experiment.json", how)
    damage(experiment_directory(whole) / "result.json", how)
    kept = read_experiment(whole)
    assert kept
    assert [each.id for each in history.entries(LINK)] == [whole]
    assert create_experiment(planned(kept.dataset), read_split(whole))
    assert "2 experiments use" in str(removal.refusal(kept.dataset))
    jobs.delete(whole, LINK)
    assert [each.id for each in history.entries(LINK)] == []


@pytest.mark.parametrize("how", HARM)
def test_a_damaged_status_is_one_that_failed(tmp_path: Path, how: str):
    damage(tmp_path / "status.json", how)
    found = read_status(tmp_path)
    assert found and found.state is State.FAILED
    assert "status.json" in found.message


def test_a_damaged_epoch_is_left_out_and_the_others_are_drawn(tmp_path: Path):
    append_metrics(tmp_path, epoch=1)
    with (tmp_path / "metrics.jsonl").open("ab") as file:
        file.write(b'\0\0\0\0\n{"epoch": \n7\n\xff\n')
    append_metrics(tmp_path, epoch=3)
    assert read_metrics(tmp_path)["epoch"].tolist() == [1, 3]


@pytest.mark.parametrize("how", HARM)
def test_a_job_whose_file_is_damaged_is_known_by_its_name(how: str):
    jobs_directory().mkdir(parents=True)
    given = Job(kind=Kind.INGEST, subject=new_id(), submitted=1)
    given.write()
    damage(jobs_directory() / f"{given.name}.json", how)
    damage(jobs_directory() / f"probe-{new_id()}.json", how)
    damage(jobs_directory() / "what-nobody-knows.json", how)
    assert [(each.kind, each.subject, each.is_begun) for each in job.read_all()] == [(given.kind, given.subject, False)]


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("how", HARM)
def test_the_queue_goes_on_beside_what_is_damaged(
    how: str, home: Path, finished_experiment: Callable[..., str], wait_for: Callable[..., None]
):
    damaged, lost, whole = (finished_experiment(arms=()) for _ in range(3))
    for each in (damaged, lost):
        jobs_directory().mkdir(parents=True, exist_ok=True)
        Job(kind=Kind.EXPERIMENT, subject=each, submitted=1).write()
        for arm in ARMS:
            write_status(arm_directory(each, arm), Status())
    damage(experiment_directory(damaged) / "experiment.json", how)
    damage(jobs_directory() / f"experiment-{lost}.json", how)
    for name in ("consumer.json", "server.json", "queue.db"):
        damage(home / name, how)
    jobs.submit_experiment(whole)
    wait_for(lambda: not job.read_all())
    for each in (lost, whole):
        assert [read_status(arm_directory(each, arm)).state for arm in ARMS] == [State.DONE] * 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path: Path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"")
    path.chmod(0)
    with pytest.raises(PermissionError):
        record.read_frame(path)
