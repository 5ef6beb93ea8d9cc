from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from plans import planned

from core.data.dataset import Dataset
from core.data.near import copies
from core.data.split import PARTS, Split, SplitChoice, default_fractions, split
from core.errors import SplitError
from core.plan.splits import choice as drawn_by


def made(rows: list[tuple[str, str, str | None]]) -> Dataset:
    """A data set that is never looked at on disk: picture, label, part."""
    pictures = pd.DataFrame(rows, columns=["picture", "label", "part"])
    return Dataset("0" * 32, "Made", "", tuple(sorted(set(pictures["label"]))), pictures, ())


def of(**classes: int) -> Dataset:
    return made([(f"{label}{number:04}", label, None) for label, count in classes.items() for number in range(count)])


def parts_of(divided: Split) -> dict[tuple[str, str], str]:
    return {(row.picture, row.label): row.part for row in divided.frame.itertuples()}


def counts(divided: Split) -> dict[str, list[int]]:
    return {str(label): list(row) for label, row in divided.counts().iterrows()}


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ({"a": 300, "b": 200}, {"a": [210, 45, 45], "b": [140, 30, 30]}),
        ({"a": 403, "b": 137}, {"a": [282, 61, 60], "b": [96, 21, 20]}),
        ({"a": 35, "b": 24, "c": 26, "d": 64, "e": 18}, {"a": [21, 5, 9], "b": [14, 4, 6], "c": [16, 4, 6]}),
        ({"a": 299, "b": 200}, {"a": [179, 45, 75], "b": [120, 30, 50]}),
        ({"a": 3, "b": 4}, {"a": [1, 1, 1], "b": [2, 1, 1]}),
        ({"a": 600, "b": 3}, {"a": [420, 90, 90], "b": [1, 1, 1]}),
        ({"a": 600, "b": 6}, {"b": [4, 1, 1]}),
    ],
)
def test_splits_each_class_by_the_largest_remainder(classes, expected):
    found = counts(split(of(**classes)))
    assert found | expected == found
    assert {label: sum(row) for label, row in found.items()} == classes


def test_a_small_data_set_has_a_larger_test_part():
    assert default_fractions(499) == (0.60, 0.15, 0.25)
    assert default_fractions(500) == (0.70, 0.15, 0.15)


def test_the_parts_have_the_shares_that_were_asked_for():
    divided = split(of(a=100, b=100), fractions=(0.5, 0.2, 0.3))
    assert counts(divided) == {"a": [50, 20, 30], "b": [50, 20, 30]}


@pytest.mark.parametrize("n", range(3, 60))
def test_every_class_is_in_every_part_whatever_its_size(n):
    row = counts(split(of(a=n, b=60 - n if n < 57 else 3)))["a"]
    assert min(row) >= 1
    assert sum(row) == n
    assert all(abs(found - n * share) < 2 for found, share in zip(row, (0.6, 0.15, 0.25), strict=True))


def test_every_picture_is_in_one_part_once():
    divided = split(of(a=50, b=70))
    assert list(divided.frame) == ["picture", "label", "part"]
    assert divided.frame["picture"].is_unique
    assert len(divided.frame) == 120
    assert set(divided.frame["part"]) == set(PARTS)


def test_counts_has_a_row_a_class_and_a_column_a_part():
    table = split(of(b=10, a=10)).counts()
    assert list(table.index) == ["a", "b"]
    assert list(table) == list(PARTS)
    assert all(dtype.kind == "i" for dtype in table.dtypes)


def test_the_same_seed_gives_the_same_split_and_another_another():
    first, again, other = split(of(a=30, b=30)), split(of(a=30, b=30)), split(of(a=30, b=30), seed=2)
    assert parts_of(first) == parts_of(again)
    assert first.fingerprint == again.fingerprint
    assert other.fingerprint != first.fingerprint
    assert counts(other) == counts(first)


def test_the_order_of_the_pictures_does_not_matter():
    rows = [(f"{label}{number}", label, None) for label in "ab" for number in range(30)]
    shuffled = [rows[position] for position in np.random.default_rng(0).permutation(len(rows))]
    assert split(made(shuffled)).fingerprint == split(made(rows)).fingerprint


