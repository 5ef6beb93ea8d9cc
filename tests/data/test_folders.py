"""Which folder is a class: parts, groups and containers above it, and what lies below it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.data.findings.problem import ProblemKind
from core.data.labels.layout import Layout, arrange
from core.data.zips.archive import open_archive
from core.words.sentences import sentence


@pytest.fixture
def laid_out(zip_of: Callable[..., Path]) -> Callable[..., Layout]:
    """A function that gives the layout of a zip of these names, where {a,b} stands for each of a and b."""

    def read(*patterns: str) -> Layout:
        with open_archive(
            zip_of(dict.fromkeys(sorted({name for each in patterns for name in spread(each)}), b"x"))
        ) as zip_:
            return arrange(zip_)

    return read


def spread(pattern: str) -> list[str]:
    before, brace, rest = pattern.partition("{")
    if not brace:
        return [pattern]
    choices, _, after = rest.partition("}")
    return [before + choice + end for choice in choices.split(",") for end in spread(after)]


def told(layout: Layout) -> dict[str, tuple[str, str | None, str | None]]:
    return {each.name: (each.label, each.part, each.group) for each in layout.pictures}


def seen(layout: Layout) -> tuple[set[str], set[str], set[str]]:
    """Labels, parts and groups."""
    labels, parts, groups = zip(*told(layout).values(), strict=True)
    return {*labels}, {*parts} - {None}, {*groups} - {None}


def listed(layout: Layout, kind: ProblemKind) -> list[str]:
    return [name for problem in layout.problems if problem.kind is kind for name in problem.names]


@pytest.mark.parametrize(
    "pattern",
    [
        "{training_set,test_set}/{oak,elm}/{1,2}.jpg",
        "data/{TrainSet,TestSet}/{oak,elm}/{1,2}.jpg",
        "{train/train,test/test}/{oak,elm}/{1,2}.jpg",
        "{seg_train/seg_train,seg_test/seg_test}/{oak,elm}/{1,2}.jpg",
        "{train,test}/images/{oak,elm}/{1,2}.jpg",
        "images/{train,test}/{oak,elm}/{1,2}.jpg",
        "{trees_train,trees_test}/{oak,elm}/{1,2}.jpg",
        "{train/pictures,test}/{oak,elm}/{1,2}.jpg",
        "{oak,elm}/{train,test}/{1,2}.jpg",
        "{oak,elm}_{train,test}/{1,2}.jpg",
        "trees/{train,test}-{oak,elm}/{1,2}.jpg",
        "Trees/{Training Data,Testing Data}/{oak,elm}/old/{1,2}.jpg",
    ],
)
def test_reads_a_split_of_its_own_by_whatever_name(laid_out, pattern):
    assert seen(laid_out(pattern)) == ({"oak", "elm"}, {"train", "test"}, set())


@pytest.mark.parametrize(
    ("pattern", "groups"),
    [
        ("{rgb,depth}/{bolt,nut}/{1,2}.jpg", {"rgb", "depth"}),
        ("set/{camera1,camera2,camera3}/{bolt,nut}/{1,2}.jpg", {"camera1", "camera2", "camera3"}),
        ("{fold_1,fold_2}/{bolt,nut}/{1,2}.jpg", {"fold_1", "fold_2"}),
        ("{images,masks}/{bolt,nut}/{1,2}.jpg", {"images", "masks"}),
        ("{factory,field}/{bolt,nut,pin}/{1,2}.jpg", {"factory", "field"}),
        ("{patient 1,patient 2}/{left,right}/{1,2}.jpg", {"patient 1", "patient 2"}),
        ("{lab,field}/{2024,2025}/{bolt,nut}/{1,2}.jpg", {f"{a}/{b}" for a in ("lab", "field") for b in (2024, 2025)}),
    ],
)
def test_folders_that_share_their_sub_folders_are_groups_and_it_is_said(laid_out, pattern, groups):
    layout = laid_out(pattern)
    labels, parts, found = seen(layout)
    assert labels <= {"bolt", "nut", "pin", "left", "right"}
    assert not parts
    assert found == groups
    assert len(listed(layout, ProblemKind.READING)) == len(groups)
    assert len(layout.others) >= len(groups)  # each alone, and the groups as classes


def test_a_camera_may_lack_a_class(laid_out):
    layout = laid_out("camera1/{a,b,c}/1.jpg", "camera2/{a,b}/1.jpg", "camera3/{b,c}/1.jpg")
    assert seen(layout)[0] == {"a", "b", "c"}


@pytest.mark.parametrize(
    "pattern",
    [
        "{cup,fork}/{images,masks}/{1,2}.jpg",
        "{cup,fork}/{session_1,session_2}/{1,2}.jpg",
        "{cup,fork}/{day,night}/{1,2}.jpg",
        "{cup,fork}/images/{1,2}.jpg",
        "{cup/big,cup/small,fork/new}/{1,2}.jpg",
    ],
)
def test_what_says_how_pictures_look_or_when_is_no_class(laid_out, pattern):
    assert seen(laid_out(pattern))[0] == {"cup", "fork"}


def test_folders_inside_classes_are_mentioned_and_offered(laid_out):
    layout = laid_out("animals/{cat,dog}/1.jpg", "vehicles/{bus,car}/1.jpg")
    assert seen(layout)[0] == {"animals", "vehicles"}
    assert listed(layout, ProblemKind.READING) == ["bus", "car", "cat", "dog"]
    (other,) = layout.others
    assert seen(other)[0] == {"cat", "dog", "bus", "car"}


def test_parts_within_groups_are_kept_and_those_within_folds_are_not(laid_out):
    assert seen(laid_out("{left,right}/{train,test}/{a,b}/{1,2}.jpg")) == (
        {"a", "b"},
        {"train", "test"},
        {"left", "right"},
    )
    folds = laid_out("{fold1,fold2}/{train,val}/{a,b}/{1,2}.jpg")
    assert seen(folds) == ({"a", "b"}, set(), {"fold1", "fold2"})
    assert any("the parts in each fold are not kept" in problem.remedy for problem in folds.problems)


@pytest.mark.parametrize("test", ["test/{1,2}.jpg", "test/unknown/{1,2}.jpg", "test/test/{1,2}.jpg", "pred/{1,2}.jpg"])
def test_a_part_without_labels_is_left_out_with_a_note_and_kept_to_be_asked_about(laid_out, test):
    layout = laid_out("train/{oak,elm}/{1,2}.jpg", test)
    assert seen(layout) == ({"oak", "elm"}, set(), set())
    assert listed(layout, ProblemKind.UNLABELLED_PART) == spread(test)
    assert [file.name for file in layout.unlabelled] == spread(test)


def test_unlabelled_folders_are_no_part_even_with_folders_in_them(laid_out):
    layout = laid_out("{train,test,predict}/{oak,elm}/{1,2}.jpg")
    assert seen(layout) == ({"oak", "elm"}, {"train", "test"}, set())
    assert len(layout.unlabelled) == 4


def test_a_class_of_one_part_alone_is_named(laid_out):
    layout = laid_out("train/{oak,elm}/{1,2}.jpg", "test/{oak,ash}/{1,2}.jpg", "val/{oak,elm}/{1,2}.jpg")
    assert listed(layout, ProblemKind.ONE_PART_ONLY) == ["ash: in test alone (2), left out", "elm: not in test"]
    assert seen(layout)[0] == {"oak", "elm"}


def test_another_spelling_in_another_part_is_the_same_class_and_said(laid_out):
    layout = laid_out("train/{Sea Lion,Seal}/{1,2}.jpg", "test/{sea_lion,SEAL}/{1,2}.jpg")
    assert seen(layout)[:2] == ({"Sea Lion", "Seal"}, {"train", "test"})
    assert listed(layout, ProblemKind.RESPELLED) == ["sea_lion = Sea Lion", "SEAL = Seal"]


def test_classes_that_differ_by_case_alone_are_named_and_stay_apart(laid_out):
    layout = laid_out("{Cat,cat,dog}/{1,2}.jpg")
    assert seen(layout)[0] == {"Cat", "cat", "dog"}
    assert listed(layout, ProblemKind.SIMILAR_NAMES) == ["Cat / cat"]


@pytest.mark.parametrize(
    ("pattern", "learned"),
    [
        (("{oak,elm}/{1,2,3}.jpg", "test/{oak,elm}/{4,5}.jpg"), ["elm", "oak"]),
        (("my pictures/{oak,elm}/{1,2,3}.jpg", "Test/{oak,elm}/{4,5}.jpg"), ["my pictures"]),
        (("my pictures/{oak,elm}/{1,2,3}.jpg", "val/{oak,elm}/{4,5}.jpg"), ["my pictures"]),
    ],
)
def test_what_lies_beside_a_test_part_of_the_same_classes_is_learned_whatever_it_is_called(laid_out, pattern, learned):
    layout = laid_out(*pattern)
    assert seen(layout)[:2] == ({"oak", "elm"}, {"train", "test"})
    assert listed(layout, ProblemKind.READING) == learned
    assert "No folder as a part" in [sentence(other.title) for other in layout.others]


@pytest.mark.parametrize(
    "patterns",
    [
        ("{oak,elm}/{1,2,3}.jpg", "test/{4,5}.jpg"),
        ("{oak,elm}/{1,2,3}.jpg", "unsorted/{4,5}.jpg"),
        ("train/{oak,elm}/{1,2,3}.jpg", "new/{4,5}.jpg"),
        ("Train/{oak,elm}/{1,2,3}.jpg", "To Predict/{4,5}.jpg"),
    ],
)
def test_a_folder_of_unknown_pictures_beside_the_classes_is_none_of_them(laid_out, patterns):
    layout = laid_out(*patterns)
    assert seen(layout) == ({"oak", "elm"}, set(), set())
    assert len(layout.unlabelled) == len(listed(layout, ProblemKind.UNLABELLED_PART)) == 2


@pytest.mark.parametrize("classes", ["valid,invalid,odd", "val,test", "test,bus", "train,bus,test"])
def test_folders_that_are_called_like_parts_may_be_classes(laid_out, classes):
    assert seen(laid_out(f"{{{classes}}}/{{1,2}}.jpg")) == ({*classes.split(",")}, set(), set())


@pytest.mark.parametrize(
    "patterns",
    [
        ("part1/oak/{1,2}.jpg", "part2/elm/{1,2}.jpg"),
        ("disc 1/{oak,elm}/{1,2}.jpg", "disc 2/{elm,ash}/{1,2}.jpg"),
        ("trees-001/trees/{oak,elm}/{1,2}.jpg", "trees-002/trees/{ash,fir,yew}/{1,2}.jpg"),
    ],
)
def test_numbered_pieces_of_a_collection_are_no_classes(laid_out, patterns):
    layout = laid_out(*patterns)
    assert seen(layout)[0] <= {"oak", "elm", "ash", "fir", "yew"}
    assert "numbered pieces of one collection" in " ".join(problem.title for problem in layout.problems)


def test_numbered_folders_with_pictures_are_classes_and_it_is_said_that_they_are_called_otherwise(laid_out):
    layout = laid_out("images_{001,002}/{1,2}.jpg")
    assert seen(layout)[0] == {"images_001", "images_002"}
    assert "not like classes" in " ".join(problem.title for problem in layout.problems)


@pytest.mark.parametrize(
    ("patterns", "parts"),
    [
        (("{yes,no}/{1,2}.jpg", "all_of_it/{yes,no}/{1,2}.jpg"), set()),
        (("data/{train,test}/{yes,no}/{1,2}.jpg", "large/{yes,no}/{1,2}.jpg"), {"train", "test"}),
        (("{shop,street}/images/{yes,no}/{1,2}.jpg",), set()),
    ],
)
def test_a_folder_that_holds_all_classes_once_more_is_none(laid_out, patterns, parts):
    labels, found, _ = seen(laid_out(*patterns))
    assert (labels, found) == ({"yes", "no"}, parts)


def test_a_folder_of_folders_beside_class_folders_is_mentioned_and_what_is_in_it_offered(laid_out):
    layout = laid_out("cat/{1,2}.jpg", "more/{dog,owl}/{1,2}.jpg")
    assert seen(layout)[0] == {"cat", "more"}
    assert listed(layout, ProblemKind.READING) == ["dog", "owl"]
    assert {"cat", "dog", "owl"} in [seen(other)[0] for other in layout.others]


def test_a_vehicle_called_train_is_a_class(laid_out):
    assert seen(laid_out("{train,bus,test}/{1,2}.jpg")) == ({"train", "bus", "test"}, set(), set())


def test_loose_pictures_in_a_part_are_listed(laid_out):
    layout = laid_out("train/train/{a,b}/1.jpg", "train/loose.jpg", "test/{a,b}/1.jpg")
    assert seen(layout) == ({"a", "b"}, {"train", "test"}, set())
    assert listed(layout, ProblemKind.UNLABELLED) == ["train/loose.jpg"]
