import io
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.cli import check
from core.data import dataset, ingest, storing
from core.data.dataset import Dataset
from core.data.findings.problem import Problem, ProblemKind
from core.data.pictures.picture import load
from core.data.split import split
from core.disk.files import write_frame, write_json
from core.disk.home import dataset_directory
from core.disk.record import read_json
from core.disk.status import State, Status, is_alive, read_status, request_stop
from core.errors import ArchiveError, DatasetError, ResourceError, StopRequested
from core.settings import ROOT, settings


@pytest.fixture
def ingested(zip_of: Callable[..., Path]) -> Callable[..., Dataset]:
    """A function that makes a data set of a zip of these files."""
    return lambda files, **options: ingest.ingest(ingest.create(zip_of(files), "Pets.zip"), **options)


def problem_of(made: Dataset, kind: ProblemKind) -> Problem:
    return next(problem for problem in made.problems if problem.kind is kind)


FILES = {"request.json", "status.json", "dataset.json", "near.parquet", "manifest.parquet"}


def leftovers(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def wait_for(claim: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_zip_becomes_a_data_set(ingested):
    made = ingested({"pets/cats/": 30, "pets/dogs/": 25})
    assert made.name == "Pets"
    assert made.classes == ("cats", "dogs")
    assert made.pictures["label"].value_counts().to_dict() == {"cats": 30, "dogs": 25}
    assert list(made.pictures) == ["picture", "file", "label", "name", "width", "height", "part", "group", "near"]
    assert made.pictures["name"].iloc[0] == "cats/0.png"
    assert not made.has_own_split
    assert not made.problems
    for row in made.pictures.itertuples():
        assert made.path(row.picture).name == row.file
        assert load(made.path(row.picture), 8).shape == (8, 8, 3)


def test_a_data_set_read_again_is_the_same(ingested):
    made = ingested({"cats/": 5, "dogs/": 4, "dogs/broken.jpg": b"no picture", "cats/again.png": 7, "dogs/more.png": 7})
    again = dataset.read(made.id)
    assert again is not None
    pd.testing.assert_frame_equal(again.pictures, made.pictures)
    assert (again.id, again.name, again.fingerprint) == (made.id, made.name, made.fingerprint)
    assert (again.classes, again.problems, again.seconds) == (made.classes, made.problems, made.seconds)
    assert len(again.problems) == 3


def test_reads_the_own_split_again(ingested):
    made = ingested({"train/cats/": 3, "train/dogs/": 3, "test/cats/": 2, "test/dogs/": 2})
    assert made.has_own_split
    again = dataset.read(made.id)
    assert again is not None
    assert again.has_own_split
    pd.testing.assert_frame_equal(again.pictures, made.pictures)


def test_only_what_the_contract_names_is_left_on_disk(ingested):
    made = ingested({"cats/": 5, "dogs/": 5})
    directory = dataset_directory(made.id)
    assert leftovers(directory) == {*FILES, "pictures"}
    assert leftovers(directory / "pictures") == set(made.pictures["file"])
    assert all(len(Path(file).stem) == 64 for file in made.pictures["file"])


def test_the_fingerprint_follows_the_content_alone(ingested):
    files = {"cats/": 5, "dogs/": 5, "dogs/x.png": 1}
    first = ingested(files).fingerprint
    assert ingested({f"wrapped/{name}": content for name, content in files.items()}).fingerprint == first
    assert ingested({**files, "dogs/x.png": 2}).fingerprint != first
    assert ingested({"cats/": 5, "dogs/": 5, "cats/x.png": 1}).fingerprint != first


def test_ingesting_twice_gives_the_first_result(ingested):
    made = ingested({"cats/": 5, "dogs/": 5})
    assert ingest.ingest(made.id).fingerprint == made.fingerprint


def test_a_zip_with_the_same_bytes_is_not_read_again(zip_of, monkeypatch):
    zipped = zip_of({"cats/": 5, "dogs/": 4, "dogs/broken.jpg": b"no picture"})
    first = ingest.ingest(ingest.create(zipped, "First.zip"))
    monkeypatch.setattr(dataset, "open_archive", None)
    seen: list[tuple[int, int]] = []
    second = ingest.ingest(ingest.create(zipped, "Second.zip"), progress=lambda *at: seen.append(at))
    assert (first.name, second.name) == ("First", "Second")
    assert second.id != first.id
    pd.testing.assert_frame_equal(second.pictures, first.pictures)
    assert (second.fingerprint, second.classes, second.problems) == (first.fingerprint, first.classes, first.problems)
    assert seen[-1] == (9, 9)
    one, other = dataset_directory(first.id), dataset_directory(second.id)
    assert leftovers(other) == leftovers(one)
    for picture in first.pictures["picture"]:
        assert second.path(picture).samefile(first.path(picture))
    shutil.rmtree(one)  # as when the first one's owner deletes it
    assert all(load(second.path(each), 8).shape == (8, 8, 3) for each in second.pictures["picture"])


def test_pictures_are_copied_where_links_are_not_to_be_had(zip_of, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    zipped = zip_of({"cats/": 5, "dogs/": 5})
    first = ingest.ingest(ingest.create(zipped, "x"))
    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(dataset, "open_archive", None)
    second = ingest.ingest(ingest.create(zipped, "x"))
    for picture in first.pictures["picture"]:
        assert second.path(picture).read_bytes() == first.path(picture).read_bytes()
        assert not second.path(picture).samefile(first.path(picture))


def test_a_zip_is_read_again_where_the_other_data_set_is_going_away_or_was_read_by_other_rules(zip_of, monkeypatch):
    zipped = zip_of({"cats/a.png": 1, "cats/": 5, "dogs/": 5})
    first = ingest.ingest(ingest.create(zipped, "x"))
    first.path(first.pictures["picture"][0]).unlink()
    second = ingest.ingest(ingest.create(zipped, "x"))
    pd.testing.assert_frame_equal(second.pictures, first.pictures)
    assert len(leftovers(dataset_directory(second.id) / "pictures")) == 11
    monkeypatch.setenv("HEADSTART_STORED_SIDE", "4")
    settings.cache_clear()
    third = ingest.ingest(ingest.create(zipped, "x"))
    assert set(third.pictures["width"]) == {4}
    assert set(second.pictures["width"]) == {8}


def test_a_zip_is_read_again_where_time_or_memory_was_lacking_for_a_picture(zip_of, picture_of, monkeypatch):
    zipped = zip_of({"cats/": 5, "dogs/": 5, "dogs/large.png": picture_of(1, size=(2000, 1000))})
    monkeypatch.setenv("HEADSTART_PICTURE_BYTES", "5000000")
    settings.cache_clear()
    first = ingest.ingest(ingest.create(zipped, "x"))
    (said,) = problem_of(first, ProblemKind.UNREADABLE).names
    assert said.startswith("dogs/large.png: it would need ")
    monkeypatch.delenv("HEADSTART_PICTURE_BYTES")
    settings.cache_clear()
    second = ingest.ingest(ingest.create(zipped, "x"))
    assert len(first.pictures) == 10
    assert len(second.pictures) == 11


def test_another_zip_of_the_same_pictures_is_another_data_set(zip_of):
    files = {"cats/": 5, "dogs/": 5}
    first = ingest.ingest(ingest.create(zip_of(files), "x"))
    second = ingest.ingest(ingest.create(zip_of({**files, "notes/read.txt": b"me"}), "x"))
    for picture in first.pictures["picture"]:
        assert not second.path(picture).samefile(first.path(picture))


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Pets.zip", "Pets"),
        ("C:\\data\\My pets.ZIP", "My pets"),
        ("/x/y.zip", "y"),
        (".zip", "Pictures"),
        ("", "Pictures"),
    ],
)
def test_names_a_data_set_after_its_file(zip_of, name, title):
    made = ingest.ingest(ingest.create(zip_of({"cats/": 3, "dogs/": 3}), name))
    assert made.name == title


def test_a_created_data_set_waits_in_the_queue(zip_of):
    with zip_of({"cats/": 3}).open("rb") as upload:
        dataset_id = ingest.create(upload, "pets.zip")
    assert dataset.read(dataset_id) is None
    status = read_status(dataset_directory(dataset_id))
    assert status is not None
    assert status.state is State.QUEUED


@pytest.mark.parametrize(("path", "found"), [("nothing.zip", "nothing there"), (".", "a folder; zip it first")])
def test_refuses_a_path_that_is_no_file(tmp_path, home, path, found):
    with pytest.raises(ArchiveError, match=found):
        ingest.create(tmp_path / path, "x")
    assert not list(home.iterdir())


def test_refuses_an_upload_that_would_fill_the_disk_and_leaves_nothing(zip_of, home, monkeypatch):
    path = zip_of({"cats/": 3})
    monkeypatch.setenv("HEADSTART_MIN_FREE_BYTES", str(10**18))
    settings.cache_clear()
    with pytest.raises(ResourceError, match="Free some disk"):
        ingest.create(path, "x")
    assert not list((home / "datasets").iterdir())


def test_lists_each_unreadable_picture_with_its_reason_and_keeps_the_rest(ingested, picture_of):
    cut = picture_of(1, kind="JPEG", size=(300, 300))[:5000]
    made = ingested({"cats/": 20, "dogs/": 20, "cats/cut.jpg": cut, "dogs/note.png": b"text", "dogs/empty.gif": b""})
    unreadable = problem_of(made, ProblemKind.UNREADABLE)
    assert unreadable.title == "3 pictures cannot be read"
    assert unreadable.names == (
        "cats/cut.jpg: its data is damaged, cut off or of a rare kind",
        "dogs/note.png: it is text",
        "dogs/empty.gif: it is an empty file",
    )
    assert len(made.pictures) == 40


def test_names_pictures_of_kinds_that_are_not_read(ingested):
    made = ingested({"cats/": 20, "dogs/": 20, "cats/phone.heic": b"\x00\x00\x00\x18ftypheic"})
    assert problem_of(made, ProblemKind.UNREADABLE).names[0].startswith("cats/phone.heic: it is a HEIC")


def test_what_a_file_is_follows_from_its_content_and_not_from_its_ending(ingested, photo_of):
    """No ending, a wrong one, an unknown one; kinds that phones and scientists write; and what is no picture at all."""
    photos = iter([photo_of(number) for number in range(8)])
    read = {
        "cats/none": saved(next(photos), "JPEG"),
        "cats/IMG.0001": saved(next(photos), "PNG"),
        "cats/wrong.png": saved(next(photos), "JPEG"),
        "cats/wrong.jpg": saved(next(photos), "WEBP"),
        "cats/heic": (Path(__file__).parents[1] / "phone.heic").read_bytes(),
        "cats/other.avif": saved(next(photos), "AVIF"),
        "cats/frame.dat": saved(next(photos), "AVIF"),
        "cats/scan.ppm": saved(next(photos), "PPM"),
        "cats/scan": saved(next(photos), "PPM"),
    }
    others = {
        "cats/pointer.jpg": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        "cats/empty.png": b"",
        "cats/page.jpg": b"<!DOCTYPE html><html><body>Sign in</body></html>",
        "cats/notes": b"a note without an ending",
    }
    made = ingested({**read, **others, "dogs/": 5})
    assert set(made.pictures.loc[made.pictures["label"] == "cats", "name"]) == set(read)
    assert [name.partition(",")[0] for name in problem_of(made, ProblemKind.UNREADABLE).names] == [
        "cats/pointer.jpg: it is a Git LFS pointer",
        "cats/empty.png: it is an empty file",
        "cats/page.jpg: it is a web page: its download failed",
    ]
    assert problem_of(made, ProblemKind.NOT_A_PICTURE).names == ("cats/notes",)


def test_a_data_set_of_an_earlier_version_still_opens(ingested, photo_of):
    """Without near-copies, groups and other ways to read its zip."""
    made = ingested({"cats/": 5, "dogs/": 5, "cats/x.jpg": saved(photo_of(0), "JPEG")})
    directory = dataset_directory(made.id)
    said = read_json(directory / "dataset.json")
    assert said
    kept = {key: value for key, value in said.items() if key not in ("depth", "reading", "unlabelled")}
    write_json(directory / "dataset.json", {**kept, "made_of": {**said["made_of"], "rules": 3}})
    write_frame(directory / "manifest.parquet", made.pictures.drop(columns=["near", "group"]))
    (directory / "near.parquet").unlink()
    again = dataset.read(made.id)
    assert again is not None and again.fingerprint == made.fingerprint
    assert len(again.near) == 0 and again.ways == [] and again.unlabelled == ()
    assert split(again).fingerprint == split(made).fingerprint


def test_lists_a_picture_of_too_many_pixels_and_keeps_the_rest(ingested, picture_of, monkeypatch):
    monkeypatch.setenv("HEADSTART_MAX_PICTURE_PIXELS", "10000")
    made = ingested({"cats/": 20, "dogs/": 20, "cats/large.png": picture_of(1, size=(101, 100))})
    (name,) = problem_of(made, ProblemKind.UNREADABLE).names
    assert name == "cats/large.png: it has more than the 0.01 megapixels that are read"


def test_lists_refused_entries_and_writes_none_of_them(ingested, home):
    made = ingested({"cats/": 20, "dogs/": 20, "../../evil.jpg": 1, "/etc/evil.jpg": 2, "more.7z": b"7z"})
    assert problem_of(made, ProblemKind.REFUSED).names == (
        "../../evil.jpg: its name leads out of the zip's folder",
        "/etc/evil.jpg: its name is an absolute path",
        "more.7z: an archive inside the zip is not opened",
    )
    assert not list(home.parent.rglob("*evil*"))
    assert len(made.pictures) == 40


def test_a_damaged_entry_is_listed_and_the_rest_kept(zip_of):
    path = zip_of({"cats/": 20, "dogs/": 20, "dogs/bad.png": 1})
    data = bytearray(path.read_bytes())
    at = data.index(b"dogs/bad.png") + 40
    data[at : at + 8] = bytes(8)
    path.write_bytes(data)
    made = ingest.ingest(ingest.create(path, "x"))
    assert problem_of(made, ProblemKind.UNREADABLE).names == ("dogs/bad.png: its data in the zip is damaged",)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_a_copy_with_other_words_beside_its_pixels_counts_once(ingested, photo_of):
    """A comment, other metadata, another format without loss: the bytes differ, the pixels do not."""
    plain = saved(photo_of(0), "JPEG", quality=90)
    decoded = Image.open(io.BytesIO(plain))
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    files = {
        "cats/plain.jpg": plain,
        "cats/comment.jpg": plain[:2] + b"\xff\xfe\x00\x07hello" + plain[2:],
        "cats/exif.jpg": plain[:2]
        + b"\xff\xe1"
        + (len(exif.tobytes()) + 2).to_bytes(2, "big")
        + exif.tobytes()
        + plain[2:],
        "cats/again.png": saved(decoded, "PNG"),
        "cats/again.bmp": saved(decoded, "BMP"),
        "cats/lossless.webp": saved(decoded, "WEBP", lossless=True),
    }
    made = ingested({**files, "cats/": 5, "dogs/": 5})
    assert made.pictures["label"].value_counts().to_dict() == {"cats": 6, "dogs": 5}
    assert problem_of(made, ProblemKind.DUPLICATE).names == (" = ".join(files),)
    assert leftovers(dataset_directory(made.id) / "pictures") == set(made.pictures["file"])


def test_copies_by_their_pixels_leave_the_training_part(ingested, photo_of):
    photos = [saved(photo_of(number), "JPEG") for number in range(3)]
    planted = {
        f"test/cats/{number}.png": saved(Image.open(io.BytesIO(data)), "PNG") for number, data in enumerate(photos)
    }
    train = {f"train/cats/{number}.jpg": data for number, data in enumerate(photos)}
    made = ingested({**train, **planted, "train/cats/": 4, "train/dogs/": 4, "test/dogs/": 2})
    assert made.pictures["part"].value_counts().to_dict() == {"train": 8, "test": 5}
    assert len(problem_of(made, ProblemKind.IN_TRAIN_AND_TEST).names) == 3


def test_near_copies_are_listed_by_pairs_across_classes_in_red_and_kept(ingested, photo_of):
    one, other = photo_of(0), photo_of(1)
    files = {
        "cats/one.jpg": saved(one, "JPEG"),
        "cats/small.jpg": saved(one.resize((160, 120)), "JPEG"),
        "dogs/other.jpg": saved(other, "JPEG"),
        "cats/other.jpg": saved(other, "JPEG", quality=40),
    }
    made = ingested({**files, "cats/": 5, "dogs/": 5})
    assert problem_of(made, ProblemKind.NEAR_TWO_LABELS).names == ("cats/other.jpg ≈ dogs/other.jpg",) or problem_of(
        made, ProblemKind.NEAR_TWO_LABELS
    ).names == ("dogs/other.jpg ≈ cats/other.jpg",)
    assert problem_of(made, ProblemKind.NEAR_TWO_LABELS).severity == "error"
    assert len(problem_of(made, ProblemKind.NEAR).names) == 1
    near = made.pictures.set_index("name")["near"]
    assert near["cats/one.jpg"] == near["cats/small.jpg"] != near["cats/other.jpg"] == near["dogs/other.jpg"]
    assert near.notna().sum() == 4
    again = dataset.read(made.id)
    assert again is not None
    pd.testing.assert_frame_equal(again.near, made.near)


def deep(seed: int, white: int) -> bytes:
    values = np.random.default_rng(seed).integers(0, white, (40, 40)).astype(np.uint16)
    values[0, 0] = white
    return saved(Image.fromarray(values), "PNG")


def test_pictures_of_twelve_bits_are_scaled_by_the_depth_of_all(ingested):
    made = ingested(
        {f"dark/{seed}.png": deep(seed, 2000) for seed in range(4)}
        | {f"light/{seed}.png": deep(seed, 4000) for seed in range(4)}
    )
    assert made.depth["integers"] == (0.0, 4095.0)
    again = dataset.read(made.id)
    assert again is not None and again.depth == made.depth
    brightest = {row.label: load(made.path(row.picture), 40).max() for row in made.pictures.itertuples()}
    assert brightest == {"dark": 255 * 2000 // 4095, "light": 255 * 4000 // 4095}
    assert leftovers(dataset_directory(made.id) / "pictures") == set(made.pictures["file"])


def test_blank_pictures_are_listed(ingested):
    made = ingested({"cats/blank.png": saved(Image.new("RGB", (30, 30), "red"), "PNG"), "cats/": 4, "dogs/": 4})
    assert problem_of(made, ProblemKind.BLANK).names == ("cats/blank.png",)


def test_blank_pictures_are_no_near_copies_of_each_other(ingested):
    blank = {
        f"cats/{grey}.png": saved(Image.new("RGB", (80, 60), (grey, grey, grey)), "PNG") for grey in range(0, 250, 50)
    }
    made = ingested({**blank, "dogs/": 5})
    assert len(made.near) == 0
    assert made.pictures["near"].isna().all()


def test_finds_copies_and_pictures_under_two_labels(ingested):
    made = ingested({"a/": 20, "b/": 20, "a/x.png": 1, "a/y.png": 1, "a/z.png": 2, "b/z.png": 2})
    assert problem_of(made, ProblemKind.DUPLICATE).names == ("a/x.png = a/y.png",)
    assert problem_of(made, ProblemKind.TWO_LABELS).names == ("a/z.png = b/z.png",)
    assert made.pictures["label"].value_counts().to_dict() == {"a": 22, "b": 21}
    assert made.pictures["picture"].nunique() == 42


def test_drops_from_train_what_is_also_in_test(ingested):
    made = ingested({"train/a/": 20, "train/b/": 20, "test/a/": 5, "test/b/": 5, "train/a/x.png": 1, "test/a/x.png": 1})
    assert problem_of(made, ProblemKind.IN_TRAIN_AND_TEST).names == ("train/a/x.png = test/a/x.png",)
    assert made.pictures["part"].value_counts().to_dict() == {"train": 40, "test": 11}


def test_problems_come_with_the_gravest_first(ingested):
    made = ingested({"a/": 3, "b/": 18, "a/x.png": 1, "b/x.png": 1, "readme.txt": b"", "b/bad.jpg": b"x"})
    kinds = [problem.kind for problem in made.problems]
    assert kinds == sorted(kinds, key=list(ProblemKind).index)
    assert kinds[0] is ProblemKind.TWO_LABELS


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "Found no pictures among 0 files"),
        ({"cats/a.txt": b"", "dogs/b.pdf": b""}, "Found no pictures among 2 files"),
        ({"more.zip": b"", "other.rar": b""}, "2 entries were refused: 'more.zip', because it cannot be opened"),
        ({"a.png": 1, "b.png": 2}, "Found 2 pictures outside of any. Put each into"),
        ({"cats/": 3, "a.png": 1}, "Found 1 \\('cats'\\), and 1 picture outside of any. Put each picture into"),
        (
            {"a.png": 1, "b.png": 2, "t.csv": b"file,age\na.png,31\nb.png,57\n"},
            "and 't.csv', of which no column repeats",
        ),
        ({"cats/a.mp4": b"", "dogs/b.mp4": b""}, "no pictures among 2 files, such as 'cats/a.mp4'"),
        ({"cats/": 9}, r"Found 1 \('cats'\). Zip the folder that contains the class folders"),
        ({"pets/cats/": 9}, r"Found 1 \('cats'\)"),
        ({"cats/": 9, "dogs/": 2}, "at least 3 different pictures. Found 'dogs' with 2"),
        ({"cats/": 9, "d/a.png": 1, "d/b.png": 1, "d/c.png": 2}, "at least 3 different pictures. Found 'd' with 2"),
        ({"cats/": 9, "dogs/": 2, "dogs/x.png": b"?"}, "1 could not be read, such as dogs/x.png: it is text"),
        ({"cats/": 9, "dogs/x.png": b"?"}, "Found 'dogs' with 0"),
        ({f"{label}/": 2 for label in "abcde"}, "'a' with 2, 'b' with 2, 'c' with 2 and 2 more classes"),
        ({"cats/a.png": b"?", "dogs/b.png": b"?"}, "Found none. 2 could not be read, such as cats/a.png"),
        ({"train/a/": 1, "train/b/": 2, "test/a/": 2, "test/b/": 2}, "2 different pictures in train. Found 'a' with 1"),
        ({"train/a/": 4, "train/b/": 4, "test/a/": 2}, "at least 1 picture in test. Found 'b' with 0"),
        ({"train/a/": 4, "train/b/": 4, "test/a/": 2, "test/c/": 2}, "in test. Found 'b' with 0"),
        ({"train/a/": 2, "train/b/": 1, "train/b/x.png": 1, "test/a/": 1, "test/b/x.png": 1}, "Found 'b' with 1"),
        ({"0.png": 5, "1.png": 6, "labels.csv": b"filename,label\n0.png,x\n1.png,x\n"}, r"Found 1 \('x'\)"),
    ],
)
def test_refuses_what_makes_no_data_set_in_one_clear_line(zip_of, files, message):
    dataset_id = ingest.create(zip_of(files), "x")
    with pytest.raises(DatasetError, match=message) as caught:
        ingest.ingest(dataset_id)
    assert "\n" not in str(caught.value)
    assert leftovers(dataset_directory(dataset_id)) == {"request.json", "status.json"}
    assert dataset.read(dataset_id) is None


