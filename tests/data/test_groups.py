import numpy as np
import pandas as pd
import pytest

from core.data.groups import Common, Mending, levels, units
from core.errors import SplitError


@pytest.mark.parametrize(
    ("text", "name", "group"),
    [
        ("name _", "cat/patient12_left.jpg", "patient12"),
        ("name _", "cat/patient12.jpg", None),
        ("name _", "a_b/patient12.jpg", None),
        ("last _", "cat/film_3_0042.jpg", "film_3"),
        ("name -", "x-1.png", "x"),
        ("folder 2", "cat/rex/1.jpg", "rex"),
        ("folder 2", "cat/1.jpg", None),
        ("folder 1", "cat/1.jpg", "cat"),
        ("", "cat/1_2.jpg", None),
        ("group", "cat/1_2.jpg", None),
    ],
)
def test_the_group_follows_from_the_name(text, name, group):
    assert Common.read(text).of(name) == group
    assert str(Common.read(text)) == text


def test_a_group_that_the_zip_names_comes_from_the_manifest():
    rows = pd.DataFrame({"name": ["a/1.jpg", "a/2.jpg"], "group": ["color", None]})
    assert Common.read("group").among(rows) == ["color", None]
    assert Common.read("group").among(rows[["name"]]) == [None, None]
    assert Common.read("folder 1").among(rows) == ["a", "a"]


@pytest.mark.parametrize("text", ["folder", "folder 0", "folder x", "name", "patient*"])
def test_refuses_what_names_no_groups(text):
    with pytest.raises(SplitError, match="such as 'name _'"):
        Common.read(text)


def test_levels_counts_folders():
    assert levels(["a/b/c.jpg", "a/d.jpg"]) == 2
    assert levels([]) == 0


def test_rows_that_share_any_value_are_one_unit():
    rows = pd.DataFrame(
        {
            "picture": ["1", "1", "2", "3", "4"],
            "near": [None, None, "n", "n", None],
            "group": ["g", None, "g", None, None],
        }
    )
    first, second, third, fourth, fifth = units(rows, ["picture", "near", "group"])
    assert first == second == third == fourth != fifth


def test_nothing_changes_where_no_unit_is_divided():
    labels, parts = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert not Mending(labels, np.arange(4), parts, np.array([[1, 1], [1, 1]])).is_needed


def test_a_divided_unit_comes_together_and_another_picture_takes_its_place():
    labels, units_of = np.zeros(10, np.int64), np.array([0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
    parts = np.array([0, 1, 0, 0, 0, 0, 1, 1, 1, 1])
    mending = Mending(labels, units_of, parts, np.array([[5, 5]]))
    mending.run(np.random.default_rng(0))
    assert mending.parts[0] == mending.parts[1]
    assert np.bincount(mending.parts).tolist() == [5, 5]
    assert (mending.parts != parts).sum() == 2
    assert mending.missing() == []