def test_the_split_is_the_same_on_every_machine():
    """Written down once; a change would silently make old experiments incomparable with new ones."""
    rows = [(f"{label}{number}", label, None) for label in "ab" for number in range(12)] + [("a0", "b", None)]
    divided = split(made(rows))
    assert divided.fingerprint == "1fc907a45a228df5b50b778b38f4e8060e87c946710e93b614a55c0abe794eee"


def test_the_fingerprint_covers_picture_label_and_part():
    frame = pd.DataFrame([("1", "a", "train"), ("2", "b", "test")], columns=["picture", "label", "part"])
    first = Split(frame, 1).fingerprint
    assert Split(frame[::-1], 7).fingerprint == first
    for column, value in (("picture", "3"), ("label", "c"), ("part", "validation")):
        assert Split(frame.assign(**{column: value}), 1).fingerprint != first


def test_each_picture_is_as_likely_in_the_test_part_as_any_other():
    times = pd.Series(0, index=[f"a{number:04}" for number in range(10)])
    for seed in range(300):
        frame = split(of(a=10, b=10), seed=seed).frame
        tested = frame[(frame["part"] == "test") & (frame["label"] == "a")]["picture"]
        times[tested] += 1
    assert times.between(50, 140).all()  # 90 expected of 300, with a deviation of 8


def test_a_picture_under_two_labels_is_in_one_part():
    for seed in range(40):
        shared = [(f"x{number}", label, None) for number in range(8) for label in "ab"]
        own = [(f"{label}{number}", label, None) for label in "ab" for number in range(12)]
        divided = split(made(shared + own), seed=seed)
        assert (divided.frame.groupby("picture")["part"].nunique() == 1).all()
        assert counts(divided) == {"a": [12, 3, 5], "b": [12, 3, 5]}


def test_pictures_under_two_labels_reach_every_part():
    found = set()
    for seed in range(30):
        rows = [("x", "a", None), ("x", "b", None)]
        own = [(f"{label}{number}", label, None) for label in "ab" for number in range(9)]
        found.add(parts_of(split(made(rows + own), seed=seed))["x", "a"])
    assert found == set(PARTS)


def test_classes_that_share_all_their_pictures_are_split_alike():
    divided = split(made([(str(number), label, None) for number in range(3) for label in "abc"]))
    assert counts(divided) == {label: [1, 1, 1] for label in "abc"}


def test_refuses_labels_so_tangled_that_a_class_would_miss_a_part():
    tangle = {"a": "xyz", "b": "xyw", "c": "xzw"}
    with pytest.raises(SplitError, match="Correct the labels listed in red"):
        split(made([(picture, label, None) for label, pictures in tangle.items() for picture in pictures]))


def test_refuses_a_class_of_two_pictures():
    with pytest.raises(SplitError, match="at least 3 pictures to be in every part. Found one with 2"):
        split(of(a=10, b=2))


@pytest.mark.parametrize(
    "fractions", [(0.8, 0.2, 0.0), (0.8, 0.3, -0.1), (0.5, 0.2, 0.2), (0.9, 0.2, 0.2), (1.0, 0.0, 0.0), (0.5, 0.5)]
)
def test_refuses_impossible_fractions(fractions):
    with pytest.raises(SplitError, match="must each get a share, together 1. Received: "):
        split(of(a=10, b=10), fractions=fractions)


def test_refuses_fractions_that_are_no_numbers():
    with pytest.raises(SplitError, match="must each get a share"):
        split(of(a=10, b=10), fractions=(float("nan"), 0.5, 0.5))


def test_refuses_a_negative_seed():
    with pytest.raises(SplitError, match="Received: -1"):
        split(of(a=10, b=10), seed=-1)


def own(*folders: tuple[str, int], also: list[tuple[str, str, str | None]] | None = None) -> Dataset:
    return made(
        [
            (f"{part}{label}{number}", label, part)
            for part, count in folders
            for label in ("a", "b")
            for number in range(count)
        ]
        + (also or [])
    )


