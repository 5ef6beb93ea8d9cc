"""Zips that somebody or something has spoiled: whatever the bytes, the answer is a data set or a sentence."""

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.data.labels.layout import arrange
from core.data.zips.archive import open_archive
from core.data.zips.names import EntryError
from core.errors import HeadstartError


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def in_code_page(page: str, names: list[str]) -> bytes:
    """A zip whose names are bytes of a code page, without the flag for UTF-8."""
    ascii_names = {f"{number:0{len(name.encode(page))}}": name.encode(page) for number, name in enumerate(names)}
    data = zipped(dict.fromkeys(ascii_names, b"x"), zipfile.ZIP_STORED)
    for placeholder, raw in ascii_names.items():
        data = data.replace(placeholder.encode(), raw)
    return data


@pytest.fixture(scope="module")
def seeds(picture_of: Callable[..., bytes]) -> list[bytes]:
    """Whole zips of every shape, small ones."""
    pictures = [picture_of(number, size=(4, 4)) for number in range(8)]
    folders = {f"{label}/{number}.png": pictures[number] for label in ("oak", "elm") for number in range(4)}
    rows = "\n".join(f"{number}.png,{'oak' if number % 2 else 'elm'},{number / 3}" for number in range(8))
    flat = {f"{number}.png": pictures[number] for number in range(8)}
    marks = "\n".join(f"{number}.png;{number % 2};{1 - number % 2}" for number in range(8))
    quoted = '\ufefffile\t"label"\n' + "\n".join(f'{number}.png\t"a ""{number % 2}"""' for number in range(8))
    return [
        zipped(folders),
        zipped({f"{part}/{name}": data for part in ("train", "test") for name, data in folders.items()}),
        zipped({"a.zip": zipped(folders), "b.zip": zipped(flat, zipfile.ZIP_LZMA)}, zipfile.ZIP_STORED),
        zipped(
            {"all.zip": zipped({"labels.csv": f"n,l,x\n{rows}".encode(), **flat}, zipfile.ZIP_STORED)},
            zipfile.ZIP_STORED,
        ),
        zipped({"labels.csv": f"name,label,w\n{rows}".encode(), **flat}, zipfile.ZIP_STORED),
        zipped({"marks.csv": f"f;oak;elm\n{marks}".encode(), **flat}, zipfile.ZIP_STORED),
        zipped({"labels.tsv": quoted.encode("utf-16"), **flat}, zipfile.ZIP_STORED),
        zipped({f"{label}.{number}": pictures[number] for label in ("oak", "elm") for number in range(8)}),
        in_code_page("cp932", [f"{label}/{number}.png" for label in ("ソファ", "机") for number in range(4)]),
        in_code_page("cp866", [f"{label}/{number}.png" for label in ("кошка", "собака") for number in range(4)]),
        in_code_page("cp949", [f"{label}\\{number}.png" for label in ("고양이", "개") for number in range(4)]),
        zipped({f"{look}/{name}": data for look in ("color", "gray") for name, data in folders.items()}),
    ]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """One to eight changes: bytes, numbers of the headers, pieces cut out, doubled or moved."""
    spoiled = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(spoiled))
        heads = [place for mark in (b"PK\1\2", b"PK\3\4", b"PK\5\6") if (place := spoiled.find(mark, at)) >= 0]
        length = chance.choice((1, 2, 4, 30, 200))
        match chance.randrange(6):
            case 0:
                spoiled[at] = chance.randrange(256)
            case 1 if heads:
                place = chance.choice(heads) + chance.randrange(4, 46)
                spoiled[place : place + 2] = chance.choice((b"\0\0", b"\xff\xff", bytes([chance.randrange(256), 0])))
            case 2:
                del spoiled[at : at + length]
            case 3:
                spoiled[at:at] = spoiled[at : at + length]
            case 4:
                spoiled[at : at + length] = chance.randbytes(length)
            case _:
                other = chance.randrange(len(spoiled))
                spoiled[at : at + length] = spoiled[other : other + length]
        if not spoiled:
            return b""
    return bytes(spoiled)


def survives(path: Path) -> bool:
    """Whether it could be read; anything but a data set or a sentence is raised."""
    try:
        with open_archive(path) as archive:
            layout = arrange(archive)
            for each in layout.all_pictures:
                try:
                    archive.read(each.entry)
                except EntryError as error:
                    assert str(error)
    except HeadstartError as error:
        assert str(error).endswith((".", ")")) and "\n" not in str(error)
        return False
    return True


def tried(seeds: list[bytes], path: Path, *, number: int, seed: int) -> int:
    chance = random.Random(seed)
    read = 0
    for _ in range(number):
        path.write_bytes(mutated(chance.choice(seeds), chance))
        read += survives(path)
    return read


def test_whole_zips_of_every_shape_can_be_read(seeds, tmp_path):
    for data in seeds:
        (tmp_path / "whole.zip").write_bytes(data)
        assert survives(tmp_path / "whole.zip")


def test_a_few_hundred_spoiled_zips_crash_nothing(seeds, tmp_path):
    assert 0 < tried(seeds, tmp_path / "spoiled.zip", number=300, seed=1) < 300


@pytest.mark.slow
def test_four_thousand_spoiled_zips_crash_nothing(seeds, tmp_path):
    assert 0 < tried(seeds, tmp_path / "spoiled.zip", number=4000, seed=2) < 4000
