"""Another way to read the same zip, without another upload."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from core.data import dataset, ingest, storing, uploads
from core.data.dataset import Dataset
from core.data.split import split
from core.disk.home import dataset_directory
from core.disk.status import State, read_status
from core.errors import DatasetError


@pytest.fixture
def variants(zip_of: Callable[..., Path]) -> Dataset:
    """Two classes in two variants."""
    zipped = zip_of({f"{look}/{label}/": 8 for look in ("color", "gray") for label in ("oak", "elm")} | {"t.png": b"?"})
    return ingest.ingest(ingest.create(zipped, "Leaves.zip"))


def test_groups_are_remembered_with_each_picture(variants):
    assert variants.classes == ("elm", "oak")
    assert variants.pictures.groupby("group").size().to_dict() == {"color": 16, "gray": 16}
    again = dataset.read(variants.id)
    assert again and again.pictures["group"].tolist() == variants.pictures["group"].tolist()


def test_pictures_without_a_group_have_none(zip_of):
    made = ingest.ingest(ingest.create(zip_of({"a/": 3, "b/": 3}), "x"))
    assert made.pictures["group"].isna().all()
    assert made.ways == []


def test_all_ways_are_listed_with_their_classes(variants):
    assert {way.key: way.labels for way in variants.ways} == {
        "folders 2": ("elm", "oak"),
        "folders 1": ("color", "gray"),
        "only color": ("elm", "oak"),
        "only gray": ("elm", "oak"),
    }
    assert variants.reading == "folders 2"


def test_another_way_is_another_data_set_of_the_same_files(variants, monkeypatch):
    monkeypatch.setattr(ingest, "open_archive", None)
    other = dataset.read(ingest.reread(variants.id, "folders 1"))
    assert other and other.id != variants.id
    assert other.classes == ("color", "gray")
    assert other.fingerprint != variants.fingerprint
    assert (other.name, other.reading) == ("Leaves", "folders 1")
    for picture in other.pictures["picture"]:
        assert other.path(picture).samefile(variants.path(picture))
    assert split(other).counts().sum().sum() == 32
    status = read_status(dataset_directory(other.id))
    assert status and status.state is State.DONE


def test_one_can_go_back_and_gets_the_same_data_set_again(variants):
    there = ingest.reread(variants.id, "only gray")
    only = dataset.read(there)
    assert only and len(only.pictures) == 16 and set(only.pictures["group"]) == {"gray"}
    back = dataset.read(ingest.reread(there, "folders 2"))
    assert back and back.fingerprint == variants.fingerprint
    assert back.problems == variants.problems


def test_near_copies_are_known_by_whichever_way_the_zip_is_read(zip_of, photo_of, monkeypatch):
    files = {}
    for number in range(8):
        label = ("oak", "elm")[number % 2]
        for look, size in (("color", (320, 240)), ("small", (160, 120))):
            file = io.BytesIO()
            photo_of(number).resize(size).save(file, "JPEG")
            files[f"{look}/{label}/{number}.jpg"] = file.getvalue()
    made = ingest.ingest(ingest.create(zip_of(files), "x"))
    assert len(made.near) == 8
    assert made.pictures["near"].notna().any()
    monkeypatch.setattr(ingest, "open_archive", None)
    there = ingest.reread(made.id, "only small", workspace="mine")
    only = dataset.read(there)
    assert only and len(only.near) == 0 and only.pictures["near"].isna().all()
    assert uploads.is_owner(there, "mine")
    back = dataset.read(ingest.reread(there, "folders 2", workspace="mine"))
    assert back and back.near["first"].tolist() == made.near["first"].tolist()
    assert back.pictures["near"].fillna("").tolist() == made.pictures["near"].fillna("").tolist()


def test_a_way_that_makes_no_data_set_is_refused_and_leaves_nothing(zip_of, home):
    made = ingest.ingest(ingest.create(zip_of({"big/old/": 3, "big/new/": 3, "small/odd/": 3, "small/x/": 1}), "x"))
    before = sorted(path.name for path in (home / "datasets").iterdir())
    with pytest.raises(DatasetError, match="Found 'x' with 1"):
        ingest.reread(made.id, "folders 2")
    with pytest.raises(DatasetError, match="not here any more"):
        ingest.reread(made.id, "folders 9")
    assert sorted(path.name for path in (home / "datasets").iterdir()) == before


def test_a_new_upload_of_the_zip_is_read_the_likeliest_way_with_all_others(zip_of, monkeypatch):
    zipped = zip_of({f"{look}/{label}/": 8 for look in ("color", "gray") for label in ("oak", "elm")})
    first = ingest.ingest(ingest.create(zipped, "x"))
    ingest.reread(first.id, "folders 1")
    monkeypatch.setattr(ingest, "open_archive", None)  # known by its bytes
    again = ingest.ingest(ingest.create(zipped, "x"))
    assert again.fingerprint == first.fingerprint
    assert [way.key for way in again.ways] == [way.key for way in first.ways]
    other = dataset.read(ingest.reread(again.id, "folders 1"))
    assert other and other.classes == ("color", "gray")


def test_the_first_pictures_without_a_label_are_kept_to_be_asked_about(zip_of):
    zipped = zip_of({"train/a/": 5, "train/b/": 5, "test/": 30, "test/no.png": b"broken"})
    made = ingest.ingest(ingest.create(zipped, "x"))
    kept = made.unlabelled_paths
    assert len(kept) == storing.MOST_UNLABELLED
    assert kept[0][0] == "test/0.png" and all(path.is_file() for _, path in kept)
    again = dataset.read(made.id)
    assert again and again.unlabelled == made.unlabelled
    copy = ingest.ingest(ingest.create(zipped, "y"))
    assert [name for name, _ in copy.unlabelled_paths] == [name for name, _ in kept]
    assert all(path.is_file() for _, path in copy.unlabelled_paths)
