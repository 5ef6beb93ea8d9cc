import io
import tarfile

import pytest
from PIL import Image

from core.data.zips import signature
from core.words.said import say
from core.words.sentences import sentence


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF", "ICO", "JPEG2000"])
def test_knows_a_picture_by_its_first_bytes(kind):
    file = io.BytesIO()
    Image.new("RGB", (20, 20), (200, 10, 10)).save(file, kind)
    assert signature.is_picture(file.getvalue()[: signature.START_BYTES])


@pytest.mark.parametrize(
    "start",
    [b"", b"BM", b"BMW is a make of cars, and no bitmap", b"P1", b"P5 is", b"PK\x03\x04", b"RIFF1234WAVE", b"GIF",
     b"\0\0\0\x20ftypisom", b"<svg", b"filename,label\n"],
)  # fmt: skip
def test_takes_nothing_else_for_a_picture(start):
    assert signature.is_picture(start) == start.startswith(b"P5 ")  # a greyscale picture may begin so


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\n  <!DOCTYPE html><html>", "a web page"),
        (b"\xef\xbb\xbf<HTML>", "a web page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied', "an XML message"),
        (b'{"error": "quota"}', "a JSON message"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab", "a pointer of Git LFS"),
        (b"PK\x07\x08PK\x03\x04", "the first part of a zip that was split"),
        (b"BZh91AY", "a bzip2 file"),
        (b"\x28\xb5\x2f\xfd\x00", "a Zstandard file"),
        (bytes(512), "nothing but zeros"),
        (b"hello", "something else"),
        (b"", "an empty file"),
    ],
)
def test_names_what_is_no_zip(start, name):
    assert sentence(say(signature.kind(start).name)).startswith(name)
    assert sentence(say(signature.kind(start).remedy)).endswith(".")


def test_names_a_tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("cats/a.jpg"))
    assert sentence(say(signature.kind(file.getvalue()[: signature.START_BYTES]).name)) == "a tar archive"
