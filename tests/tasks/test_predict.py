import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from plans import ARMS
from stand_ins import store

from core.data import dataset
from core.data.pictures import picture
from core.disk.files import write_json
from core.disk.home import arm_directory
from core.disk.record import read_json
from core.disk.status import State, Status, read_status, request_stop
from core.errors import InputError, ResourceError
from core.network import engine, model
from core.plan import predictions
from core.plan.experiments import read_experiment
from core.settings import settings
from core.tasks import predict


@pytest.fixture
def files(picture_of: Callable[..., bytes]) -> list[tuple[str, bytes]]:
    """Three new pictures, two of them of one name."""
    return [(name, picture_of(number, size=(30, 20))) for number, name in enumerate(("a.png", "b.png", "a.png"))]


def status(prediction_id: str) -> Status:
    return read_status(predictions.directory(prediction_id)) or Status()


def wide(colour: tuple[int, int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (900, 300), colour).save(file, "JPEG")
    return file.getvalue()


# Asking


def read_by_the_process(prediction_id: str) -> dict[str, Any]:
    """What was asked, once the process's own code has read the pictures."""
    predict.store(predictions.directory(prediction_id), lambda *_: None)
    asked = predictions.request(prediction_id)
    assert asked
    return asked


def test_a_prediction_waits_with_its_uploads_as_they_are(compared, files):
    prediction_id = predictions.create(compared.experiment_id, files)
    asked = predictions.request(prediction_id)
    assert asked == {
        "experiment": compared.experiment_id,
        "names": ["a.png", "b.png", "a.png"],
        "pictures": [],
        "refused": [],
        "workspace": "",
    }
    uploads = predictions.directory(prediction_id) / "uploads"
    assert [(uploads / str(number)).read_bytes() for number in range(3)] == [data for _, data in files]
    assert status(prediction_id).state is State.QUEUED
    assert predictions.read(prediction_id) is None


def test_asking_decodes_nothing(compared, monkeypatch):
    monkeypatch.setattr(Image, "open", None)
    assert predictions.create(compared.experiment_id, [("wide.jpg", wide((200, 60, 50)))])


def test_new_pictures_are_stored_as_those_of_a_data_set_are(compared, tmp_path):
    data = wide((200, 60, 50))
    prediction_id = predictions.create(compared.experiment_id, [("../../wide.jpg", data)])
    asked = read_by_the_process(prediction_id)
    file = predictions.directory(prediction_id) / "pictures" / asked["pictures"][0]["file"]
    with Image.open(file) as image:
        assert max(image.size) == 512
    assert file.read_bytes() == (tmp_path / store(data, tmp_path).file).read_bytes()
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert not (predictions.directory(prediction_id) / "uploads").exists()


@pytest.mark.parametrize("number", [0, 21])
def test_none_or_more_than_twenty_pictures_are_refused(number, compared, picture_of):
    before = set(compared.home.glob("predictions/*"))
    with pytest.raises(InputError, match=f"Expected 1 to 20 pictures. Found {number}."):
        predictions.create(compared.experiment_id, [(f"{each}.png", picture_of(each)) for each in range(number)])
    assert set(compared.home.glob("predictions/*")) == before


def test_twenty_pictures_are_taken(compared, picture_of):
    assert predictions.create(compared.experiment_id, [(f"{each}.png", picture_of(each)) for each in range(20)])


def test_a_picture_that_cannot_be_read_is_listed_and_does_not_stop_the_rest(compared, files):
    asked = read_by_the_process(predictions.create(compared.experiment_id, [("notes.txt", b"no picture"), *files]))
    assert [each["name"] for each in asked["refused"]] == ["notes.txt"]
    assert asked["refused"][0]["reason"]
    assert len(asked["pictures"]) == 3


def test_where_no_picture_can_be_read_the_prediction_fails_with_the_reasons(compared):
    prediction_id = predictions.create(compared.experiment_id, [("notes.txt", b"no picture")])
    assert predict.main([str(predictions.directory(prediction_id))]) == 1
    assert status(prediction_id).state is State.FAILED
    assert status(prediction_id).message == (
        "Expected pictures that can be read. Found none: notes.txt: it is text. Choose JPEG or PNG files."
    )


def test_a_picture_over_a_bound_of_this_host_is_listed_and_the_rest_is_read(compared, files, monkeypatch):
    monkeypatch.setenv("HEADSTART_PICTURE_BYTES", "5000000")
    settings.cache_clear()
    blank = io.BytesIO()
    Image.new("RGB", (2000, 2000)).save(blank, "WEBP", lossless=True)
    asked = read_by_the_process(predictions.create(compared.experiment_id, [("blank.webp", blank.getvalue()), *files]))
    (refused,) = asked["refused"]
    assert refused["name"] == "blank.webp"
    assert refused["reason"].endswith("at most 5 MB are used here")
    assert len(asked["pictures"]) == 3


def test_uploads_that_would_fill_the_disk_are_refused_and_not_kept(compared, files, monkeypatch):
    before = set(compared.home.glob("predictions/*"))
    monkeypatch.setenv("HEADSTART_MIN_FREE_BYTES", str(10**18))
    settings.cache_clear()
    with pytest.raises(ResourceError, match="[Ff]ree"):
        predictions.create(compared.experiment_id, files)
    assert set(compared.home.glob("predictions/*")) == before


def test_an_experiment_without_a_trained_network_has_no_answers(new_experiment, files):
    with pytest.raises(InputError, match="Expected an experiment with a trained network"):
        predictions.create(new_experiment(), files)


def test_a_wrong_id_is_refused():
    with pytest.raises(InputError, match="32 hexadecimal digits"):
        predictions.read("../" * 3)


# Answering


def answered(prediction_id: str) -> pd.DataFrame:
    """Let the process's own code answer, in this process."""
    assert predict.main([str(predictions.directory(prediction_id))]) == 0
    answers = predictions.read(prediction_id)
    assert answers is not None
    return answers


def test_a_real_process_writes_the_answers_that_both_networks_give(compared, start, files):
    import keras

    prediction_id = predictions.create(compared.experiment_id, [("broken.png", b"no picture"), *files])
    assert start("core.tasks.predict", predictions.directory(prediction_id)).wait(120) == 0
    assert status(prediction_id).state is State.DONE
    answers = predictions.read(prediction_id)
    assert answers is not None
    labels = ["earth", "grass", "water"]
    columns = [f"p_{label}" for label in labels]
    assert list(answers) == ["number", "name", "arm", "predicted", *columns]
    asked = predictions.request(prediction_id)
    assert asked
    paths = [predictions.directory(prediction_id) / "pictures" / each["file"] for each in asked["pictures"]]
    pixels = np.stack([picture.load(path, 32) for path in paths])
    for arm in ARMS:
        rows = answers[answers["arm"] == arm]
        assert rows["number"].tolist() == [0, 1, 2]
        assert rows["name"].tolist() == ["a.png", "b.png", "a.png"]
        network = keras.saving.load_model(compared.arm(arm) / "model.keras", compile=False)
        expected = model.probabilities(engine.predict(network, pixels))
        np.testing.assert_allclose(rows[columns], expected, atol=1e-5)
        assert rows["predicted"].tolist() == [labels[index] for index in model.chosen(expected)]


def test_a_picture_of_the_test_part_is_answered_as_it_was_scored(compared):
    chosen = read_experiment(compared.experiment_id)
    assert chosen
    data = dataset.read(chosen.dataset)
    scored = pd.read_parquet(compared.arm("transfer") / "predictions.parquet")
    assert data
    names = scored["picture"].tolist()[:5]
    answers = answered(
        predictions.create(compared.experiment_id, [(name, data.path(name).read_bytes()) for name in names])
    )
    rows = answers[answers["arm"] == "transfer"]
    columns = ["p_earth", "p_grass", "p_water"]
    np.testing.assert_allclose(rows[columns], scored[columns][:5], atol=1e-4)


def test_an_experiment_that_was_deleted_meanwhile_fails_with_what_is_missing(compared, files):
    prediction_id = predictions.create(compared.experiment_id, files)
    request = predictions.directory(prediction_id) / "request.json"
    write_json(request, read_json(request) | {"experiment": "f" * 32})
    assert predict.main([str(predictions.directory(prediction_id))]) == 1
    assert status(prediction_id).state is State.FAILED
    assert "found none" in status(prediction_id).message
    assert predictions.read(prediction_id) is None


def test_a_stop_ends_it_without_answers(compared, files, start, wait_for):
    prediction_id = predictions.create(compared.experiment_id, files)
    process = start("core.tasks.predict", predictions.directory(prediction_id))
    wait_for(lambda: status(prediction_id).state is State.STARTING)
    begun = time.monotonic()
    request_stop(predictions.directory(prediction_id))
    assert process.wait(10) == 0
    assert time.monotonic() - begun < 1.5
    assert status(prediction_id).state is State.STOPPED
    assert predictions.read(prediction_id) is None


def test_only_arms_with_a_saved_network_answer(compared, tmp_path: Path, monkeypatch, files):
    original = arm_directory
    empty = tmp_path / "empty"

    def only_transfer(experiment_id: str, arm: str) -> Path:
        return original(experiment_id, arm) if arm == "transfer" else empty

    monkeypatch.setattr(predictions, "arm_directory", only_transfer)
    answers = answered(predictions.create(compared.experiment_id, files))
    assert set(answers["arm"]) == {"transfer"}
