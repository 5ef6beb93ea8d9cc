"""Uploads: whose they are, what keeps them, when they go."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from plans import planned

from core.data import dataset, ingest, uploads
from core.data.dataset import Dataset
from core.data.pictures import picture
from core.data.split import split
from core.disk.ages import Ages
from core.disk.home import dataset_directory, directories, jobs_directory, new_id
from core.errors import InputError
from core.plan.experiments import create_experiment, read_experiment
from core.queue import jobs, removal
from core.queue.job import Job
from core.queue.kinds import Kind
from core.settings import settings

MINE, OTHERS = "a" * 32, "b" * 32


@pytest.fixture
def uploaded(zip_of: Callable[..., Path]) -> Callable[..., Dataset]:
    """A function that makes a data set; the same zip each time."""
    source = zip_of({"cat/": 12, "dog/": 12})

    def make(workspace: str = MINE) -> Dataset:
        return ingest.ingest(ingest.create(source, "Pets", workspace=workspace))

    return make


def is_there(one: Dataset) -> bool:
    return dataset.read(one.id) is not None


def grow_old(path: Path, days: float) -> None:
    for each in (*path.iterdir(), path):
        os.utime(each, (time.time() - days * 86_400,) * 2)


def test_an_unused_upload_goes_after_a_day_and_not_before(uploaded):
    one = uploaded()
    grow_old(dataset_directory(one.id), 0.9)
    removal.expire(Ages())
    assert is_there(one)
    grow_old(dataset_directory(one.id), 1.1)
    removal.expire(Ages())
    assert not dataset_directory(one.id).exists()


def test_how_long_uploads_are_kept_is_a_setting_and_the_sentence_follows_it(uploaded, monkeypatch):
    assert "removed a day after" in uploads.policy()
    monkeypatch.setenv("HEADSTART_KEEP_UPLOADS_DAYS", "3")
    settings.cache_clear()
    assert "removed 3 days after" in uploads.policy()
    one = uploaded()
    grow_old(dataset_directory(one.id), 2)
    removal.expire(Ages())
    assert is_there(one)


def test_whoever_opens_an_upload_keeps_it_for_another_day(uploaded):
    one = uploaded()
    grow_old(dataset_directory(one.id), 5)
    uploads.note_use(one.id)
    removal.expire(Ages())
    assert is_there(one)


def test_an_upload_that_an_experiment_uses_stays(uploaded):
    one = uploaded()
    create_experiment(planned(one.id), split(one).frame)
    grow_old(dataset_directory(one.id), 100)
    removal.expire(Ages())
    assert is_there(one)


def test_an_upload_that_waits_to_be_read_or_is_held_stays(uploaded, home, zip_of):
    waiting = ingest.create(zip_of({"cat/": 5, "dog/": 5}, "other.zip"), "x")
    (home / "jobs").mkdir()
    Job(kind=Kind.INGEST, subject=waiting, submitted=1).write()
    held = uploaded()
    for each in (waiting, held.id):
        grow_old(dataset_directory(each), 100)
    with uploads.held(held.id):
        removal.expire(Ages())
    assert is_there(held)
    assert (dataset_directory(waiting) / "upload.zip").exists()


def test_an_ingest_that_is_at_work_keeps_its_upload(zip_of):
    dataset_id = ingest.create(zip_of({"cat/": 12, "dog/": 12}), "x")

    def progress(*_: object) -> None:
        grow_old(dataset_directory(dataset_id), 100)
        removal.expire(Ages())

    assert len(ingest.ingest(dataset_id, progress=progress).pictures) == 24


def test_the_pictures_that_another_data_set_shares_outlive_a_deletion(uploaded):
    first, second = uploaded(), uploaded()
    removal.delete(first.id, MINE)
    assert not is_there(first)
    assert all(second.path(picture).stat().st_size for picture in second.pictures["picture"])


@pytest.mark.parametrize("name", ["pictures", "near.parquet", "readings.json", "readings.parquet"])
def test_the_same_zip_is_read_anew_where_the_files_of_the_first_upload_are_damaged(name, zip_of):
    zipped = zip_of({f"{look}/{label}/": 8 for look in ("color", "gray") for label in ("oak", "elm")})
    first = ingest.ingest(ingest.create(zipped, "Leaves"))
    path = dataset_directory(first.id) / name
    harmed = first.path(first.pictures["picture"].iloc[0]) if name == "pictures" else path
    harmed.write_bytes(harmed.read_bytes()[:60])
    second = ingest.ingest(ingest.create(zipped, "Leaves"))
    assert second.fingerprint == first.fingerprint
    assert all(picture.is_whole(second.path(each)) for each in second.pictures["picture"])
    assert dataset.read(ingest.reread(second.id, second.ways[1].key))


def test_an_ingest_that_copies_from_an_upload_while_it_goes_reads_its_own_zip(uploaded, monkeypatch):
    first, real, linked = uploaded(), os.link, []

    def link(source: Path, target: Path) -> None:
        linked.append(target)
        if len(linked) == 5:
            removal.delete(first.id, MINE)
        real(source, target)

    monkeypatch.setattr(os, "link", link)
    second = uploaded()
    assert not is_there(first)
    assert all(second.path(picture).stat().st_size for picture in second.pictures["picture"])


def test_only_the_link_that_uploaded_may_delete_and_only_what_nothing_uses(uploaded):
    one = uploaded()
    for stranger in (OTHERS, ""):
        with pytest.raises(InputError, match="Only the link that uploaded"):
            removal.delete(one.id, stranger)
    create_experiment(planned(one.id, workspace=OTHERS), split(one).frame)
    with pytest.raises(InputError, match="1 experiment uses these pictures"):
        removal.delete(one.id, MINE)
    assert is_there(one)


def test_who_has_only_the_link_may_not_train_on_the_pictures_and_what_nobodys_link_brought_is_everybodys(uploaded):
    one, nobodys = uploaded(), uploaded(workspace="")
    uploads.check_use(one.id, MINE)
    for stranger in (OTHERS, ""):
        with pytest.raises(InputError, match="Upload the same zip to train on them"):
            uploads.check_use(one.id, stranger)
        uploads.check_use(nobodys.id, stranger)
    uploads.check_use(new_id(), OTHERS)  # there is nothing any more, so nothing to refuse


def test_who_has_only_the_link_makes_no_data_set_of_the_pictures_by_another_way_to_read_them(zip_of):
    zipped = zip_of({f"{look}/{label}/": 8 for look in ("color", "gray") for label in ("oak", "elm")})
    one = ingest.ingest(ingest.create(zipped, "Leaves", workspace=MINE))
    with pytest.raises(InputError, match="which may only look"):
        ingest.reread(one.id, one.ways[1].key, workspace=OTHERS)
    assert [path.name for path in directories("datasets")] == [one.id]
    assert ingest.reread(one.id, one.ways[1].key, workspace=MINE)


def test_an_experiment_of_another_link_is_named_to_the_owner_who_cannot_delete_it(uploaded):
    one = uploaded()
    experiment_on(one)
    assert removal.refusal(one.id) == (
        "1 experiment uses these pictures. They go with the last one: delete it on the Compare page."
    )
    create_experiment(planned(one.id, workspace=OTHERS), split(one).frame)
    assert "1 of 2 can be deleted only under the link that started it." in str(removal.refusal(one.id))


def test_an_upload_of_nobody_is_nobodys_to_delete(uploaded):
    one = uploaded(workspace="")
    with pytest.raises(InputError, match="Only the link"):
        removal.delete(one.id, "")


def test_an_upload_that_another_tab_has_deleted_is_no_error(uploaded):
    one = uploaded()
    for _ in range(2):
        removal.delete(one.id, MINE)
    assert not is_there(one)


def experiment_on(one: Dataset) -> str:
    return create_experiment(planned(one.id, workspace=MINE), split(one).frame)


def test_an_upload_goes_with_its_last_experiment(uploaded):
    one, other = uploaded(), uploaded()
    first, second, third = experiment_on(one), experiment_on(one), experiment_on(other)
    jobs.delete(first, MINE)
    assert is_there(one)
    jobs.delete(second, MINE)
    assert not dataset_directory(one.id).exists()
    assert read_experiment(second) is None
    assert is_there(other)
    assert read_experiment(third) is not None


def test_an_upload_outlives_its_last_experiment_where_somebody_makes_another_just_then(uploaded):
    one = uploaded()
    first = experiment_on(one)
    with uploads.held(one.id):
        jobs.delete(first, MINE)
        second = experiment_on(one)
    assert read_experiment(first) is None
    assert read_experiment(second) is not None
    assert is_there(one)


def test_an_upload_that_has_just_been_read_is_not_said_to_be_still_read(uploaded):
    one = uploaded()
    jobs_directory().mkdir(parents=True)
    Job(kind=Kind.INGEST, subject=one.id, submitted=1).write()
    assert removal.refusal(one.id) is None
    removal.delete(one.id, MINE)
    assert not is_there(one)