def test_keeps_the_zips_own_folders_whatever_the_seed():
    data = own(("train", 10), ("validation", 4), ("test", 6))
    divided = split(data)
    assert counts(divided) == {"a": [10, 4, 6], "b": [10, 4, 6]}
    assert all(picture.startswith(part) for (picture, _), part in parts_of(divided).items())
    assert split(data, seed=2).fingerprint == divided.fingerprint


@pytest.mark.parametrize(("train", "expected"), [(20, [17, 3, 5]), (2, [1, 1, 5]), (10, [9, 1, 5]), (33, [28, 5, 5])])
def test_takes_15_percent_of_train_where_there_is_no_validation_folder(train, expected):
    data = own(("train", train), ("test", 5))
    divided = split(data)
    assert counts(divided) == {"a": expected, "b": expected}
    tested = {picture for (picture, _), part in parts_of(divided).items() if part == "test"}
    assert tested == {f"test{label}{number}" for label in "ab" for number in range(5)}


def test_the_validation_part_of_an_own_split_follows_the_seed():
    data = own(("train", 20), ("test", 5))
    assert split(data, seed=1).fingerprint == split(data, seed=1).fingerprint
    assert split(data, seed=1).fingerprint != split(data, seed=2).fingerprint


def test_a_picture_under_two_labels_in_train_is_not_torn_apart_by_the_validation():
    data = own(("train", 6), ("test", 2), also=[("x", "a", "train"), ("x", "b", "train")])
    for seed in range(30):
        frame = split(data, seed=seed).frame
        assert (frame.groupby("picture")["part"].nunique() == 1).all()


def test_refuses_fractions_where_the_zip_brings_its_own_split():
    with pytest.raises(SplitError, match="brings its own split"):
        split(own(("train", 10), ("test", 5)), fractions=(0.6, 0.2, 0.2))


# ---- what stays together --------------------------------------------------------------------------------------------


def with_near(data: Dataset, **near: str) -> Dataset:
    """The data set with pictures in groups of near-copies, each with its next one as a pair."""
    pictures = data.pictures.assign(near=data.pictures["picture"].map(near))
    members: dict[str, list[str]] = {}
    for picture, group in near.items():
        members.setdefault(group, []).append(picture)
    pairs = [(one, other, 0.99, False) for each in members.values() for one, other in zip(each, each[1:], strict=False)]
    return replace(data, pictures=pictures, near=pd.DataFrame(pairs, columns=copies.COLUMNS))


def test_near_copies_stay_together_and_the_numbers_stay_as_they_were():
    near = {f"a{2 * number + k:04}": str(number) for number in range(20) for k in range(2)}
    data = with_near(of(a=100, b=60), **near)
    for seed in range(5):
        divided, apart = split(data, seed=seed), split(data, choice=SplitChoice(seed, keeps_together=False))
        assert counts(divided) == counts(apart)
        parts = divided.frame.assign(near=divided.frame["picture"].map(near))
        assert (parts.groupby("near")["part"].nunique() == 1).all()
        changed = (divided.frame["part"] != apart.frame["part"]).sum()
        assert divided.n_moved == changed <= 40
        assert not copies.leak(data.near, divided.frame)
        assert "near-copies among those for training" in copies.leak(data.near, apart.frame)


def test_without_near_copies_the_split_is_that_of_before():
    data = of(a=40, b=30)
    assert split(with_near(data)).fingerprint == split(data).fingerprint
    assert split(data).n_moved == 0


