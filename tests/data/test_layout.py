from collections.abc import Callable
from pathlib import Path

import pytest

from core.data.findings.problem import ProblemKind
from core.data.labels.layout import Layout, arrange
from core.data.zips.archive import open_archive
from core.errors import DatasetError


@pytest.fixture
def laid_out(zip_of: Callable[..., Path]) -> Callable[..., Layout]:
    """A function that gives the layout of a zip of these names; pictures are never opened here."""

    def read(*names: str, labels: str | bytes | None = None, at: str = "labels.csv") -> Layout:
        files: dict[str, bytes] = dict.fromkeys(names, b"x")
        if labels is not None:
            files[at] = labels if isinstance(labels, bytes) else labels.encode()
        with open_archive(zip_of(files)) as archive:
            return arrange(archive)

    return read


def labels_of(layout: Layout) -> dict[str, str]:
    return {each.name: each.label for each in layout.pictures}


def parts_of(layout: Layout) -> dict[str, str | None]:
    return {each.name: each.part for each in layout.pictures}


def listed(layout: Layout, kind: ProblemKind) -> list[str]:
    return [name for problem in layout.problems if problem.kind is kind for name in problem.names]


def test_folders_are_the_classes(laid_out):
    layout = laid_out("cats/a.jpg", "dogs/b.jpg")
    assert labels_of(layout) == {"cats/a.jpg": "cats", "dogs/b.jpg": "dogs"}
    assert parts_of(layout) == {"cats/a.jpg": None, "dogs/b.jpg": None}
    assert not layout.problems


@pytest.mark.parametrize("wrapper", ["pets/", "my data/pets/", "a/b/c/d/", "train/", "Training/", "pets/train/"])
def test_strips_leading_folders_while_there_is_only_one(laid_out, wrapper):
    layout = laid_out(f"{wrapper}cats/a.jpg", f"{wrapper}dogs/b.jpg")
    assert labels_of(layout) == {"cats/a.jpg": "cats", "dogs/b.jpg": "dogs"}
    assert parts_of(layout) == {"cats/a.jpg": None, "dogs/b.jpg": None}


def test_the_only_class_folder_is_not_stripped(laid_out):
    assert labels_of(laid_out("pets/cats/a.jpg", "pets/cats/b.jpg")) == {"cats/a.jpg": "cats", "cats/b.jpg": "cats"}


def test_strips_a_folder_beside_which_lies_no_other(laid_out):
    layout = laid_out("readme.txt", "cover.jpg", "pets/cats/a.jpg", "pets/dogs/b.jpg")
    assert labels_of(layout) == {"cats/a.jpg": "cats", "dogs/b.jpg": "dogs"}
    assert listed(layout, ProblemKind.UNLABELLED) == ["cover.jpg"]
    assert listed(layout, ProblemKind.NOT_A_PICTURE) == ["readme.txt"]


def test_a_folder_without_pictures_is_no_class_and_keeps_nothing_from_being_stripped(laid_out):
    layout = laid_out("docs/a.pdf", "pets/cats/a.jpg", "pets/dogs/b.jpg")
    assert set(labels_of(layout).values()) == {"cats", "dogs"}
    assert listed(layout, ProblemKind.NOT_A_PICTURE) == ["docs/a.pdf"]


def test_deeper_folders_belong_to_their_class(laid_out):
    layout = laid_out("cats/big/a.jpg", "cats/small/old/b.jpg", "dogs/c.jpg")
    assert labels_of(layout) == {"cats/big/a.jpg": "cats", "cats/small/old/b.jpg": "cats", "dogs/c.jpg": "dogs"}


def test_lists_loose_pictures_beside_class_folders_and_leaves_them_out(laid_out):
    layout = laid_out("cats/a.jpg", "dogs/b.jpg", "c.jpg", "d.png")
    assert set(labels_of(layout)) == {"cats/a.jpg", "dogs/b.jpg"}
    assert listed(layout, ProblemKind.UNLABELLED) == ["c.jpg", "d.png"]


def test_lists_files_that_are_no_pictures_in_one_note(laid_out):
    layout = laid_out("cats/a.jpg", "cats/notes.txt", "dogs/b.jpg", "list.csv", "dogs/labels.csv", "c.pdf", "Makefile")
    tables, note = layout.problems
    assert note.title == "3 files that are no pictures were left out"
    assert note.names == ("cats/notes.txt", "c.pdf", "Makefile")
    assert tables.title == "2 tables give no picture of the zip a label"
    assert tables.names == ("list.csv", "dogs/labels.csv")


def test_lists_empty_folders(laid_out):
    layout = laid_out("cats/a.jpg", "dogs/b.jpg", "birds/", "fish/", "fish/.DS_Store", "cats/")
    assert listed(layout, ProblemKind.EMPTY_FOLDER) == ["birds", "fish"]


