"""Tables as people write them: which columns name the pictures and say the label, and what becomes of the rest."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from core.data.findings.problem import ProblemKind
from core.data.labels.layout import Layout, arrange
from core.data.zips.archive import open_archive
from core.errors import DatasetError

LABELS = ("oak", "elm", "ash")
PICTURES = [f"{number:03}" for number in range(12)]


@pytest.fixture
def laid_out(zip_of: Callable[..., Path]) -> Callable[..., Layout]:
    """A function that gives the layout of pictures (names) and tables (name → text or bytes)."""

    def read(pictures: list[str], tables: Mapping[str, str | bytes]) -> Layout:
        files = {name: text if isinstance(text, bytes) else text.encode() for name, text in tables.items()}
        with open_archive(zip_of({**files, **dict.fromkeys(pictures, b"x")})) as archive:
            return arrange(archive)

    return read


def labels(layout: Layout) -> dict[str, str]:
    return {each.name: each.label for each in layout.pictures}


def in_turn(names: list[str]) -> dict[str, str]:
    return {name: LABELS[place % 3] for place, name in enumerate(names)}


def rows(pattern: str, *, header: str = "", end: str = "\n") -> str:
    lines = [pattern.format(name=name, label=LABELS[place % 3], n=place) for place, name in enumerate(PICTURES)]
    return end.join([*([header] if header else []), *lines]) + end


def listed(layout: Layout, kind: ProblemKind) -> list[str]:
    return [name for problem in layout.problems if problem.kind is kind for name in problem.names]


def said(layout: Layout) -> str:
    return " ".join(f"{problem.title} {problem.remedy}" for problem in layout.problems)


@pytest.mark.parametrize(
    "table",
    [
        rows("{name}.jpg,{label}", header="filename,label"),
        rows("{name},{label}", header="id,breed"),
        rows("{label};{name}.jpg", header="Species;Image"),
        rows("{name}.jpg\t{label}", header="file\tcategory"),
        rows("{name}.jpg|{label}", header="file|class"),
        rows("img/{name}.jpg,{label}", header="path,target"),
        rows("C:\\data\\img\\{name}.jpg,{label}", header="path,target"),
        rows("/kaggle/input/x/{name}.jpg,{label}", header="path,target"),
        rows("https://example.org/{name}.jpg?size=2,{label}", header="url,label"),
        rows("{name}.png,{label}", header="image,label"),
        rows('"{name}.jpg", "{label}"', header='"Image", "Label"', end="\r\n"),
        rows("{name}.jpg,{label}"),
        rows("{n},{name}.jpg,{label}", header=",image,label"),
        rows("{n},{label}", header="id,label"),  # a spreadsheet has taken the zeros away
        rows("{name}.jpg,{n}.5,{label},{n}", header="image,weight,what,year"),
        "\ufeff" + rows("{name}.jpg,{label}", header="Image,Label"),
        rows("{name}.jpg,{label}", header="Image,Label").encode("utf-16"),
        rows("{name}.jpg;{label};größer", header="Bild;label;Maß").encode("cp1252"),
        rows("{name}.jpg,{label},", header="image,label,"),
        "sep=;\n" + rows("{name}.jpg;{label}", header="image;label"),
        "Trees of May,\n,\n" + rows("{name}.jpg,{label}", header="filename,label"),
        "# by hand\n" + rows("{name}.jpg,{label}", header="filename,label"),
        rows("{n},{name}.jpg,{label}", header="file,label"),  # as R writes it
        rows("'{name}.jpg','{label}'", header="'file','label'"),
        rows("img/{name}.jpg {label}"),
        rows("{name}.jpg,{label}", header="file,label").encode("utf-16-le"),
        rows("{name}.jpg,{label}", header="file,label").encode("utf-16-be"),
        rows("{n};{name}.jpg;cam{n};{label};2024-01-01", header="Nr;Datei;Kamera;Klasse;Datum"),
        rows("{name}.jpg,{n},{label}", header="archivo,cámara,etiqueta"),
        rows("{name}.jpg;{n};{label}", header="файл;камера;класс").encode("cp1251"),
        rows("{name}.jpg,{n},{label}", header="文件名,相机,类别").encode("gbk"),
        rows("{name}.jpg,{n},{label}", header="ファイル名,カメラ,ラベル").encode("cp932"),
        rows("{name}.jpg,{n},{label}", header="파일,카메라,라벨").encode("cp949"),
    ],
)
def test_understands_a_table_by_its_content(laid_out, table):
    layout = laid_out([f"img/{name}.jpg" for name in PICTURES], {"data/../anything.csv": table})
    assert labels(layout) == in_turn([f"img/{name}.jpg" for name in PICTURES])


def test_columns_that_are_not_used_are_named(laid_out):
    table = rows("{n},{name}.jpg,{label},{n}", header=",image,label,width")
    layout = laid_out([f"{name}.jpg" for name in PICTURES], {"labels.csv": table})
    assert listed(layout, ProblemKind.TABLE) == ["column 1, without a name", "width"]


def test_other_columns_that_could_be_the_label_are_offered(laid_out):
    table = "image,leaf,colour\n" + "".join(
        f"{name}.jpg,{LABELS[place % 3]},{'red' if place < 6 else 'blue'}\n" for place, name in enumerate(PICTURES)
    )
    layout = laid_out([f"{name}.jpg" for name in PICTURES], {"trees.csv": table})
    assert {layout.key, *(other.key for other in layout.others)} == {"table leaf", "table colour"}


def test_a_column_for_each_class(laid_out):
    header = "image, " + ", ".join(LABELS)
    lines = [
        f"{name}, " + ", ".join(str(float(place % 3 == n)) for n in range(3)) for place, name in enumerate(PICTURES)
    ]
    layout = laid_out([f"in/{name}.jpg" for name in PICTURES], {"truth.csv": "\n".join([header, *lines])})
    assert set(labels(layout).values()) == set(LABELS)
    assert labels(layout) == in_turn([f"in/{name}.jpg" for name in PICTURES])


@pytest.mark.parametrize(("yes", "no"), [("x", ""), ("X", "-"), ("ja", "nein"), ("True", "False"), ("✓", "")])
def test_a_mark_in_the_column_of_its_class(laid_out, yes, no):
    lines = [
        ",".join([f"{name}.jpg", *(yes if place % 3 == n else no for n in range(3))])
        for place, name in enumerate(PICTURES)
    ]
    layout = laid_out([f"{name}.jpg" for name in PICTURES], {"t.csv": "\n".join(["file,oak,elm,ash", *lines])})
    assert labels(layout) == in_turn([f"{name}.jpg" for name in PICTURES])


def test_of_two_columns_that_may_be_the_label_it_is_said_that_one_is_a_guess(laid_out):
    table = "image,leaf,colour\n" + "".join(
        f"{name}.jpg,{LABELS[n % 3]},{'red' if n < 6 else 'blue'}\n" for n, name in enumerate(PICTURES)
    )
    layout = laid_out([f"{name}.jpg" for name in PICTURES], {"trees.csv": table})
    assert "That is a guess, for no header says so: leaf could be it too" in said(layout)


def test_a_table_of_the_test_part_leaves_the_folders_of_the_others_their_say(laid_out):
    train = [f"train/{LABELS[place % 3]}/{name}.png" for place, name in enumerate(PICTURES)]
    test = [f"test/t{name}.png" for name in PICTURES]
    table = "id,label\n" + "".join(f"t{name}.png,{LABELS[n % 3]}\n" for n, name in enumerate(PICTURES))
    layout = laid_out([*train, *test], {"test.csv": table})
    assert labels(layout) == in_turn(train) | in_turn(test)
    assert {each.name: each.part for each in layout.pictures} == dict.fromkeys(train, "train") | dict.fromkeys(
        test, "test"
    )


def test_a_list_without_a_header_adds_the_part_that_folders_do_not_tell(laid_out):
    train = [f"train/{LABELS[place % 3]}/images/{name}.png" for place, name in enumerate(PICTURES)]
    val = [f"val/images/v{name}.png" for name in PICTURES]
    text = "".join(f"v{name}.png\t{LABELS[n % 3]}\t{n % 2}\t{n}\n" for n, name in enumerate(PICTURES))
    layout = laid_out([*train, *val], {"val/annotations.txt": text})
    assert labels(layout) == in_turn(train) | in_turn(val)
    assert {each.part for each in layout.pictures} == {"train", "test"}


def test_folders_that_a_table_contradicts_are_mentioned_and_offered(laid_out):
    pictures = [f"{'ab'[place % 2]}/{name}.jpg" for place, name in enumerate(PICTURES)]
    layout = laid_out(pictures, {"labels.csv": rows("{name}.jpg,{label}", header="file,label")})
    assert set(labels(layout).values()) == set(LABELS)
    assert listed(layout, ProblemKind.READING) == ["a", "b"]
    assert "folders 1" in [other.key for other in layout.others]


def test_two_columns_for_one_picture_are_several_labels(laid_out):
    table = "image,oak,elm\n" + "".join(f"{name}.jpg,1,{place % 2}\n" for place, name in enumerate(PICTURES))
    table = table.replace("000.jpg,1", "000.jpg,0").replace("000.jpg,0,0", "000.jpg,0,1")
    with pytest.raises(DatasetError, match="'001.jpg' with 2 labels: oak, elm"):
        laid_out([f"{name}.jpg" for name in PICTURES], {"truth.csv": table})


@pytest.mark.parametrize("sign", ["|", ";", ", ", " ", "/"])
def test_several_labels_in_one_cell_are_refused_in_a_sentence(laid_out, sign):
    both = f"oak{sign}elm"
    table = "image\tlabel\n" + "".join(f"{name}\t{('oak', 'elm', both)[n % 3]}\n" for n, name in enumerate(PICTURES))
    with pytest.raises(DatasetError, match="several labels in 'oak"):
        laid_out([f"{name}.jpg" for name in PICTURES], {"t.tsv": table})


def test_few_words_in_many_combinations_are_several_labels(laid_out):
    tags = ["clear primary", "haze primary", "clear road", "haze road", "clear water road", "haze water road"]
    table = "image_name,tags\n" + "".join(f"{name},{tags[n % 6]}\n" for n, name in enumerate(PICTURES))
    with pytest.raises(DatasetError, match="several labels in a cell, such as 'clear primary'"):
        laid_out([f"{name}.jpg" for name in PICTURES], {"t.csv": table})
    breeds = ["golden retriever", "flat retriever", "toy poodle", "toy terrier", "fox terrier", "red fox"]
    table = "image_name,breed\n" + "".join(f"{name},{breeds[n % 6]}\n" for n, name in enumerate(PICTURES))
    assert set(labels(laid_out([f"{name}.jpg" for name in PICTURES], {"t.csv": table})).values()) == set(breeds)


def test_a_label_of_two_words_is_one_label(laid_out):
    table = "image,label\n" + "".join(f"{name},{('sea lion', 'sea')[n % 2]}\n" for n, name in enumerate(PICTURES))
    assert set(labels(laid_out([f"{name}.jpg" for name in PICTURES], {"t.csv": table})).values()) == {"sea lion", "sea"}


def test_a_table_of_the_parts_by_their_names_keeps_the_split(laid_out):
    tables = {f"{part}.csv": "file,label\n" for part in ("train", "test")}
    for place, name in enumerate(PICTURES):
        tables["train.csv" if place < 6 else "test.csv"] += f"{name}.jpg,{LABELS[place % 3]}\n"
    layout = laid_out([f"img/{name}.jpg" for name in PICTURES], tables)
    assert [each.part for each in layout.pictures] == ["train"] * 6 + ["test"] * 6


def test_a_column_of_parts_keeps_the_split(laid_out):
    table = "file,label,data set\n" + "".join(
        f"{name}.jpg,{LABELS[n % 3]},{'Train' if n < 6 else 'Valid' if n < 9 else 'Test'}\n"
        for n, name in enumerate(PICTURES)
    )
    layout = laid_out([f"{name}.jpg" for name in PICTURES], {"labels.csv": table})
    assert [each.part for each in layout.pictures] == ["train"] * 6 + ["validation"] * 3 + ["test"] * 3


def test_a_table_beside_the_pictures_of_each_part(laid_out):
    pictures = [f"{part}/{name}.jpg" for part in ("train", "valid", "test") for name in PICTURES]
    table = rows("{name}.jpg,{label}", header="file,label")
    layout = laid_out(pictures, {f"{part}/_labels.csv": table for part in ("train", "valid", "test")})
    assert len(layout.pictures) == 36
    assert {each.part for each in layout.pictures} == {"train", "validation", "test"}
    assert labels(layout) == {name: LABELS[place % 12 % 3] for place, name in enumerate(pictures)}


def test_a_table_that_labels_the_test_part_too_wins_over_folders_that_cannot(laid_out):
    train = [f"Train/{place % 3}/{name}.png" for place, name in enumerate(PICTURES)]
    test = [f"Test/t{name}.png" for name in PICTURES]
    tables = {
        "Train.csv": "Width,ClassId,Path\n" + "".join(f"29,{n % 3},{name}\n" for n, name in enumerate(train)),
        "Test.csv": "Width,ClassId,Path\n" + "".join(f"29,{n % 3},{name}\n" for n, name in enumerate(test)),
    }
    layout = laid_out([*train, *test], tables)
    assert {each.name: each.part for each in layout.pictures} == dict.fromkeys(test, "test") | dict.fromkeys(
        train, "train"
    )
    assert {each.label for each in layout.pictures} == {"0", "1", "2"}


def test_an_example_of_what_to_hand_in_says_no_label(laid_out):
    pictures = [f"train/{name}.jpg" for name in PICTURES] + [f"test/t{name}.jpg" for name in PICTURES]
    tables = {
        "train.csv": rows("{name}.jpg,{label}", header="id,label"),
        "sampleSubmission.csv": rows("t{name}.jpg,oak", header="id,label"),
    }
    layout = laid_out(pictures, tables)
    assert len(layout.pictures) == 12
    assert len(listed(layout, ProblemKind.UNLABELLED_PART)) == 12
    assert listed(layout, ProblemKind.TABLE)[-1] == "sampleSubmission.csv"


def test_a_table_of_train_does_not_label_pictures_of_test(laid_out):
    pictures = [f"{part}/{name}.jpg" for part in ("train", "test") for name in PICTURES]
    layout = laid_out(pictures, {"train_labels.csv": rows("{name},{label}", header="id,label")})
    assert set(labels(layout)) == {f"train/{name}.jpg" for name in PICTURES}


@pytest.mark.parametrize(
    "table",
    [
        "class_id,class_name\n0,oak\n1,elm\n",
        "date,temperature\n2024-01-01,3.5\n",
        "one\ntwo\n",
        "",
        'a,"b\nc,d\n',
        b"\x00\x01\x02,\x03",
    ],
)
def test_a_table_of_something_else_does_not_get_in_the_way_of_folders(laid_out, table):
    layout = laid_out([f"{label}/{name}.jpg" for label in ("x", "y") for name in PICTURES], {"labels.csv": table})
    assert set(labels(layout).values()) == {"x", "y"}
    assert "labels.csv" in [name for problem in layout.problems for name in problem.names]


def test_folders_that_say_the_same_keep_their_names_and_the_table_is_offered(laid_out):
    pictures = [f"{place % 3:05}/{name}.jpg" for place, name in enumerate(PICTURES)]
    layout = laid_out(pictures, {"all.csv": rows("{name}.jpg,{label}", header="file,label")})
    assert set(labels(layout).values()) == {"00000", "00001", "00002"}
    assert [other.key for other in layout.others] == ["table label"]
    assert "1 table beside the folders is not used" in said(layout)


def test_a_table_with_a_label_wins_over_folders_that_are_only_volumes(laid_out):
    pictures = [f"disc{place % 2}/{name}.jpg" for place, name in enumerate(PICTURES)]
    layout = laid_out(pictures, {"all.csv": rows("{name},{label}", header="image_id,dx")})
    assert set(labels(layout).values()) == set(LABELS)


def test_a_picture_that_two_folders_have_is_not_guessed(laid_out):
    pictures = [f"{folder}/{name}.jpg" for folder in ("a", "b") for name in PICTURES] + ["c/only.jpg", "c/one.jpg"]
    table = rows("{name}.jpg,{label}", header="file,label") + "only.jpg,oak\none.jpg,elm\n"
    layout = laid_out(pictures, {"all.csv": table})
    assert set(labels(layout).values()) == {"a", "b", "c"}  # the table names next to nothing for sure


@pytest.mark.parametrize(
    "name", ["labels.xlsx", "data/Labels.ODS", "annotations.xls", "labels.json", "train/metadata.jsonl"]
)
def test_a_table_of_another_kind_is_named_with_the_remedy(laid_out, name):
    with pytest.raises(DatasetError, match="Save the table as CSV"):
        laid_out([f"{each}.jpg" for each in PICTURES], {name: b"PK"})


def test_rows_with_too_many_columns_are_left_out_and_named(laid_out):
    table = rows("{name}.jpg,{label}", header="file,label") + "a, b.jpg,oak\n"
    layout = laid_out([f"{each}.jpg" for each in PICTURES], {"labels.csv": table})
    assert len(layout.pictures) == 12
    assert listed(layout, ProblemKind.TABLE) == ["labels.csv, line 14: 3 columns, not 2"]
