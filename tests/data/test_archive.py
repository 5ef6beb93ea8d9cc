import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.data.zips.archive import Archive, Entry, EntryError, name_parts, open_archive
from core.errors import ArchiveError
from core.settings import settings
from core.words.sentences import sentence

CENTRAL = b"PK\x01\x02"
LOCAL = b"PK\x03\x04"


def limit(monkeypatch: pytest.MonkeyPatch, **limits: int) -> None:
    for name, value in limits.items():
        monkeypatch.setenv(f"HEADSTART_{name.upper()}", str(value))
    settings.cache_clear()


def names(path: Path) -> list[str]:
    with open_archive(path) as archive:
        return [entry.name for entry in archive.entries]


def refused(path: Path) -> dict[str, str]:
    with open_archive(path) as archive:
        return {entry.name: sentence(entry.reason) for entry in archive.refused}


def read_all(path: Path) -> dict[str, bytes | str]:
    """The bytes of each entry, or the reason why there are none."""

    def one(archive: Archive, entry: Entry) -> bytes | str:
        try:
            return archive.read(entry)
        except EntryError as error:
            return str(error)

    with open_archive(path) as archive:
        return {entry.name: one(archive, entry) for entry in archive.entries}


def patched(path: Path, signature: bytes, offset: int, value: bytes, *, which: int = 0) -> Path:
    """The zip with bytes changed in one of its headers."""
    data, at = bytearray(path.read_bytes()), -1
    for _ in range(which + 1):
        at = data.index(signature, at + 1)
    data[at + offset : at + offset + len(value)] = value
    path.write_bytes(data)
    return path


def raw_named(path: Path, raw: bytes, *, flags: int = 0) -> Path:
    """A zip with one stored file "x" and a name of any bytes."""
    sizes = struct.pack("<HHIII", 0, 33, 0x8CDC1683, 1, 1)  # CRC-32 of b"x"
    start = struct.pack("<HHH", 20, flags, 0) + sizes + struct.pack("<HH", len(raw), 0)
    local = LOCAL + start + raw + b"x"
    central = CENTRAL + struct.pack("<H", 20) + start + struct.pack("<HHHII", 0, 0, 0, 0, 0) + raw
    path.write_bytes(local + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0))
    return path


def test_gives_names_sizes_and_bytes(zip_of):
    path = zip_of({"cats/a.jpg": b"one", "dogs/b.jpg": b"three"})
    with open_archive(path) as archive:
        assert [(entry.name, entry.size_bytes) for entry in archive.entries] == [("cats/a.jpg", 3), ("dogs/b.jpg", 5)]
        assert archive.read(archive.entries[1]) == b"three"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"just some text, a good deal of it, but no zip", "something else"),
        (b"Rar!\x1a\x07\x00" + bytes(50), "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "a 7z archive"),
        (b"\x1f\x8b\x08" + bytes(50), "a gzip file"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "a JPEG picture"),
    ],
)
def test_refuses_what_is_no_zip_and_says_what_it_is(tmp_path, content, found):
    path = tmp_path / "pictures.zip"
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=f"Expected a zip file. Found {found}"):
        names(path)


def test_refuses_a_tar_that_is_called_a_zip(tmp_path):
    path = tmp_path / "pictures.zip"
    with tarfile.open(path, "w") as archive:
        archive.add(__file__, "cats/a.jpg")
    with pytest.raises(ArchiveError, match="Expected a zip file"):
        names(path)


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, 0.99])
def test_refuses_a_zip_that_was_cut_off(zip_of, kept):
    path = zip_of({"cats/": 5, "dogs/": 5})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(ArchiveError, match="cut off"):
        names(path)


