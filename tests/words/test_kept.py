"""What files keep are kinds and values: no sentence of the catalogue. What earlier versions wrote still opens."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from core.data import alternatives, dataset, ingest
from core.data.findings.problem import ProblemKind
from core.disk import home as homes
from core.disk import space
from core.disk.files import write_json
from core.disk.home import arm_directory, dataset_directory
from core.disk.status import State, Status, read_status, write_status
from core.errors import ResourceError, WeightsError
from core.plan import attempt, bases, predictions, weights
from core.queue import children, kinds
from core.tasks import predict
from core.words.english import catalogue
from core.words.said import Said, plain, say
from core.words.sentences import _pieces, sentence
from core.worker.writer import StatusWriter

WORDS = 4  # in a row, of a catalogue's template: no name has them by chance


def phrases() -> set[str]:
    texts = (text for template in catalogue.TEXTS.values() for text, _, _ in _pieces(template))
    return {text.strip() for text in texts if text.count(" ") >= WORDS}


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from (name, *texts(each))
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


def kept(folder: Path) -> dict[str, set[str]]:
    """Each JSON file below a folder, with all texts in it."""
    return {
        str(path.relative_to(folder)): set(texts(json.loads(path.read_text(encoding="utf-8"))))
        for path in folder.rglob("*.json")
    }


@pytest.fixture
def spoiled(zip_of, picture_of):
    """A zip with nearly everything that can be wrong with one, and two ways to read it."""
    return zip_of(
        {
            **{f"data/{part}/{label}/": 12 for part in ("a", "b") for label in ("cat", "dog")},
            "data/a/Cat/": 4,
            "data/a/cat/broken.jpg": b"\xff\xd8\xff\xe0 nothing of it",
            "data/a/cat/page.png": b"<html>no picture</html>",
            "data/a/cat/empty.png": b"",
            "data/a/dog/blank.bmp": picture_of(801),
            "data/b/dog/same.png": picture_of(802),
            "data/b/cat/same.png": picture_of(802),
            "data/a/cat/more.7z": b"7z",
            "data/.hidden/cat/1.png": picture_of(803),
            "data/dog /2.png": picture_of(804),
            "data/loose.png": picture_of(805),
            "data/notes.csv": b"one,two\nthree,four\n",
            "../evil.png": picture_of(806),
            "readme.md": b"text",
        }
    )


def test_nothing_on_disk_holds_a_sentence(spoiled, home, new_experiment):
    data = ingest.ingest(ingest.create(spoiled, "spoiled"))
    assert len(data.problems) > 6
    assert {each.kind for each in data.problems} >= {
        ProblemKind.UNREADABLE,
        ProblemKind.REFUSED,
        ProblemKind.TWO_LABELS,
    }
    assert (dataset_directory(data.id) / "readings.json").exists()
    experiment_id = new_experiment(2)
    transfer, scratch = (arm_directory(experiment_id, arm) for arm in ("transfer", "scratch"))
    attempt.prepare(scratch)
    row = bases.base("MobileNet")
    failure = weights._by_hand(row, say("weights.status", status=404))
    StatusWriter(transfer, Status()).fail(failure)
    (scratch / "log.txt").write_text("KeyError: 3\n", encoding="utf-8")
    children.end(scratch, State.FAILED, say("end.by-code", code=3, log="KeyError: 3"))
    found = kept(home)
    assert len(found) > 6
    known = phrases()
    assert len(known) > 100
    broken = {
        (name, text): phrase for name, listed in found.items() for text in listed for phrase in known if phrase in text
    }
    assert not broken
    assert (read_status(transfer) or Status()).message == str(failure)


def test_the_test_sees_a_sentence_where_there_is_one(home):
    write_json(home / "x.json", {"message": [{"text": str(WeightsError("weights.stopped")) + sentence(plain(""))}]})
    write_json(home / "y.json", {"message": str(ResourceError(space.was_unwritable()))})
    found = kept(home)
    assert any(phrase in text for text in found["y.json"] for phrase in phrases())


def test_what_was_refused_of_a_prediction_is_kept_as_kinds(monkeypatch):
    folder = predictions.directory(homes.new_id())
    (folder / "uploads").mkdir(parents=True)
    (folder / "uploads" / "0").write_bytes(b"%PDF")
    write_json(folder / "request.json", {"experiment": "0" * 32, "names": ["a.png"], "workspace": ""})
    monkeypatch.setattr(predict, "scored_arms", lambda _: [])
    with pytest.raises(Exception, match="Found none: a.png: it is a PDF document. Choose JPEG or PNG files"):
        predict.store(folder, lambda *_: None)
    (entry,) = json.loads((folder / "pictures.json").read_text(encoding="utf-8"))["refused"]
    assert entry["reason"] == asdict(say("picture.is", what=say("no-picture.pdf")))
    asked = predictions.request(folder.name)
    assert asked
    assert asked["refused"] == [{"name": "a.png", "reason": "it is a PDF document"}]


def test_the_refusals_of_an_earlier_version_are_shown_as_it_wrote_them():
    folder = predictions.directory(homes.new_id())
    folder.mkdir(parents=True)
    write_json(folder / "request.json", {"experiment": "0" * 32, "names": ["a.png"]})
    write_json(folder / "pictures.json", {"pictures": [], "refused": [{"name": "a.png", "reason": "it is odd"}]})
    asked = predictions.request(folder.name)
    assert asked
    assert asked["refused"][0]["reason"] == "it is odd"


def test_a_status_of_an_earlier_version_still_opens(tmp_path):
    write_json(tmp_path / "status.json", {"state": "failed", "pid": None, "message": "Memory ran out. Lower it."})
    found = read_status(tmp_path)
    assert found
    assert found.said == plain("Memory ran out. Lower it.")
    assert (found.state, found.message) == (State.FAILED, "Memory ran out. Lower it.")
    write_json(tmp_path / "status.json", {"state": "done", "message": ""})
    assert (read_status(tmp_path) or Status()).said is None


def test_a_status_keeps_what_is_said_with_all_that_is_said_within(tmp_path):
    said = say("end.out-of-memory", remedy=kinds.LOWER)
    write_status(tmp_path, Status(state=State.FAILED, said=said))
    found = read_status(tmp_path)
    assert found
    assert found.said == said
    assert found.message == (
        "The system ended this run, probably because memory ran out. "
        "Lower the batch size, the picture size or the number of trained blocks."
    )


def test_the_problems_and_ways_of_an_earlier_version_still_open(spoiled):
    data = ingest.ingest(ingest.create(spoiled, "spoiled"))
    directory = dataset_directory(data.id)
    before = [(each.title, each.names, each.remedy) for each in data.problems]
    titles = [way.title for way in data.ways]
    _as_earlier(directory / "dataset.json", ("problems",))
    _as_earlier(directory / "readings.json", ("common",))
    read = dataset.read(data.id)
    assert read
    assert [(each.title, each.names, each.remedy) for each in read.problems] == before
    assert [way.title for way in read.ways] == titles
    again = alternatives.read(directory)
    assert again
    assert len(again.common) > 1


def _as_earlier(path: Path, keys: tuple[str, ...]) -> None:
    """Rewritten with finished sentences."""
    from core.data.findings.problem import parsed

    def in_words(stored: dict[str, Any]) -> dict[str, Any]:
        each = parsed(stored)
        own = {"title": each.title, "names": list(each.names), "remedy": each.remedy}
        return {"kind": stored["kind"], "severity": stored["severity"], **own}

    value = json.loads(path.read_text(encoding="utf-8"))
    for key in keys:
        value[key] = [in_words(each) for each in value[key]]
    for way in value.get("ways", ()):
        way["title"] = sentence(Said.read(way.pop("said")))
        way["problems"] = [in_words(each) for each in way["problems"]]
    write_json(path, value)


def test_an_experiment_that_does_not_fit_says_what_would():
    refusal = ResourceError("memory.scratch", arm="from-scratch", needed=3 * 10**9, limit=10**9)
    more = ResourceError("memory.way-out", refusal=refusal.said, changes=[say("change.all-frozen")])
    assert str(more).startswith("The from-scratch arm would need about 3.0\xa0GB of memory; this host has 1.0\xa0GB")
    assert str(more).endswith("Lower the batch size or the picture size. What would fit: all blocks frozen.")
