import pytest

from core.data.labels import parts


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
        ("To Predict", "unlabelled"),
        ("for testing", "test"),
        ("Trainingsdaten", "train"),
        ("Validierung", "validation"),
        ("Test-Bilder", "test"),
        ("données d'entraînement", "train"),
        ("jeu de test", "test"),
        ("VALIDACIÓN", "validation"),
        ("conjunto de prueba", "test"),
        ("treino", "train"),
        ("Set di addestramento", "train"),
        ("validatieset", "validation"),
        ("eğitim", "train"),
        ("обучающая выборка", "train"),
        ("Тест", "test"),
        ("训练集", "train"),
        ("测试集图片", "test"),
        ("検証用データ", "validation"),
        ("훈련", "train"),
        ("未标注", "unlabelled"),
        ("训练师的猫", None),
        ("proba", None),
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


@pytest.mark.parametrize(
    ("folders", "pairs"),
    [
        ("cats_train cats_test dogs_train dogs_test", {"cats", "dogs"}),
        ("trainA trainB testA testB", {"A", "B"}),
        ("Golden-Retriever-train Golden-Retriever-test Pug-train Pug-test", {"Golden-Retriever", "Pug"}),
        ("cat_train cat_test dog_train dog_test owl_train", {"cat", "dog", "owl"}),  # the owl was forgotten
        ("steam_train toy_train bus_test", set()),
        ("cat_train cat_test dog_test owl_test", set()),
        ("cat_train cat_test dog_train dog_test bus", set()),
    ],
)
def test_names_that_say_part_and_class_are_told_apart(folders, pairs):
    assert {name for _, name in parts.crossed(folders.split()).values()} == pairs


def test_numbered_pieces_of_a_collection_are_no_classes():
    assert parts.are_shells(["part1", "part2"])
    assert parts.are_shells(["drive-download-20240101T000000Z-001", "drive-download-20240101T000000Z-002"])
    assert parts.are_shells(["archive (1)", "archive (2)"])
    assert not parts.are_shells(["class1", "class2"])
    assert not parts.are_shells(["breed1", "breed2"])


def test_masks_are_beside_pictures_and_no_classes():
    assert parts.are_masks(["images", "masks"])
    assert parts.are_masks(["JPEGImages", "SegmentationClass"])
    assert parts.are_masks(["rgb", "ground_truth"])
    assert not parts.are_masks(["images", "cats"])
    assert not parts.are_masks(["with_mask", "without_mask"])
    assert not parts.are_masks(["images", "photos"])


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