def test_says_so_when_the_upload_is_gone(home):
    directory = home / "datasets" / ("a" * 32)
    directory.mkdir(parents=True)
    with pytest.raises(DatasetError, match="Upload it again"):
        ingest.ingest("a" * 32)


def test_a_full_disk_is_told_as_such(zip_of, monkeypatch):
    dataset_id = ingest.create(zip_of({"cats/": 5, "dogs/": 5}), "x")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.disk.files.write_whole", full)
    with pytest.raises(ResourceError, match="Free some disk"):
        ingest.ingest(dataset_id)
    assert leftovers(dataset_directory(dataset_id)) == {"request.json", "status.json"}


def test_reports_progress_up_to_the_end_and_not_too_often(ingested):
    seen: list[tuple[int, int]] = []
    begun = time.monotonic()
    ingested({"cats/": 60, "dogs/": 60}, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (120, 120)
    assert seen == sorted(seen)
    assert len(seen) <= (time.monotonic() - begun) / storing.REPORT_SECONDS + 2


def test_stops_between_two_pictures_and_leaves_nothing(zip_of):
    dataset_id = ingest.create(zip_of({"cats/": 40, "dogs/": 40}), "x")
    asked: list[bool] = []

    def stopped() -> bool:
        asked.append(True)
        return len(asked) == 10

    with pytest.raises(StopRequested):
        ingest.ingest(dataset_id, stopped=stopped)
    assert len(asked) == 10
    assert leftovers(dataset_directory(dataset_id)) == {"request.json", "status.json"}


def test_reads_every_kind_of_picture_from_labels_csv(ingested, picture_of):
    kinds = ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"]
    pictures = {
        f"img/{kind}{number}.{kind}": picture_of(10 * place + number, kind=kind)
        for place, kind in enumerate(kinds)
        for number in range(4)
    }
    table = "filename,label\n" + "".join(
        f"{name},{'even' if '0' in name or '2' in name else 'odd'}\n" for name in pictures
    )
    made = ingested({**pictures, "labels.csv": table.encode()})
    assert made.pictures["label"].value_counts().to_dict() == {"even": 12, "odd": 12}
    assert {problem.kind for problem in made.problems} == {ProblemKind.TOO_FEW}


def test_describes_a_data_set_for_a_terminal(ingested):
    made = ingested({"a/": 20, "b/": 25, "a/x.png": 1, "b/x.png": 1, **{f"b/{n}.jpg": b"?" for n in range(30)}})
    text = check.describe(made, split(made))
    lines = text.splitlines()
    assert lines[0] == "Pets: 47 pictures in 2 classes"
    assert [line.split() for line in lines[2:6]] == [
        ["train", "validation", "test", "all"],
        ["a", "13", "3", "5", "21"],
        ["b", "16", "4", "6", "26"],
        ["all", "29", "7", "11", "47"],
    ]
    assert "Split, drawn with seed 1: 29 train, 7 validation, 11 test" in lines
    assert "  a/x.png = b/x.png" in lines
    assert "30 pictures cannot be read." in lines
    assert "  and 10 more" in lines


def test_says_that_nothing_is_wrong(ingested):
    made = ingested({"a/": 20, "b/": 20})
    assert check.describe(made, split(made)).endswith("No problems found.")


def test_memory_stays_flat_in_the_number_of_pictures(tmp_path):
    """Ten times the pictures, 90 MB more of them, in processes of their own."""
    program = """
import resource, sys
from pathlib import Path
from core.data import dataset
dataset.ingest(dataset.create(Path(sys.argv[1]), "x"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    peaks = []
    for count in (30, 300):
        path = tmp_path / f"{count}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(count):
                noise = np.random.default_rng(number).integers(0, 256, (300, 330, 3), dtype=np.uint8)
                file = io.BytesIO()
                Image.fromarray(noise).save(file, "BMP")
                archive.writestr(f"{'ab'[number % 2]}/{number}.bmp", file.getvalue())
        ran = subprocess.run(
            [sys.executable, "-c", program, path], capture_output=True, text=True, check=True, cwd=ROOT
        )
        peaks.append(int(ran.stdout) // 1024)
    assert peaks[1] - peaks[0] < 30


def test_imports_in_little_processor_time_and_without_a_network_library():
    program = """
import time, pandas, pyarrow, pydantic
begun = time.process_time()
import core.data.split
print(time.process_time() - begun)
import sys
print([name for name in ("tensorflow", "keras", "openvino", "streamlit", "sklearn") if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    seconds, loaded = ran.stdout.splitlines()
    assert loaded == "[]"
    assert float(seconds) < 1.0


@contextmanager
def process(directory: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "core.tasks.ingest", str(directory)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True) as started:
        try:
            yield started
        finally:
            started.kill()


def status_of(directory: Path) -> Status:
    status = read_status(directory)
    assert status is not None
    return status


def _tables(jpeg: bytes) -> tuple[int, int]:
    """Where the two quantization tables of a JPEG begin."""
    first = jpeg.index(b"\xff\xdb")
    return first, jpeg.index(b"\xff\xdb", first + 1)


@pytest.fixture
def large(tmp_path: Path) -> str:
    """The id of a created data set that takes many seconds to ingest."""
    y, x = np.mgrid[0:1600, 0:2400]
    slow, file = np.stack([x // 10, y // 7, (x * y) // 15_000], -1).astype(np.uint8), io.BytesIO()
    Image.fromarray(slow).save(file, "JPEG", progressive=True)
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w") as archive:
        first, second = (place + 5 for place in _tables(file.getvalue()))
        for number in range(400):  # another brightness or colour without compressing it anew
            data = bytearray(file.getvalue())
            data[first], data[second] = 5 + number % 20, 5 + number // 20
            archive.writestr(f"{'ab'[number % 2]}/{number}.jpg", bytes(data))
    return ingest.create(path, "large")


def test_the_process_ingests_and_says_done(zip_of):
    dataset_id = ingest.create(zip_of({"cats/": 30, "dogs/": 30}), "x")
    directory = dataset_directory(dataset_id)
    with process(directory) as started:
        assert started.wait(60) == 0
    status = status_of(directory)
    assert (status.state, status.done, status.total) == (State.DONE, 60, 60)
    assert status.pid == started.pid
    assert dataset.read(dataset_id) is not None


def test_the_process_takes_over_what_is_known_and_says_done(zip_of):
    zipped = zip_of({"cats/": 5, "dogs/": 5})
    first = ingest.ingest(ingest.create(zipped, "x"))
    second = ingest.create(zipped, "y")
    with process(dataset_directory(second)) as started:
        assert started.wait(60) == 0
    status = status_of(dataset_directory(second))
    assert (status.state, status.done, status.total) == (State.DONE, 10, 10)
    made = dataset.read(second)
    assert made
    assert made.fingerprint == first.fingerprint


def test_the_process_tells_why_it_refuses(zip_of):
    directory = dataset_directory(ingest.create(zip_of({"cats/": 5}), "x"))
    with process(directory) as started:
        assert started.wait(60) == 1
        assert started.stderr
        assert not started.stderr.read()
    status = status_of(directory)
    assert status.state is State.FAILED
    assert status.message.startswith("Expected at least 2 classes")


def test_the_process_tells_of_a_fault_of_its_own_and_logs_it(zip_of):
    dataset_id = ingest.create(zip_of({"cats/": 5, "dogs/": 5}), "x")
    directory = dataset_directory(dataset_id)
    (directory / "request.json").unlink()
    (directory / "request.json").mkdir()
    with process(directory) as started:
        assert started.wait(60) == 1
        assert started.stderr
        assert "Traceback" in started.stderr.read()
    said = "Headstart failed on this zip (IsADirectoryError). The log beside it says more."
    assert status_of(directory).message == said


def test_the_process_says_which_file_is_damaged(zip_of):
    dataset_id = ingest.create(zip_of({"cats/": 5, "dogs/": 5}), "x")
    directory = dataset_directory(dataset_id)
    (directory / "request.json").write_text("broken", encoding="utf-8")
    with process(directory) as started:
        assert started.wait(60) == 1
    assert "request.json. Found it damaged" in status_of(directory).message


def test_the_process_stops_within_a_second(large):
    directory = dataset_directory(large)
    with process(directory) as started:
        wait_for(lambda: status_of(directory).done > 5)
        status = status_of(directory)
        assert (status.state, status.total) == (State.STARTING, 400)
        assert status.rate
        assert status.seconds_left
        request_stop(directory)
        begun = time.monotonic()
        assert started.wait(20) == 0
        assert time.monotonic() - begun < 2  # one, and the end of the interpreter on a busy machine
    assert status_of(directory).state is State.STOPPED
    assert dataset.read(large) is None
    assert not (directory / "pictures").exists()


def test_a_process_killed_at_any_moment_leaves_no_data_set_and_can_be_repeated(large):
    directory = dataset_directory(large)
    with process(directory) as started:
        wait_for(lambda: status_of(directory).done > 5)
        os.kill(started.pid, signal.SIGKILL)
        started.wait(20)
    assert dataset.read(large) is None
    assert not is_alive(status_of(directory))
    assert (directory / "upload.zip").exists()
    (directory / "pictures" / "left over.jpg").touch()
    assert len(ingest.ingest(large).pictures) == 400
    assert len(list((directory / "pictures").iterdir())) == 400


def test_a_manifest_is_written_after_everything_it_needs(zip_of, monkeypatch):
    dataset_id = ingest.create(zip_of({"cats/": 5, "dogs/": 5}), "x")
    directory = dataset_directory(dataset_id)
    before: list[set[str]] = []
    write = write_frame

    def note(path: Path, frame: pd.DataFrame) -> None:
        if path.name == "manifest.parquet":
            before.append(leftovers(directory))
        else:
            write(path, frame)

    monkeypatch.setattr("core.data.ingest.write_frame", note)
    ingest.ingest(dataset_id)
    assert before == [{*FILES, "upload.zip", "pictures"} - {"manifest.parquet"}]
    assert dataset.read(dataset_id) is None


@pytest.mark.parametrize("arguments", [[], ["/tmp"], ["datasets/" + "0" * 32]])
def test_the_process_works_on_data_sets_of_this_home_only(arguments, home):
    command = [sys.executable, "-m", "core.tasks.ingest", *arguments]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert ran.stderr.startswith("error: Expected")
    assert len(ran.stderr.splitlines()) == 1
    assert not list(home.iterdir())


def test_the_shared_pictures_are_2527_in_6_classes_with_3_pairs_under_two_labels(shared):
    made = ingest.ingest(ingest.create(shared / "data" / "trashnet.zip", "trashnet.zip"))
    assert made.pictures["label"].value_counts().to_dict() == {
        "cardboard": 403,
        "glass": 501,
        "metal": 410,
        "paper": 594,
        "plastic": 482,
        "trash": 137,
    }
    assert len(made.pictures) == 2527
    assert made.pictures["picture"].nunique() == 2524
    problem, near = made.problems
    assert problem.kind is ProblemKind.TWO_LABELS
    assert near.kind is ProblemKind.NEAR
    assert 20 <= len(near.names) <= 40  # looked at one by one: each shows the same thing twice
    assert problem.names == (
        "glass/glass115.jpg = metal/metal91.jpg",
        "glass/glass176.jpg = plastic/plastic152.jpg",
        "glass/glass389.jpg = plastic/plastic332.jpg",
    )
    divided = split(made)
    assert divided.counts().sum().to_dict() == {"train": 1770, "validation": 380, "test": 377}
    assert (divided.frame.groupby("picture")["part"].nunique() == 1).all()


def test_a_data_set_of_the_same_zip_that_is_damaged_is_passed_over(zip_of):
    zipped = zip_of({"cat/": 4, "dog/": 4})
    first = ingest.ingest(ingest.create(zipped, "Pets"))
    (dataset_directory(first.id) / "manifest.parquet").write_bytes(b"")
    assert ingest.ingest(ingest.create(zipped, "Pets")).classes == first.classes