def test_refuses_a_zip_without_its_beginning(zip_of):
    path = zip_of({"cats/": 5, "dogs/": 5})
    data = path.read_bytes()
    path.write_bytes(data[len(data) // 2 :])
    with pytest.raises(ArchiveError, match="Expected a whole zip file|must not overlap"):
        read_all(path)


def test_refuses_a_damaged_list_of_contents(zip_of):
    path = patched(zip_of({"cats/": 2}), CENTRAL, 0, b"XXXX", which=1)
    with pytest.raises(ArchiveError, match="list of contents is damaged"):
        names(path)


def test_refuses_a_name_that_claims_to_be_utf8_and_is_not(tmp_path):
    with pytest.raises(ArchiveError, match="list of contents is damaged"):
        names(raw_named(tmp_path / "a.zip", b"cats/\xff\xfe.jpg", flags=0x800))


@pytest.mark.parametrize("flag", [0x1, 0x41, 0x2000])
def test_refuses_an_encrypted_zip(zip_of, flag):
    path = patched(zip_of({"cats/a.jpg": b"1", "cats/b.jpg": b"2"}), CENTRAL, 8, struct.pack("<H", flag), which=1)
    with pytest.raises(ArchiveError, match="without a password. Found 1 encrypted, such as 'cats/b.jpg'"):
        names(path)


def test_refuses_an_unknown_packing_method(zip_of):
    path = patched(zip_of({"cats/a.jpg": b"1"}), CENTRAL, 10, struct.pack("<H", 9))
    with pytest.raises(ArchiveError, match=r"Found method 9 \(Deflate64.*\) in 'cats/a.jpg'. Unpack it"):
        names(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_reads_every_usual_packing_method(tmp_path, method):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("cats/a.jpg", b"picture" * 100)
    assert read_all(path) == {"cats/a.jpg": b"picture" * 100}


class Pipe(io.RawIOBase):
    """Takes bytes but cannot go back, as when a zip is sent while it is made."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.taken += data
        return len(data)


def test_reads_zips_that_were_streamed_or_large_or_stuck_to_a_program(tmp_path):
    pipe, path = Pipe(), tmp_path / "a.zip"
    with zipfile.ZipFile(pipe, "w") as archive:
        with archive.open("cats/a.jpg", "w", force_zip64=True) as file:
            file.write(b"large")
        archive.writestr("cats/b.jpg", b"streamed")
    path.write_bytes(b"#!/bin/sh\nexit\n" + pipe.taken)
    assert read_all(path) == {"cats/a.jpg": b"large", "cats/b.jpg": b"streamed"}


def test_refuses_more_entries_than_allowed(zip_of, monkeypatch):
    path = zip_of({"cats/": 6})
    limit(monkeypatch, max_entries=6)
    assert len(names(path)) == 6
    limit(monkeypatch, max_entries=5)
    with pytest.raises(ArchiveError, match="at most 5 entries. Found 6"):
        names(path)


def test_does_not_build_a_list_of_contents_of_absurd_length(zip_of, monkeypatch):
    path = zip_of({"cats/": 100})
    limit(monkeypatch, max_entries=5)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(ArchiveError, match="at most 5 entries"):
        names(path)


def test_refuses_a_bomb_by_its_ratio_before_unpacking_anything(zip_of, monkeypatch):
    path = zip_of({"cats/": 3, "cats/zeros.jpg": bytes(20_000_000)})
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(ArchiveError, match="at most 200 times its own size. Found"):
        names(path)


def test_takes_plain_pictures_that_pack_very_well_for_no_bomb(zip_of):
    path = zip_of({f"cats/{number}.bmp": bytes(100_000) for number in range(10)})
    assert len(names(path)) == 10


def test_refuses_more_bytes_than_allowed(zip_of, monkeypatch):
    path = zip_of({"cats/a.jpg": bytes(600), "cats/b.jpg": bytes(600)})
    limit(monkeypatch, max_total_bytes=1000)
    with pytest.raises(ArchiveError, match="at most 1.0 kB. Found 1.2 kB"):
        names(path)


def test_counts_the_bytes_that_it_really_unpacks(zip_of, monkeypatch):
    path = zip_of({"cats/a.jpg": bytes(600)})
    limit(monkeypatch, max_total_bytes=1000)
    with open_archive(path) as archive:
        archive.read(archive.entries[0])
        with pytest.raises(ArchiveError, match="at most 1.0 kB. Found 1.2 kB"):
            archive.read(archive.entries[0])


def test_refuses_one_entry_that_is_too_large_and_reads_the_rest(zip_of, monkeypatch):
    path = zip_of({"cats/a.jpg": bytes(2000), "cats/b.jpg": b"fine"})
    limit(monkeypatch, max_entry_bytes=1000)
    assert read_all(path) == {"cats/a.jpg": "it has 2.0 kB; at most 1.0 kB are read", "cats/b.jpg": b"fine"}


def test_refuses_two_entries_on_the_same_bytes(zip_of):
    path = zip_of({"cats/a.jpg": b"1" * 100, "cats/b.jpg": b"2" * 100})
    with pytest.raises(ArchiveError, match="must not overlap"):
        names(patched(path, CENTRAL, 42, struct.pack("<I", 0), which=1))


def test_refuses_an_entry_that_reaches_into_the_next(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("b.jpg", b"kernel")
    whole = inner.getvalue()
    quoted = whole[: whole.index(CENTRAL)]  # the second file, header and all, as content of the first
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", quoted)
        archive.writestr("b.jpg", b"kernel")
    data = path.read_bytes()
    with pytest.raises(ArchiveError, match="must not overlap"):
        names(patched(path, CENTRAL, 42, struct.pack("<I", data.index(LOCAL, 1)), which=1))


def test_refuses_an_entry_that_reaches_into_the_list_of_contents(zip_of):
    path = zip_of({"cats/a.jpg": b"1" * 100})
    with pytest.raises(ArchiveError, match="must not overlap"):
        names(patched(path, CENTRAL, 20, struct.pack("<I", 5000)))


def flipped(path: Path) -> Path:
    at = path.read_bytes().index(b"a.jpg") + 8
    return patched(path, LOCAL, at, b"\xff\xff\xff")


def claims_more(path: Path) -> Path:
    return patched(path, CENTRAL, 24, struct.pack("<I", 5000))


def claims_less(path: Path) -> Path:
    return patched(path, CENTRAL, 24, struct.pack("<I", 10))


def another_name_inside(path: Path) -> Path:
    return patched(path, LOCAL, 30, b"dogs")


def no_header(path: Path) -> Path:
    return patched(path, LOCAL, 0, b"XXXX")


@pytest.mark.parametrize("spoil", [flipped, claims_more, claims_less, another_name_inside, no_header])
def test_a_damaged_entry_does_not_stop_the_rest(zip_of, spoil: Callable[[Path], Path]):
    path = spoil(zip_of({"cats/a.jpg": bytes(range(256)) * 4, "cats/b.jpg": b"fine"}))
    assert read_all(path) == {"cats/a.jpg": "its data in the zip is damaged", "cats/b.jpg": b"fine"}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_data_of_any_packing_method_refuses_the_entry_only(tmp_path, method):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.jpg", bytes(range(256)) * 40)
    data = bytearray(path.read_bytes())
    data[40:60] = bytes(20)
    path.write_bytes(data)
    assert read_all(path) == {"a.jpg": "its data in the zip is damaged"}


def test_skips_junk_in_silence(zip_of):
    junk = ("__MACOSX/cats/._a.jpg", "cats/._a.jpg", "cats/.DS_Store", "Thumbs.db", "cats/thumbs.db", "DESKTOP.INI")
    path = zip_of({"cats/a.jpg": b"1", **dict.fromkeys(junk, b"junk"), ".git/config": b"", "cats/.hidden/b.jpg": b"2"})
    assert names(path) == ["cats/a.jpg"]
    assert not refused(path)


@pytest.mark.parametrize("name", ["../evil.jpg", "cats/../../evil.jpg", "..\\evil.jpg", "cats/x/../../../evil.jpg"])
def test_refuses_a_zip_entry_that_leaves_the_folder(zip_of, name):
    path = zip_of({"cats/a.jpg": b"1", name: b"2"})
    assert names(path) == ["cats/a.jpg"]
    assert refused(path) == {name: "its name leads out of the zip's folder"}


@pytest.mark.parametrize(
    "name", ["/etc/evil.jpg", "C:\\evil.jpg", "c:evil.jpg", "\\\\server\\evil.jpg", "//x/evil.jpg"]
)
def test_refuses_an_absolute_name(zip_of, name):
    path = zip_of({"cats/a.jpg": b"1", name: b"2"})
    assert names(path) == ["cats/a.jpg"]
    assert refused(path) == {name: "its name is an absolute path"}


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_refuses_links_and_devices(tmp_path, kind):
    path, link = tmp_path / "a.zip", zipfile.ZipInfo("cats/link.jpg")
    link.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, b"/etc/passwd")
    assert names(path) == []
    assert refused(path) == {"cats/link.jpg": "it is a link or a device, not a file"}


@pytest.mark.parametrize("name", ["cats/more.tar.gz", "cats/MORE.7Z", "x.rar"])
def test_refuses_an_archive_inside_the_zip(zip_of, name):
    path = zip_of({"cats/a.jpg": b"1", name: b"2"})
    assert names(path) == ["cats/a.jpg"]
    assert refused(path) == {name: "an archive inside the zip is not opened"}


def inner(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip as the content of another one."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_opens_zips_inside_the_zip_one_level_deep(zip_of):
    deepest = inner({"c.jpg": b"3"})
    path = zip_of(
        {
            "cats.zip": inner({"a.jpg": b"one", "old/b.jpg": b"two"}),
            "more/Dogs.ZIP": inner({"d.jpg": b"four", "deep.zip": deepest}, zipfile.ZIP_LZMA),
            "read.txt": b"me",
        }
    )
    assert read_all(path) == {
        "read.txt": b"me",
        "cats/a.jpg": b"one",
        "cats/old/b.jpg": b"two",
        "more/Dogs/d.jpg": b"four",
    }
    assert list(refused(path)) == ["more/Dogs/deep.zip"]
    with open_archive(path) as archive:
        assert archive.opened == ("cats.zip", "more/Dogs.ZIP")


@pytest.mark.parametrize("beside", ["cats/a.jpg", "cats/picture-without-ending", "x/y/b.png"])
def test_leaves_a_zip_closed_that_lies_beside_folders_of_pictures(zip_of, beside):
    path = zip_of({beside: b"1", "backup.zip": inner({"cats/a.jpg": b"1"})})
    assert names(path) == [beside]
    assert refused(path)["backup.zip"].startswith("a zip inside the zip is opened one level deep")


def test_a_zip_inside_that_is_none_is_refused_and_the_others_are_read(zip_of):
    whole = inner({"a.jpg": b"1"})
    path = zip_of({"cats.zip": whole, "dogs.zip": b"<html>404</html>", "fish.zip": whole[:-30], "none.zip": b""})
    assert read_all(path) == {"cats/a.jpg": b"1"}
    reasons = refused(path)
    assert "a web page" in reasons["dogs.zip"]
    assert "cut off" in reasons["fish.zip"]
    assert "an empty file" in reasons["none.zip"]


def test_a_locked_zip_inside_is_refused(zip_of):
    locked = patched(zip_of({"a.jpg": b"1"}, "locked.zip"), CENTRAL, 8, struct.pack("<H", 1)).read_bytes()
    assert "without a password" in refused(zip_of({"x.zip": locked}))["x.zip"]


def test_entries_of_zips_inside_count_together(zip_of, monkeypatch):
    path = zip_of({f"{letter}.zip": inner({f"{number}.jpg": b"" for number in range(5)}) for letter in "abc"})
    assert len(names(path)) == 15
    limit(monkeypatch, max_entries=15)
    with pytest.raises(ArchiveError, match="at most 15 entries. Found 18"):
        names(path)


def test_bytes_of_zips_inside_count_together(zip_of, monkeypatch):
    path = zip_of({f"{letter}.zip": inner({"a.jpg": bytes(600)}) for letter in "abc"})
    limit(monkeypatch, max_total_bytes=2000)
    with pytest.raises(ArchiveError, match="at most 2.0 kB"):
        names(path)


def test_refuses_a_bomb_in_a_zip_inside_before_unpacking_it(zip_of, monkeypatch):
    bomb = inner({f"{number}.jpg": bytes(5_000_000) for number in range(20)})
    path = zip_of({"bomb.zip": inner({"x": bomb}), "b.zip": bomb})
    reads: list[int] = []
    monkeypatch.setattr(Archive, "_bytes", lambda *_: reads.append(1) or b"")
    with pytest.raises(ArchiveError, match="times its own size"):
        read_all(path)
    assert not reads


def test_zips_inside_leave_no_file_behind(zip_of, tmp_path):
    path = zip_of({"cats.zip": inner({"a.jpg": b"1"})})
    before = sorted(tmp_path.rglob("*"))
    read_all(path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_thousand_zips_inside_need_no_thousand_open_files(zip_of):
    path = zip_of({f"{number}.zip": inner({"a.jpg": str(number).encode()}) for number in range(1200)})
    assert read_all(path)["1199/a.jpg"] == b"1199"


def test_names_pictures_in_hidden_folders_but_not_those_of_programs(zip_of):
    path = zip_of({".NET/a.jpg": b"1", "x/.Trash/b.png": b"2", ".ipynb_checkpoints/c.jpg": b"3", "cats/._d.jpg": b"4",
                   ".git/e.jpg": b"5", ".config/notes.txt": b"6", "./cats/f.jpg": b"7"})  # fmt: skip
    with open_archive(path) as archive:
        assert archive.hidden == [".NET/a.jpg"]
        assert [entry.name for entry in archive.entries] == ["cats/f.jpg"]


def test_a_name_is_never_split_within_a_letter(tmp_path):
    path = raw_named(tmp_path / "a.zip", "ソース/表示.jpg".encode("cp932"))
    assert names(path) == ["ソース/表示.jpg"]
    with open_archive(path) as archive:
        assert archive.guess and sentence(archive.guess.said) == "Windows, Japanese (cp932)"


def test_the_last_part_of_a_split_zip_is_named(zip_of):
    path = zip_of({"cats/a.jpg": b"1"})
    with pytest.raises(ArchiveError, match="the last part of one that was split"):
        names(patched(path, b"PK\x05\x06", 4, struct.pack("<HH", 2, 0)))


def test_takes_a_folder_called_like_an_archive_for_a_folder(zip_of):
    path = zip_of({"photos.zip/": b"", "photos.zip/cats/a.jpg": b"1"})
    assert names(path) == ["photos.zip/cats/a.jpg"]
    assert not refused(path)


def test_refuses_a_name_of_absurd_depth(zip_of):
    path = zip_of({"cats/a.jpg": b"1", "x/" * 60 + "b.jpg": b"2"})
    assert names(path) == ["cats/a.jpg"]
    assert list(refused(path).values()) == ["it lies more than 50 folders deep"]


@pytest.mark.parametrize(
    ("raw", "flags", "name"),
    [
        ("Bäume/ä.jpg".encode(), 0x800, "Bäume/ä.jpg"),
        ("Bäume/ä.jpg".encode(), 0, "Bäume/ä.jpg"),
        ("猫/一.jpg".encode(), 0, "猫/一.jpg"),
        (b"B\x84ume/\x84.jpg", 0, "Bäume/ä.jpg"),  # cp437, as old Windows programs write
        ("Ba\u0308ume/a.jpg".encode(), 0x800, "Bäume/a.jpg"),  # decomposed, as macOS writes
        (b"cats\\old\\a.jpg", 0, "cats/old/a.jpg"),
        (b"./cats//a.jpg", 0, "cats/a.jpg"),
        (b"cats/../dogs/a.jpg", 0, "dogs/a.jpg"),
        (b"cats /a.jpg", 0, "cats/a.jpg"),
        (b"ca\nts/a\x1b.jpg", 0, "ca\ufffdts/a\ufffd.jpg"),
    ],
)
def test_brings_names_to_one_form(tmp_path, raw, flags, name):
    assert read_all(raw_named(tmp_path / "a.zip", raw, flags=flags)) == {name: b"x"}


def test_names_in_a_table_come_to_the_same_form_as_names_in_the_zip():
    assert name_parts(".\\cats\\a\u0308.jpg") == ("cats", "ä.jpg")


def test_keeps_two_entries_of_the_same_name_apart(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cats/a.jpg", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("cats/a.jpg", b"2")
    with open_archive(path) as archive:
        assert [archive.read(entry) for entry in archive.entries] == [b"1", b"2"]


def test_knows_the_folders_that_the_zip_names(zip_of):
    with open_archive(zip_of({"cats/": b"", "dogs/": b"", "cats/a.jpg": b"1"})) as archive:
        assert archive.folders == ("cats", "dogs")


def test_an_empty_zip_has_no_entries(zip_of):
    assert names(zip_of({})) == []


def test_writes_nothing_beside_the_zip(zip_of, tmp_path):
    path = zip_of({"../evil.jpg": b"1", "/evil.jpg": b"2", "cats/a.jpg": b"3"})
    before = sorted(tmp_path.rglob("*"))
    read_all(path)
    assert sorted(tmp_path.rglob("*")) == before