@pytest.mark.parametrize("suffix", ["jpg", "JPG", "jpeg", "png", "webp", "bmp", "gif", "tif", "TIFF", "heic", "avif"])
def test_knows_pictures_by_their_ending(laid_out, suffix):
    assert set(labels_of(laid_out(f"cats/a.{suffix}", "dogs/b.jpg"))) == {f"cats/a.{suffix}", "dogs/b.jpg"}


@pytest.mark.parametrize("train", ["train", "Training", "TRAIN"])
@pytest.mark.parametrize("validation", ["val", "valid", "validation", "Val"])
@pytest.mark.parametrize("test", ["test", "testing", "Test"])
@pytest.mark.parametrize("wrapper", ["", "pets/"])
def test_keeps_the_zips_own_split(laid_out, train, validation, test, wrapper):
    folders = {train: "train", validation: "validation", test: "test"}
    layout = laid_out(*(f"{wrapper}{folder}/{label}/a.jpg" for folder in folders for label in ("cats", "dogs")))
    assert labels_of(layout) == {f"{each}/{label}/a.jpg": label for each in folders for label in ("cats", "dogs")}
    assert parts_of(layout) == {
        f"{each}/{label}/a.jpg": part for each, part in folders.items() for label in ("cats", "dogs")
    }
    assert not layout.problems


@pytest.mark.parametrize("other", ["val", "valid", "validation", "test", "testing"])
def test_one_folder_beside_train_is_the_test_part(laid_out, other):
    layout = laid_out("train/cats/a.jpg", "train/dogs/b.jpg", f"{other}/cats/c.jpg", f"{other}/dogs/d.jpg")
    assert set(parts_of(layout).values()) == {"train", "test"}
    assert parts_of(layout)[f"{other}/cats/c.jpg"] == "test"
    assert listed(layout, ProblemKind.OWN_SPLIT) == ([other] if other.startswith("val") else [])


def test_deeper_folders_of_the_own_split_belong_to_their_class(laid_out):
    layout = laid_out("train/cats/old/a.jpg", "train/dogs/b.jpg", "test/cats/c.jpg", "test/dogs/d.jpg")
    assert labels_of(layout)["train/cats/old/a.jpg"] == "cats"


def test_lists_what_lies_loose_in_or_beside_the_own_split(laid_out):
    layout = laid_out("train/cats/a.jpg", "train/b.jpg", "test/cats/c.jpg", "more/cats/d.jpg", "e.jpg")
    assert set(parts_of(layout)) == {"train/cats/a.jpg", "test/cats/c.jpg"}
    assert listed(layout, ProblemKind.UNLABELLED) == ["train/b.jpg", "more/cats/d.jpg", "e.jpg"]


def test_a_test_folder_without_class_folders_makes_no_split(laid_out):
    layout = laid_out("train/cats/a.jpg", "train/dogs/b.jpg", "test/1.jpg", "test/2.jpg")
    assert parts_of(layout) == {"train/cats/a.jpg": None, "train/dogs/b.jpg": None}
    assert listed(layout, ProblemKind.UNLABELLED_PART) == ["test/1.jpg", "test/2.jpg"]


def test_refuses_a_train_folder_without_class_folders(laid_out):
    with pytest.raises(DatasetError, match="Expected class folders in the zip's folder 'train'"):
        laid_out("train/a.jpg", "test/cats/b.jpg", "test/dogs/c.jpg")


def test_train_beside_other_folders_is_a_class(laid_out):
    assert set(labels_of(laid_out("train/a.jpg", "bus/b.jpg")).values()) == {"train", "bus"}


def test_val_and_test_without_train_are_classes(laid_out):
    assert set(labels_of(laid_out("val/a.jpg", "test/b.jpg")).values()) == {"val", "test"}


def test_labels_csv_wins_over_folders(laid_out):
    layout = laid_out("x/a.jpg", "y/b.jpg", "c.jpg", labels="filename,label\nx/a.jpg,cats\ny/b.jpg,dogs\nc.jpg,cats\n")
    assert labels_of(layout) == {"x/a.jpg": "cats", "y/b.jpg": "dogs", "c.jpg": "cats"}
    assert not layout.problems


def test_labels_csv_wins_over_the_own_split(laid_out):
    layout = laid_out("train/a/a.jpg", "test/a/b.jpg", labels="filename,label\ntrain/a/a.jpg,cats\ntest/a/b.jpg,dogs\n")
    assert parts_of(layout) == {"train/a/a.jpg": None, "test/a/b.jpg": None}


@pytest.mark.parametrize("folder", ["pets/", "data/pets/"])
def test_labels_csv_counts_from_where_it_lies_at_the_top_after_stripping(laid_out, folder):
    layout = laid_out(
        f"{folder}images/a.jpg",
        f"{folder}images/b.jpg",
        labels="filename,label\nimages/a.jpg,cats\nimages/b.jpg,dogs\n",
        at=f"{folder}Labels.csv",
    )
    assert labels_of(layout) == {"images/a.jpg": "cats", "images/b.jpg": "dogs"}


