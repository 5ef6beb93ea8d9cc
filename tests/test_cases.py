"""Zips as people have them, made after public reports by the generators beside the checkout: each is read right."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.data import ingest
from core.data.dataset import Dataset
from core.data.findings.problem import ProblemKind
from core.errors import HeadstartError
from core.settings import ROOT

CASES = ROOT.parent / "shared" / "cases"
# What a zip holds is judged here, what is in its pictures elsewhere: these are about pixels alone.
OF_PIXELS = {"wrong_ending", "endings", "all_ppm", "all_heic", "truncated", "mpo", "animated", "huge"}
# Where the expectation is in words, or leaves more than one way: the classes that are read, None for a refusal.
CHOSEN: dict[str, set[str] | None] = {
    "nested_zips": {"cat", "dog"},  # two zips with folders are what the folders would be
    "test_lacks_class": None,  # a class without a test picture has no score; the message names it
    "class_only_in_test": {"0", "90", "180"},  # what train does not have cannot be learned: named and left out
    "csv_no_header": {"cat", "dog"},
    "csv_commas_in_label": {"salt, sea", "say so ; now"},  # the generator's quotes join in Python, before the CSV
    "csv_multilabel": None,  # "cat dog" beside "cat" and "dog" is two labels, and one could not be right on it
    "names_case": {"Cat", "cat", "dog"},
    "names_case_parts": {"Cat", "Dog"},  # between parts the spelling is an accident
    "names_space": {"cat", "dog"},  # no file system of Windows keeps the space
    "names_dot": {"java", "c.plus"},
    "names_numbers": {str(number) for number in range(12)},
    "names_wnid": {f"n0{2085620 + number}-Chihuahua{number}" for number in range(3)},
    "vehicles_train": {"train", "bus", "car"},
    "vehicles_train_test": None,  # far more often a split whose class folders are missing than two classes
    "same_name_twice": {"cat", "dog"},
}
SAID = {  # what the user is told, of the refusal or of the problems
    "dogsvscats_flat": "10 pictures in 'test1' have no label.*Predict.*Labels are taken from the file names",
    "nested_zips": "2 zips inside the zip were opened",
    "zip_in_zip": "1 zip inside the zip was opened",
    "class_zips": "2 zips inside the zip were opened",
    "fcc_test_unlabelled": "10 pictures in 'test'.*validation is the test part instead",
    "train_test_unlabelled": "10 pictures in 'test'.*A part of train is taken for the test",
    "test_one_subfolder": "10 pictures in 'test' have no label",
    "test_lacks_class": "'180' with 0",
    "val_lacks_class": "180: not in validation",
    "class_only_in_test": r"270: in test alone \(6\), left out",
    "csv_index_column": "1 other column is not used.*column 1, without a name",
    "csv_multilabel": "several labels in 'cat dog'",
    "csv_conflict": "'0000.jpg' as 'cat' and as 'dog'",
    "csv_unrelated_beside_folders": "1 table gives no picture of the zip a label.*labels.csv",
    "xlsx_labels": "Save the table as CSV",
    "train_csv_folder_split": "8 pictures in 'test' have no label",
    "cp932_plain": "Windows, Japanese",
    "cp932_5c": "Windows, Japanese",
    "cp866": "DOS, Cyrillic",
    "names_case": "differs only by capitals.*Cat / cat",
    "names_case_parts": "cat = Cat.*differ only by case",
    "names_space": "written in several ways and counts as one.*'cat', 'cat '",
    "names_dot": "24 pictures were skipped.*.NET/000.jpg",
    "vehicles_train_test": "class folders in the zip's folder 'train'",
    "really_tar": "a tar archive",
    "really_targz": "a gzip file, such as tar.gz",
    "really_rar": "a RAR archive",
    "really_7z": "a 7z archive",
    "really_html": "a web page: the download failed",
    "really_empty": "an empty file",
    "cut_off": "cut off.*Download or copy it again",
    "same_name_twice": "1 name is there more than once in the zip.*cat/000.jpg",
    "symlinks": "it is a link.*Zip the pictures themselves",
    "deflate64": "Deflate64.*7-Zip",
}
OWN_SPLIT = {
    "training_set_test_set": {"train", "test"},
    "training_set_doubled": {"train", "test"},
    "train_images_class": {"train", "test"},
    "fcc_test_unlabelled": {"train", "test"},
    "dev": {"train", "validation", "test"},
    "roboflow_folders": {"train", "validation", "test"},
    "roboflow_onehot": {"train", "validation", "test"},
    "names_case_parts": {"train", "test"},
}


def expected() -> dict[str, set[str] | None]:
    """The classes of each case, None for a refusal."""
    if not CASES.is_dir():
        return {}
    with (CASES / "expected.tsv").open(encoding="utf-8", newline="") as file:
        rows = {row["name"]: row["classes"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    listed = {name: None if text == "refused" else set(re.split(r"[ |]", text)) for name, text in rows.items()}
    return {name: CHOSEN.get(name, classes) for name, classes in listed.items() if name not in OF_PIXELS}


@pytest.fixture(scope="module")
def zips(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all zips, made once."""
    if not CASES.is_dir():
        pytest.skip("needs the generators of zips in shared/cases beside the checkout")
    folder = tmp_path_factory.mktemp("cases")
    for script in ("layouts.py", "tables.py", "names_archives.py", "pictures.py"):
        command = [sys.executable, str(shared / "cases" / script)]
        own = {**os.environ, "ZIPS": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run(command, env=own, check=True, capture_output=True)
    return folder


def read(path: Path) -> Dataset | HeadstartError:
    try:
        return ingest.ingest(ingest.create(path, path.name))
    except HeadstartError as error:
        return error


def said(outcome: Dataset | HeadstartError) -> str:
    if isinstance(outcome, HeadstartError):
        return str(outcome)
    return " ".join(f"{each.title} {' '.join(each.names)} {each.remedy}" for each in outcome.problems)


@pytest.mark.parametrize("name", sorted(expected()) or ["none"])
def test_a_zip_of_the_reports_comes_to_its_classes_and_says_what_is_odd(zips: Path, name: str):
    outcome = read(zips / f"{name}.zip")
    classes = expected()[name]
    assert (None if isinstance(outcome, HeadstartError) else set(outcome.classes)) == classes, said(outcome)
    assert re.search(SAID.get(name, ""), said(outcome))
    if not isinstance(outcome, HeadstartError):
        parts = set(outcome.pictures["part"].dropna())
        assert parts >= OWN_SPLIT.get(name, set())
        assert bool(parts) == (name in OWN_SPLIT or name in ("val_lacks_class", "class_only_in_test"))


@pytest.mark.parametrize("name", ["whole", "with_sfx", "with_tail", "descriptors", "zip64"])
def test_a_zip_of_two_folders_is_read_without_a_word(zips: Path, name: str):
    outcome = read(zips / f"{name}.zip")
    assert isinstance(outcome, Dataset)
    assert outcome.pictures["label"].value_counts().to_dict() == {"cat": 24, "dog": 24}
    assert {each.kind for each in outcome.problems} <= {ProblemKind.NEAR}  # the generated pictures are much alike
