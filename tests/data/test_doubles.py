import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.data.near import doubles
from core.data.pictures import pixels


def row(data: bytes) -> dict[str, object]:
    made = pixels.small(data, max_pixels=50_000_000, side=512)
    return {"width": made.width, "height": made.height, "thumbnail": made.thumbnail, "is_kept": made.data is None}


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture
def jpegs(photo_of) -> list[bytes]:
    noise = np.random.default_rng(0).integers(0, 2, (90, 130, 3)).astype(np.uint8) * 255
    return [saved(photo_of(number), "JPEG", quality=60) for number in range(5)] + [
        saved(Image.fromarray(noise), "JPEG")
    ]


def without_loss(data: bytes) -> bytes:
    return saved(Image.open(io.BytesIO(data)), "PNG")


def test_the_same_pixels_in_another_kind_of_file_are_looked_at(jpegs):
    rows = pd.DataFrame([row(data) for data in [*jpegs, *(without_loss(data) for data in jpegs)]])
    assert rows["is_kept"].sum() == len(jpegs)
    assert doubles.may_be(rows).all()


def test_other_pictures_are_not(jpegs):
    rows = pd.DataFrame([*(row(data) for data in jpegs), row(without_loss(jpegs[0]))])
    assert doubles.may_be(rows).tolist() == [True, *[False] * (len(jpegs) - 1), True]


def test_two_files_of_one_kind_are_if_their_thumbnails_are_the_same(jpegs):
    first = row(jpegs[0])
    narrower = {**first, "width": 511}
    assert doubles.may_be(pd.DataFrame([first, row(jpegs[1]), first, narrower])).tolist() == [True, False, True, False]


def test_nothing_has_no_doubles():
    assert doubles.may_be(pd.DataFrame(columns=["width", "height", "thumbnail", "is_kept"])).tolist() == []