def test_nothing_below_labels_csv_is_stripped(laid_out):
    layout = laid_out("img/x/a.jpg", "img/y/b.jpg", labels="filename,label\nimg/x/a.jpg,cats\nimg/y/b.jpg,dogs\n")
    assert labels_of(layout) == {"img/x/a.jpg": "cats", "img/y/b.jpg": "dogs"}


def test_labels_csv_beside_loose_pictures_in_a_wrapper(laid_out):
    layout = laid_out(
        "pets/a.jpg", "pets/b.jpg", labels="filename,label\na.jpg,cats\nb.jpg,dogs\n", at="pets/labels.csv"
    )
    assert labels_of(layout) == {"a.jpg": "cats", "b.jpg": "dogs"}


def test_labels_csv_further_down_is_no_table_of_labels(laid_out):
    layout = laid_out("cats/a.jpg", "dogs/b.jpg", labels="filename,label\na.jpg,fish\n", at="cats/labels.csv")
    assert set(labels_of(layout).values()) == {"cats", "dogs"}


def test_lists_rows_without_a_picture_and_pictures_without_a_row(laid_out):
    layout = laid_out("a.jpg", "b.jpg", "c.jpg", labels="filename,label\na.jpg,cats\nno.jpg,dogs\nc.jpg,\n../d.jpg,x\n")
    assert labels_of(layout) == {"a.jpg": "cats"}
    assert listed(layout, ProblemKind.MISSING) == ["no.jpg", "../d.jpg"]
    assert listed(layout, ProblemKind.UNLABELLED) == ["b.jpg", "c.jpg"]


@pytest.mark.parametrize(
    "table",
    [
        "\ufefffilename,label\na.jpg,cats\nb.jpg,dogs\n",
        "filename,label\r\na.jpg,cats\r\nb.jpg,dogs\r\n",
        'filename,label\n"a.jpg","cats"\n./b.jpg, dogs \n\n,\n',
        "Filename, Label\na.jpg,cats\na.jpg,cats\nb.jpg,dogs",
    ],
)
def test_reads_tables_as_spreadsheets_write_them(laid_out, table):
    layout = laid_out("a.jpg", "b.jpg", labels=table)
    assert labels_of(layout) == {"a.jpg": "cats", "b.jpg": "dogs"}
    assert not layout.problems


def test_reads_names_with_commas_backslashes_and_accents(laid_out):
    layout = laid_out("x/a,b.jpg", "x/ä.jpg", labels='filename,label\n"x\\a,b.jpg","one, two"\nx/a\u0308.jpg,größer\n')
    assert labels_of(layout) == {"x/a,b.jpg": "one, two", "x/ä.jpg": "größer"}


def test_a_label_is_kept_on_one_line(laid_out):
    assert labels_of(laid_out("a.jpg", labels='filename,label\na.jpg,"a\n  cat"\n')) == {"a.jpg": "a cat"}


def test_labels_that_look_like_numbers_or_nothing_stay_as_they_are(laid_out):
    layout = laid_out("a.jpg", "b.jpg", "c.jpg", labels="filename,label\na.jpg,01\nb.jpg,nan\nc.jpg,None\n")
    assert list(labels_of(layout).values()) == ["01", "nan", "None"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("filename,label\na.jpg,cats\na.jpg,dogs\n", "Found in labels.csv 'a.jpg' as 'cats' and as 'dogs'"),
        ("filename,label\na.jpg,cats\n./a.jpg,dogs\n", "Found in labels.csv 'a.jpg' as 'cats' and as 'dogs'"),
        ("", "labels.csv cannot be used: it has no two columns"),
        ("a.jpg\n", "it has no two columns"),
        ("filename,label\na,1.jpg,cats\n", "it has no two columns"),
        ('filename,label\n"a.jpg,cats\n', "labels.csv cannot be used"),
        ("filename,label\nno.jpg,cats\n", "no column of labels.csv names pictures of the zip"),
        ("filename,label\na.jpg,cats;dogs\nb.jpg,cats\nc.jpg,dogs\n", "several labels in 'cats;dogs'"),
        (b"filename,label\0\na.jpg,cats\n", "it is no text"),
        (bytes(40_000_000), "it has 40.0 MB"),
    ],
)
def test_refuses_a_table_that_cannot_be_right(laid_out, table, message, monkeypatch):
    monkeypatch.setenv("HEADSTART_MAX_RATIO", "100000")
    with pytest.raises(DatasetError, match=message) as caught:
        laid_out("a.jpg", "b.jpg", "c.jpg", labels=table)
    assert "\n" not in str(caught.value)
