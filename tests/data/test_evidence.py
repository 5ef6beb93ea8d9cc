import numpy as np
import pytest

from core.data.near.alignment import unmoved
from core.data.near.evidence import (
    OTHERS,
    SIDE,
    SQUARES,
    Evidence,
    as_they_are,
    shown_by,
    slopes_in_squares,
    when_moved,
)

LARGE = np.array([300])
NOTHING_KNOWN = np.zeros((1, SQUARES**2), np.float32)


def textured(number: int) -> np.ndarray:
    noise = np.random.default_rng(number).normal(0, 1, (SIDE, SIDE))
    places = np.arange(SIDE)
    kernel = np.exp(-0.5 * ((places[:, None] - places) / 2) ** 2)
    return np.asarray(128 + 12 * (kernel @ noise @ kernel), np.float32)[None]


def striped(phase: float) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.asarray(128 + 60 * np.sin((x + 2 * y) / 8 + phase), np.float32)[None]


def checked(phase: int) -> np.ndarray:
    y, x = (np.mgrid[:SIDE, :SIDE] + phase) // 16
    return np.asarray(60 + 120 * ((x + y) % 2), np.float32)[None]


def test_the_same_texture_is_enough_and_another_is_nothing():
    one, noise = textured(0), np.random.default_rng(9).normal(0, 3, (1, SIDE, SIDE)).astype(np.float32)
    assert as_they_are(one, 0.8 * one + noise, LARGE, NOTHING_KNOWN).tolist() == [Evidence.ENOUGH]
    assert as_they_are(one, textured(1), LARGE, NOTHING_KNOWN).tolist() == [Evidence.NOTHING]
    assert when_moved(one, one + noise, unmoved(1), LARGE).tolist() == [Evidence.ENOUGH]


@pytest.mark.parametrize("grain", [0.0, 10.0])
def test_stripes_are_nothing_however_well_they_agree(grain):
    first, second = (np.random.default_rng(number).normal(0, grain, (SIDE, SIDE)) for number in range(2))
    one, other = ((striped(0) + each).astype(np.float32) for each in (first, second))
    assert when_moved(one, other, unmoved(1), LARGE).tolist() == [Evidence.NOTHING]
    if grain:
        assert as_they_are(one, other, LARGE, NOTHING_KNOWN).tolist() == [Evidence.NOTHING]


def test_what_repeats_in_two_directions_is_nothing_when_moved():
    assert when_moved(checked(0), checked(0), unmoved(1), LARGE).tolist() == [Evidence.NOTHING]
    assert as_they_are(checked(0), checked(0), LARGE, NOTHING_KNOWN).tolist() == [Evidence.ENOUGH]


def test_contrast_that_differs_much_is_another_picture():
    one = textured(0)
    assert as_they_are(one, 128 + 0.3 * (one - 128), LARGE, NOTHING_KNOWN).tolist() == [Evidence.NOTHING]


def test_what_all_pictures_of_a_data_set_show_counts_nothing():
    form, half = textured(0), SIDE // 2
    pictures = np.concatenate([form] * (OTHERS + 2))
    for number, each in enumerate(pictures):
        each[:, :half] = textured(10 + number)[0, :, :half]
    is_else = np.ones((1, OTHERS), bool)
    known = shown_by(pictures[:1], slopes_in_squares(pictures[2:]), is_else)
    shares = known.reshape(SQUARES, SQUARES)
    assert shares[:, : SQUARES // 2 - 1].max() < 0.2
    assert shares[:, SQUARES // 2 + 1 :].min() > 0.9
    assert as_they_are(pictures[:1], pictures[1:2], LARGE, known).tolist() == [Evidence.NOTHING]
    assert as_they_are(pictures[:1], pictures[:1], LARGE, known).tolist() == [Evidence.ENOUGH]
