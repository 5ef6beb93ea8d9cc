import numpy as np
import pytest

from core.data.pictures import augment
from core.data.pictures.augmentation import NO_AUGMENTATION, Augmentation

SIDE = 33  # odd, so that a centre off by half a pixel shows
FLIP = NO_AUGMENTATION.model_copy(update={"flip": True})
ROTATION = NO_AUGMENTATION.model_copy(update={"rotation_degrees": 90.0})
ZOOM = NO_AUGMENTATION.model_copy(update={"zoom": 0.5})
BRIGHTNESS = NO_AUGMENTATION.model_copy(update={"brightness": 0.5})
EVERYTHING = Augmentation(flip=True, rotation_degrees=180.0, zoom=0.9, brightness=0.5)
SEEDS = range(30)


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def disc(radius: float, *, shift: float = 0.0) -> np.ndarray:
    """A white disc on black, `shift` pixels right of the centre."""
    rows, columns = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    inside = np.hypot(rows, columns - shift) <= radius
    return np.repeat(inside[..., None], 3, axis=2).astype(np.uint8) * 255


def centre_of(pixels: np.ndarray) -> np.ndarray:
    """(row, column) of the light's centre of gravity, from the middle of the picture and without its mirrored rim."""
    light = pixels[..., 0] * disc(SIDE / 2 - 2)[..., 0].astype(float)
    return np.array([(axis * light).sum() / light.sum() for axis in np.indices(light.shape) - (SIDE - 1) / 2])


def views(pixels: np.ndarray, augmentation: Augmentation) -> list[np.ndarray]:
    return [augment.view(pixels, augmentation, seed=seed) for seed in SEEDS]


def test_the_same_seed_gives_the_same_view_and_another_seed_another():
    for seed in (7, (1, 2, 3)):
        np.testing.assert_array_equal(
            augment.view(noise(), EVERYTHING, seed=seed), augment.view(noise(), EVERYTHING, seed=seed)
        )
    assert len({each.tobytes() for each in views(noise(), EVERYTHING)}) == len(SEEDS)


def test_with_everything_off_the_picture_stays_as_it_is():
    for each in views(noise(), NO_AUGMENTATION):
        np.testing.assert_array_equal(each, noise())


def test_a_flip_mirrors_left_and_right_in_about_half_of_the_views():
    mirrored = [np.array_equal(each, noise()[:, ::-1]) for each in views(noise(), FLIP)]
    unchanged = [np.array_equal(each, noise()) for each in views(noise(), FLIP)]
    assert sum(mirrored) + sum(unchanged) == len(SEEDS)
    assert 8 <= sum(mirrored) <= 22


@pytest.mark.parametrize("side", [1, 2, 32, 33])
def test_every_view_is_again_a_picture_of_this_size_and_kind(side):
    pixels = np.full((side, side, 3), 200, np.uint8)
    for each in views(pixels, EVERYTHING):
        assert each.shape == (side, side, 3)
        assert each.dtype == np.uint8
        assert each.flags.c_contiguous


def test_the_picture_given_is_not_changed():
    pixels = noise()
    pixels.flags.writeable = False  # as rows of a file that is mapped for reading
    for augmentation in (FLIP, ROTATION, ZOOM, BRIGHTNESS, EVERYTHING):
        views(pixels, augmentation)
    np.testing.assert_array_equal(pixels, noise())


@pytest.mark.parametrize("augmentation", [ROTATION, ZOOM, EVERYTHING.model_copy(update={"brightness": 0.0})])
def test_what_comes_in_from_outside_is_the_picture_mirrored_and_never_black(augmentation):
    pixels = 100 + noise() // 2  # darkest 100
    assert min(each.min() for each in views(pixels, augmentation)) >= 100


def test_a_rotation_turns_about_the_centre_by_as_much_as_was_drawn():
    shift = 8.0
    angles = []
    for each in views(disc(3, shift=shift), ROTATION):
        row, column = centre_of(each)
        assert np.hypot(row, column) == pytest.approx(shift, abs=0.3)
        angles.append(np.degrees(np.arctan2(row, column)))
    assert max(np.abs(angles)) <= 91
    assert min(angles) < -45 < 45 < max(angles)


def test_a_zoom_changes_the_scale_about_the_centre_within_its_bounds():
    scales = []
    for each in views(disc(6), ZOOM):
        assert np.abs(centre_of(each)).max() < 0.2
        scales.append(np.sqrt((each[..., 0] > 127).sum() / (disc(6)[..., 0] > 127).sum()))
    assert 0.45 <= min(scales) < 0.8
    assert 1.2 < max(scales) <= 1.55


def test_brightness_is_a_factor_that_stops_at_white():
    grey = np.full((SIDE, SIDE, 3), 100, np.uint8)
    levels = [each.mean() for each in views(grey, BRIGHTNESS)]
    assert 50 <= min(levels) < 75
    assert 125 < max(levels) <= 150
    assert max(each.max() for each in views(grey + 120, BRIGHTNESS)) == 255
