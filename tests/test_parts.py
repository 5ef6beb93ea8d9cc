import pytest

from core import parts


@pytest.mark.parametrize(
    ("folder", "part"),
    [
        ("train", "train"),
        ("TRAINING", "train"),
        ("Training Set", "train"),
        ("trainset", "train"),
        ("train_images", "train"),
        ("seg_train", "train"),
        ("train2017", "train"),
        ("01-train", "train"),
        ("TrainingData", "train"),
        ("valid", "validation"),
        ("val_256", "validation"),
        ("dev", "validation"),
        ("Validation-Set", "validation"),
        ("test1", "test"),
        ("testing_set", "test"),
        ("predict", "unlabelled"),
        ("unlabelled images", "unlabelled"),
        ("inference", "unlabelled"),
        ("evaluation", "evaluation"),
        ("train_station", None),
        ("test_tube", None),
        ("trainer", None),
        ("detest", None),
        ("training_and_test", None),
        ("values", None),
        ("devil", None),
        ("cats", None),
        ("", None),
        ("犬", None),
    ],
)
def test_knows_the_names_of_parts_and_no_others(folder, part):
    assert parts.part_of(folder) == part


@pytest.mark.parametrize(
    ("folders", "split"),
    [
        (["train", "test"], {"train": "train", "test": "test"}),
        (["flowers_train", "flowers_test"], {"flowers_train": "train", "flowers_test": "test"}),
        (["train", "eval"], {"train": "train", "eval": "validation"}),
        (["train", "val", "eval"], {"train": "train", "val": "validation", "eval": "test"}),
        (["train", "test", "evaluation"], {"train": "train", "test": "test", "evaluation": "validation"}),
        (["train", "pred"], {"train": "train", "pred": "unlabelled"}),
        (["train", "test", "cats"], {"train": "train", "test": "test"}),
        (["train_station", "test_tube"], {}),
        (["val", "test"], {}),
        (["train"], {}),
        (["train", "training"], {}),
        ([], {}),
    ],
)
def test_folders_are_a_split_when_train_stands_beside_another_part(folders, split):
    assert parts.split_of(folders) == split


def test_tells_variants_and_numbered_names_from_classes():
    assert parts.are_variants(["color", "grayscale", "segmented"])
    assert parts.are_variants(["Images", "masks_png"])
    assert not parts.are_variants(["cats", "dogs"])
    assert not parts.are_variants(["color", "cats"])
    assert parts.are_numbered(["camera1", "camera2", "camera10"])
    assert parts.are_numbered(["site A", "site B"])
    assert parts.are_numbered(["fold_1", "fold_2"]) and parts.are_folds(["fold_1", "fold_2"])
    assert not parts.are_numbered(["1", "2"])
    assert not parts.are_numbered(["class1", "class2"])
    assert not parts.are_numbered(["cat", "dog"])
