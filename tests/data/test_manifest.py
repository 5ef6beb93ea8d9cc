import pandas as pd

from core.data.findings.problem import Problem, ProblemKind
from core.data.manifest import COLUMNS, small_classes, unique


def rows_of(*rows: tuple[str, str, str, str | None]) -> pd.DataFrame:
    """A row an entry: picture, label, name, part."""
    whole = [(picture, f"{picture}.jpg", label, name, 8, 8, part, None) for picture, label, name, part in rows]
    return pd.DataFrame(whole, columns=COLUMNS)


def kept(frame: pd.DataFrame) -> list[tuple[str, str, str | None]]:
    return list(frame[["picture", "label", "part"]].itertuples(index=False, name=None))


def names(problems: list[Problem]) -> dict[ProblemKind, tuple[str, ...]]:
    return {problem.kind: problem.names for problem in problems}


def test_identical_pictures_of_one_class_count_once_and_are_listed():
    frame, problems = unique(rows_of(("1", "a", "a/x", None), ("1", "a", "a/y", None), ("2", "a", "a/z", None)))
    assert kept(frame) == [("1", "a", None), ("2", "a", None)]
    assert names(problems) == {ProblemKind.DUPLICATE: ("a/x = a/y",)}


def test_identical_pictures_under_two_labels_are_kept_and_listed_in_red():
    frame, problems = unique(rows_of(("1", "a", "a/x", None), ("1", "b", "b/x", None), ("1", "b", "b/y", None)))
    assert kept(frame) == [("1", "a", None), ("1", "b", None)]
    assert names(problems) == {ProblemKind.TWO_LABELS: ("a/x = b/x = b/y",)}
    assert problems[0].severity == "error"
    assert problems[0].title == "1 picture is there under two labels"


def test_a_picture_in_train_and_in_test_is_dropped_from_train_and_listed():
    frame, problems = unique(
        rows_of(("1", "a", "train/a/x", "train"), ("1", "a", "test/a/x", "test"), ("2", "a", "train/a/y", "train"))
    )
    assert kept(frame) == [("1", "a", "test"), ("2", "a", "train")]
    assert names(problems) == {ProblemKind.IN_TRAIN_AND_TEST: ("train/a/x = test/a/x",)}


def test_a_picture_in_validation_and_another_part_stays_where_it_is_scored():
    frame, _ = unique(
        rows_of(
            ("1", "a", "val/x", "validation"),
            ("1", "a", "train/x", "train"),
            ("2", "a", "val/y", "validation"),
            ("2", "a", "test/y", "test"),
        )
    )
    assert kept(frame) == [("2", "a", "test"), ("1", "a", "validation")]


def test_a_picture_under_two_labels_in_two_parts_keeps_the_label_of_the_test():
    frame, problems = unique(rows_of(("1", "a", "train/a/x", "train"), ("1", "b", "test/b/x", "test")))
    assert kept(frame) == [("1", "b", "test")]
    assert set(names(problems)) == {ProblemKind.TWO_LABELS, ProblemKind.IN_TRAIN_AND_TEST}


def test_copies_within_one_part_of_the_own_split_count_once():
    frame, problems = unique(rows_of(("1", "a", "test/a/x", "test"), ("1", "a", "test/a/y", "test")))
    assert kept(frame) == [("1", "a", "test")]
    assert set(names(problems)) == {ProblemKind.DUPLICATE}


def test_the_order_of_the_zip_does_not_matter():
    rows = [("3", "b", "b/1", None), ("1", "a", "a/2", None), ("2", "a", "a/1", None), ("1", "b", "b/0", None)]
    there, back = unique(rows_of(*rows))[0], unique(rows_of(*rows[::-1]))[0]
    pd.testing.assert_frame_equal(there, back)


def counted(**classes: int) -> pd.DataFrame:
    return rows_of(
        *((f"{label}{number}", label, "x", None) for label, count in classes.items() for number in range(count))
    )


def test_warns_about_classes_below_20_pictures():
    assert names(small_classes(counted(a=19, b=20))) == {ProblemKind.TOO_FEW: ("a: 19",)}


def test_warns_about_an_imbalance_over_five_to_one():
    assert not small_classes(counted(a=100, b=20))
    (problem,) = small_classes(counted(a=101, b=20, c=50))
    assert problem.kind is ProblemKind.IMBALANCE
    assert problem.names == ("a: 101", "b: 20")
    assert "5.0 times" in problem.title or "5.1 times" in problem.title
