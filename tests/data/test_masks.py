"""Masks are no classes and no pictures of one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.data.labels.layout import Layout, arrange
from core.data.zips.archive import open_archive
from core.errors import DatasetError

NUMBERS = range(1, 9)


@pytest.fixture
def laid_out(zip_of: Callable[..., Path]) -> Callable[..., Layout]:
    def read(names: list[str]) -> Layout:
        with open_archive(zip_of(dict.fromkeys(names, b"x"))) as archive:
            return arrange(archive)

    return read


def told(layout: Layout) -> tuple[set[str], int]:
    """The labels, and how many masks are said to be left out."""
    notes = [problem for problem in layout.problems if "masks of others" in problem.title]
    return {each.label for each in layout.pictures}, sum(len(note.names) for note in notes)


def test_a_mask_that_bears_the_name_of_its_picture_is_left_out(laid_out):
    names = [f"{label}/{label} ({n}).png" for label in ("benign", "malignant") for n in NUMBERS]
    masks = [name.replace(".png", "_mask.png") for name in names] + ["benign/benign (3)_mask_1.png"]
    layout = laid_out([*names, *masks])
    assert told(layout) == ({"benign", "malignant"}, len(masks))
    assert {each.name for each in layout.pictures} == {*names}


def test_a_folder_of_masks_is_left_out_where_names_tell_the_labels(laid_out):
    pictures = [f"images/{label}_{n}.jpg" for label in ("oak", "elm") for n in NUMBERS]
    masks = [name.replace("images", "masks").replace("jpg", "png") for name in pictures]
    assert told(laid_out([*pictures, *masks])) == ({"oak", "elm"}, len(masks))


def test_a_folder_of_masks_within_a_class_is_left_out(laid_out):
    pictures = [f"{label}/images/{label}-{n}.png" for label in ("COVID", "Normal") for n in NUMBERS]
    masks = [name.replace("images", "masks") for name in pictures]
    assert told(laid_out([*pictures, *masks])) == ({"COVID", "Normal"}, len(masks))


@pytest.mark.parametrize("pair", [("images", "masks"), ("JPEGImages", "SegmentationClass"), ("rgb", "gt")])
@pytest.mark.parametrize("parts", [("",), ("train/", "test/")])
def test_pictures_and_their_masks_are_no_two_classes(laid_out, pair, parts):
    with pytest.raises(DatasetError, match="Found masks, such as"):
        laid_out([f"{part}{folder}/{n}.png" for part in parts for folder in pair for n in NUMBERS])


@pytest.mark.parametrize(
    "names",
    [
        [f"{label}/{n}.jpg" for label in ("with_mask", "without_mask") for n in NUMBERS],
        [f"{label}/{n}_mask.jpg" for label in ("venice", "africa") for n in NUMBERS],  # without the pictures
        [f"{label}/{n}.jpg" for label in ("a", "b") for n in NUMBERS] + ["a/1_mask.jpg"],  # one is an accident
    ],
)
def test_what_only_sounds_like_masks_stays(laid_out, names):
    labels, left_out = told(laid_out(names))
    assert len(labels) == 2
    assert left_out == 0
