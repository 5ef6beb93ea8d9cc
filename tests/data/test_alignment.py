import numpy as np
import pytest
from PIL import Image

from core.data.near.alignment import agreement, agreement_by_square, detail, fitted, halved, unmoved


def grey(image: Image.Image, side: int = 64) -> np.ndarray:
    return np.asarray(image.convert("L").resize((side, side), Image.Resampling.BILINEAR), np.float32)[None]


def test_a_cropped_picture_is_laid_on_its_original(photo_of):
    photo = photo_of(0)
    first, second = grey(photo), grey(photo.crop((25, 0, 512, 384)))
    maps = fitted(first, second, unmoved(1), steps=12)
    assert maps[0, 0, 0] == pytest.approx(512 / 487, abs=0.02)
    assert maps[0, 1, 1] == pytest.approx(1.0, abs=0.02)
    assert agreement(detail(first, 2.5), detail(second, 2.5), maps)[0] > 0.95
    assert agreement(detail(first, 2.5), detail(second, 2.5), unmoved(1))[0] < 0.9


def test_brightness_and_contrast_do_not_matter(photo_of):
    first = grey(photo_of(0))
    maps = fitted(first, 0.5 * first + 20, unmoved(1), steps=5)
    assert np.abs(maps - unmoved(1)).max() < 0.01
    assert agreement(first, 0.5 * first + 20, maps)[0] > 0.999


def test_what_lies_too_far_apart_agrees_in_nothing(photo_of):
    first, moved = grey(photo_of(0)), unmoved(1)
    moved[0, 0, 2] = 0.5
    assert agreement(first, first, moved)[0] == 0.0


def test_a_frame_alone_makes_no_agreement_square_by_square(photo_of):
    first, second = grey(photo_of(0)), grey(photo_of(1))
    for framed in (first, second):
        framed /= 2
        framed[:, :4] = framed[:, -4:] = framed[:, :, :4] = framed[:, :, -4:] = 255
    one, other = detail(first, 2.5), detail(second, 2.5)
    apart = agreement(one, other, unmoved(1))[0], agreement_by_square(one, other, unmoved(1))[0]
    assert apart[0] > 0.7 > apart[1]
    assert agreement_by_square(one, one, unmoved(1))[0] > 0.95


def test_halved_is_the_mean_of_four():
    assert halved(np.array([[[0, 4], [8, 12]]], np.float32)).tolist() == [[[6.0]]]
