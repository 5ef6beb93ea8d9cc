"""File names that carry the label."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.data.findings.problem import ProblemKind
from core.data.labels.layout import Layout, arrange
from core.data.zips.archive import open_archive


@pytest.fixture
def laid_out(zip_of: Callable[..., Path]) -> Callable[..., Layout]:
    def read(names: list[str]) -> Layout:
        with open_archive(zip_of(dict.fromkeys(names, b"x"))) as archive:
            return arrange(archive)

    return read


def labels(layout: Layout) -> set[str]:
    return {each.label for each in layout.pictures}


@pytest.mark.parametrize(
    ("pattern", "classes"),
    [
        ("{}.{}.jpg", ("cat", "dog")),
        ("{}_{}.jpg", ("great_pyrenees", "Abyssinian", "pug")),
        ("{}_{}.JPEG", ("n02085620", "n02085782")),
        ("{} ({}).png", ("cat", "dog")),
        ("{}-{}.png", ("oak", "elm")),
        ("{}{}.png", ("oak", "elm")),
        ("{}_{}.png", ("犬", "猫")),
        ("images/{}_{}.png", ("oak", "elm")),
        ("train/{}.{}.png", ("oak", "elm")),
    ],
)
def test_beginnings_of_file_names_are_proposed_as_classes(laid_out, pattern, classes):
    layout = laid_out([pattern.format(label, number) for label in classes for number in range(6)])
    assert labels(layout) == set(classes)
    (note,) = [problem for problem in layout.problems if problem.kind is ProblemKind.READING]
    assert set(note.names) == set(classes)
    assert "proposal" in note.remedy


@pytest.mark.parametrize(
    "pattern",
    [
        "{}_{:03}_small.jpg",
        "{}_{}_of_6.jpg",
        "IMG_{}_{}.jpg",
        "{1:03}{0}.jpg",
        "{}{}_jpg.rf.0a1b2c3d.jpg",
        "{}_{:x}a0b1c2d.jpg",
    ],
)
def test_what_programs_write_around_the_label_is_none_of_it(laid_out, pattern):
    assert labels(laid_out([pattern.format(label, number) for label in ("oak", "elm") for number in range(6)])) == {
        "oak",
        "elm",
    }


@pytest.mark.parametrize("pattern", ["{part}_{label}_{number}.jpg", "{label}-{part}-{number}.jpg"])
def test_a_part_in_the_name_is_a_part_and_not_of_the_label(laid_out, pattern):
    layout = laid_out(
        [
            pattern.format(part=part, label=label, number=number)
            for part in ("train", "val", "test")
            for label in ("oak", "elm")
            for number in range(6)
        ]
    )
    assert {(each.label, each.part) for each in layout.pictures} == {
        (label, part) for label in ("oak", "elm") for part in ("train", "validation", "test")
    }


def test_one_label_in_two_spellings_is_one_and_it_is_said(laid_out):
    names = [f"{label}_{number}.jpg" for label in ("oak", "elm") for number in range(6)] + ["OAK_7.jpg", "Oak_8.jpg"]
    layout = laid_out(names)
    assert labels(layout) == {"oak", "elm"}
    (said,) = [problem for problem in layout.problems if problem.kind is ProblemKind.RESPELLED]
    assert said.names == ("OAK = oak", "Oak = oak")


def test_a_number_may_come_first(laid_out):
    assert labels(laid_out([f"{number:04}-{label}.jpg" for label in ("oak", "elm") for number in range(6)])) == {
        "oak",
        "elm",
    }


@pytest.mark.parametrize(
    "names",
    [
        [f"{label}_{number}.jpg" for label in ("IMG", "DSC") for number in range(9)],  # two cameras
        [f"{number}.jpg" for number in range(9)],
        [f"cat_{number}.jpg" for number in range(9)],  # one class
        [f"person{number}_1.jpg" for number in range(9)],  # each name by itself
        [*(f"cat_{number}.jpg" for number in range(9)), *(f"dog_{number}.jpg" for number in range(9)), "cover.jpg"],
        [f"holiday {letter}.jpg" for letter in "abcdefghi"],
        [f"IMG-2024010{day}-WA{number:04}.jpg" for day in (1, 2) for number in range(9)],
    ],
)
def test_other_names_are_no_labels(laid_out, names):
    assert not laid_out(names).pictures


def test_folders_win_over_file_names(laid_out):
    names = [f"{folder}/{label}_{number}.jpg" for folder in "xy" for label in ("oak", "elm") for number in range(6)]
    layout = laid_out(names)
    assert labels(layout) == {"x", "y"}
    assert {"oak", "elm"} in [labels(other) for other in layout.others]
    assert any("2 words that the folders do not follow" in problem.title for problem in layout.problems)


def test_file_names_that_repeat_the_folders_are_not_worth_a_word(laid_out):
    layout = laid_out([f"{label}/{label}{number}.jpg" for label in ("oak", "elm") for number in range(6)])
    assert labels(layout) == {"oak", "elm"}
    assert not layout.problems


def test_both_parts_may_carry_their_labels_in_names(laid_out):
    names = [
        f"{part}/{label}.{number}.jpg" for part in ("train", "test") for label in ("oak", "elm") for number in range(6)
    ]
    layout = laid_out(names)
    assert {(each.label, each.part) for each in layout.pictures} == {
        (label, part) for label in ("oak", "elm") for part in ("train", "test")
    }
