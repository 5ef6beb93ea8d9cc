import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from core import likeness
from core.likeness import Pair, groups, is_mirrored, pairs, turned
from core.pixels import thumbnail

PHOTOS = 40


def recompressed(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


def burst(image: Image.Image) -> Image.Image:
    moved = image.rotate(0.7, Image.Resampling.BICUBIC, translate=(5, -4)).crop((12, 12, 500, 372))
    noise = np.random.default_rng(0).normal(0, 4, (360, 488, 3))
    return Image.fromarray((np.asarray(moved) + noise).clip(0, 255).astype(np.uint8))


KINDS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "recompressed": lambda image: recompressed(image, 25),
    "half the size": lambda image: image.resize((256, 192)),
    "a square": lambda image: image.resize((299, 299)),
    "cropped by 5 percent": lambda image: image.crop((13, 10, 499, 374)),
    "cropped at a corner": lambda image: image.crop((25, 19, 512, 384)),
    "mirrored": ImageOps.mirror,
    "upside down": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "on its side": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "mirrored and cropped": lambda image: ImageOps.mirror(image).crop((13, 10, 499, 374)),
    "another frame of a burst": burst,
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "grey": lambda image: image.convert("L").convert("RGB"),
}


def found(images: list[Image.Image]) -> list[Pair]:
    side, fine_side = likeness.SIDE, likeness.FINE_SIDE
    small = np.frombuffer(b"".join(thumbnail(image) for image in images), np.uint8).reshape(-1, side, side)
    fine = [np.asarray(image.convert("L").resize((fine_side, fine_side)), np.float32) for image in images]
    return pairs(small, lambda places: np.stack([fine[place] for place in places]))


@pytest.fixture(scope="module")
def photos(photo_of) -> list[Image.Image]:
    return [photo_of(number) for number in range(PHOTOS)]


def test_pictures_of_different_things_are_no_near_copies(photos):
    assert found(photos) == []


@pytest.mark.parametrize("kind", KINDS)
def test_finds_what_was_planted_and_nothing_else(photos, kind):
    planted = [KINDS[kind](photo) for photo in photos[:20]]
    places = {(pair.first % PHOTOS, pair.second % PHOTOS) for pair in found(photos + planted)}
    assert all(first == second for first, second in places)
    assert len(places) >= 19


def test_says_which_are_mirrored(photos):
    (pair,) = found([*photos[:3], ImageOps.mirror(photos[0])])
    assert is_mirrored(pair.turn)
    (pair,) = found([*photos[:3], photos[0].transpose(Image.Transpose.ROTATE_270)])
    assert not is_mirrored(pair.turn)


@pytest.mark.parametrize("turn", range(8))
def test_a_turn_is_mirrored_if_no_rotation_gives_it(turn):
    picture = np.arange(9, dtype=np.float32).reshape(1, 3, 3)
    rotations = [np.rot90(picture, k, (1, 2)) for k in range(4)]
    assert is_mirrored(turn) != any(np.array_equal(turned(picture, turn), rotation) for rotation in rotations)


def test_pictures_in_the_same_frame_are_no_near_copies(photos):
    assert found([ImageOps.expand(photo, 40, "black") for photo in photos]) == []


def test_flat_pictures_are_no_near_copies():
    assert found([Image.new("RGB", (64, 64), (grey, grey, grey)) for grey in (0, 100, 101, 255)]) == []


@pytest.mark.parametrize("n", [0, 1])
def test_there_are_no_pairs_without_two_pictures(photos, n):
    small = np.frombuffer(b"".join(map(thumbnail, photos[:n])), np.uint8).reshape(-1, likeness.SIDE, likeness.SIDE)
    assert pairs(small, lambda _: np.empty(0)) == []


def test_looks_whether_to_go_on():
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pairs(np.zeros((5, likeness.SIDE, likeness.SIDE), np.uint8), lambda _: np.empty(0), look=stop)


def test_what_is_near_to_the_same_is_one_group():
    chain = [Pair(0, 1, 0.99, 0), Pair(2, 1, 0.98, 0), Pair(4, 5, 0.97, 0)]
    assert groups(chain, ["a"] * 12)[:7] == [0, 0, 0, 3, 4, 4, 6]


def test_a_chain_of_a_whole_class_is_cut_where_it_is_weakest():
    film = [Pair(number, number + 1, 0.99 - 0.001 * (number % 4 == 3), 0) for number in range(11)]
    film.sort(key=lambda pair: -pair.agreement)
    assert groups(film, ["a"] * 12) == [0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8]