def test_the_same_choice_gives_the_same_split():
    data = with_near(of(a=50, b=50), **{f"a{number:04}": str(number // 3) for number in range(30)})
    assert split(data, seed=3).fingerprint == split(data, seed=3).fingerprint
    assert split(data, seed=3).fingerprint != split(data, seed=4).fingerprint


def test_near_copies_reach_every_part():
    data = with_near(of(a=20, b=20), a0000="x", a0001="x")
    found = {parts_of(split(data, seed=seed))["a0000", "a"] for seed in range(25)}
    assert found == set(PARTS)


def test_near_copies_under_two_labels_stay_together():
    data = with_near(of(a=20, b=20), a0000="x", b0000="x", a0001="y", b0001="y")
    for seed in range(8):
        divided = split(data, seed=seed)
        assert (
            divided.frame.assign(near=data.pictures.sort_values("picture")["near"].to_numpy())
            .dropna()
            .groupby("near")["part"]
            .nunique()
            == 1
        ).all()
        assert counts(divided) == counts(split(of(a=20, b=20)))


def test_a_class_of_near_copies_alone_is_divided_and_named():
    data = with_near(of(a=4, b=20), **{f"a{number:04}": "x" for number in range(4)})
    divided = split(data)
    assert divided.divided == ("a",)
    assert min(counts(divided)["a"]) >= 1
    assert any("had to be divided" in remark for remark in divided.remarks(data.near))


@pytest.mark.parametrize("n", range(3, 12))
def test_every_class_is_in_every_part_with_near_copies_too(n):
    data = with_near(of(a=n, b=30), **{f"a{number:04}": str(number // 2) for number in range(n)})
    assert all(min(row) >= 1 for row in counts(split(data)).values())


def named(n_patients: int, n_each: int) -> Dataset:
    rows = [
        (f"{label}{patient}{number}", label, None, f"{label}/p{patient}_{number}.jpg")
        for label in "ab"
        for patient in range(n_patients)
        for number in range(n_each)
    ]
    pictures = pd.DataFrame(rows, columns=["picture", "label", "part", "name"])
    return Dataset("0" * 32, "Made", "", ("a", "b"), pictures, ())


def test_groups_that_the_user_names_stay_together():
    data = named(20, 5)
    divided = split(data, choice=SplitChoice(group="name _"))
    patients = divided.frame.merge(data.pictures[["picture", "name"]]).assign(
        patient=lambda frame: frame["name"].str.extract(r"/(p\d+)_")
    )
    assert (patients.groupby("patient")["part"].nunique() == 1).all()
    assert all(
        abs(found - 100 * share) <= 5 for found, share in zip(counts(divided)["a"], (0.6, 0.15, 0.25), strict=True)
    )


def test_groups_that_the_zip_names_stay_together_where_that_is_chosen():
    data = of(a=30, b=30)
    data = replace(data, pictures=data.pictures.assign(group=[f"g{number // 3}" for number in range(60)]))
    frame = split(data, choice=SplitChoice(group="group")).frame.assign(group=data.pictures["group"])
    assert (frame.groupby("group")["part"].nunique() == 1).all()


def test_variants_that_the_zip_names_do_not_change_the_split_by_themselves():
    data = of(a=30, b=30)
    variants = replace(data, pictures=data.pictures.assign(group=["color", "gray"] * 30))
    assert split(variants).fingerprint == split(data).fingerprint


def test_refuses_groups_so_large_that_a_class_would_miss_a_part():
    with pytest.raises(SplitError, match="choose smaller groups"):
        split(named(2, 10), choice=SplitChoice(group="name _"))


def test_leaves_near_copies_of_the_zips_own_test_pictures_out_of_training_where_that_is_chosen():
    data = with_near(own(("train", 10), ("test", 4)), traina0="x", testa0="x", trainb1="y", trainb2="y")
    kept, left = split(data), split(data, choice=SplitChoice(leaves_out=True))
    assert copies.leak(data.near, kept.frame)
    assert not copies.leak(data.near, left.frame)
    assert left.n_left_out == 1
    assert set(kept.frame["picture"]) - set(left.frame["picture"]) == {"traina0"}
    assert parts_of(left)["trainb1", "b"] == parts_of(left)["trainb2", "b"]
    assert any("left out of training" in remark for remark in left.remarks(data.near))


def test_an_experiment_says_how_its_split_was_drawn():
    choice = SplitChoice(5, (0.5, 0.25, 0.25), keeps_together=False, group="name _", leaves_out=True)
    assert drawn_by(planned("0" * 32, **choice.facts)) == choice
    assert drawn_by(planned("0" * 32)) == SplitChoice()
