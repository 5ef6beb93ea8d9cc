import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from core.data.near.candidates import turned
from core.data.near.likeness import Pair, groups, is_mirrored, pairs
from core.data.pictures.pixels import THUMBNAIL_SIDE, thumbnail

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
    def fine(places: np.ndarray, side: int) -> np.ndarray:
        size, how = (side, side), Image.Resampling.BILINEAR
        return np.stack([np.asarray(images[place].convert("L").resize(size, how), np.float32) for place in places])

    return pairs(thumbnails(images), fine, np.array([min(image.size) for image in images]))


def thumbnails(images: list[Image.Image]) -> np.ndarray:
    data = b"".join(thumbnail(image) for image in images)
    return np.frombuffer(data, np.uint8).reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)


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


def array(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:side, :side].astype(float)
    return y, x


def grainy_stripes(random: np.random.Generator) -> Image.Image:
    y, x = grid(96)
    stripes = 40 * np.sin((x + 5 * y) / 9 + random.uniform(0, 6))
    return array(random.uniform(80, 160, 3) + stripes[..., None] + random.normal(0, 18, (96, 96, 3)))


def checks(random: np.random.Generator) -> Image.Image:
    (y, x), size = grid(128), random.uniform(10, 40)
    is_dark = (np.floor((x + random.uniform(0, 99)) / size) + np.floor((y + random.uniform(0, 99)) / size)) % 2
    return array(random.uniform(0, 100) + is_dark * random.uniform(60, 150))


def disc(random: np.random.Generator) -> Image.Image:
    image, size = Image.new("RGB", (256, 256), "white"), random.uniform(90, 190)
    x, y = random.uniform(0, 256 - size, 2)
    ImageDraw.Draw(image).ellipse((x, y, x + size, y + size), fill=tuple(random.integers(0, 200, 3).tolist()))
    return image.resize((128, 128), Image.Resampling.BOX)


def pill(random: np.random.Generator) -> Image.Image:
    (y, x), turn = grid(200), random.normal(0, 0.3)
    x, y = x - random.normal(100, 8), y - random.normal(100, 8)
    across = (x * np.cos(turn) + y * np.sin(turn)) / random.uniform(30, 50)
    square = across**2 + ((y * np.cos(turn) - x * np.sin(turn)) / random.uniform(15, 28)) ** 2
    light = random.uniform(100, 230) * (0.5 + 0.5 * np.sqrt((1 - square).clip(0, 1)))
    return array(np.where(square < 1, light, 255) + random.normal(0, 2, (200, 200)))


def letter(random: np.random.Generator) -> Image.Image:
    image = Image.new("L", (256, 256), 255)
    drawn = ImageDraw.Draw(image)
    font = ImageFont.load_default(random.uniform(140, 190))
    drawn.text((128, 128), "ABEGKRS"[random.integers(7)], fill=0, font=font, anchor="mm")
    return image.rotate(random.normal(0, 4), fillcolor=255, translate=tuple(random.integers(-9, 9, 2).tolist()))


def window(random: np.random.Generator) -> Image.Image:
    image, font = Image.new("RGB", (480, 320), (245, 245, 247)), ImageFont.load_default(16)
    drawn = ImageDraw.Draw(image)
    drawn.rectangle((0, 0, 480, 28), fill=(50, 60, 80))
    for row, name in enumerate(("Temperature", "Pressure", "Humidity", "Flow")):
        drawn.text((40, 70 + 50 * row), name, fill="black", font=font)
        drawn.rectangle((200, 62 + 50 * row, 400, 92 + 50 * row), fill="white", outline="grey")
        drawn.text((210, 68 + 50 * row), f"{random.uniform(0, 1000):.2f}", fill="black", font=font)
    return image


def thing(random: np.random.Generator) -> Image.Image:
    """Of its own outline and texture, on white."""
    y, x = grid(256)
    texture = Image.fromarray(random.integers(0, 256, (256, 256), dtype=np.uint8)).filter(ImageFilter.GaussianBlur(3))
    angle, radius = np.arctan2(y - 128, x - 128), np.full((256, 256), random.uniform(40, 65))
    for wave in range(1, 7):
        radius = radius * (1 + random.normal(0, 0.12 / wave) * np.cos(wave * angle + random.uniform(0, 6)))
    is_inside = np.hypot(x - random.normal(128, 8), y - random.normal(128, 8)) < radius
    return array(np.where(is_inside, 4 * np.asarray(texture, float) - 400 + random.uniform(0, 60), 255))


MADE = [grainy_stripes, checks, disc, pill, letter, window, thing]


@pytest.mark.parametrize("make", MADE)
def test_pictures_of_one_making_are_no_near_copies(make):
    """A few may look the same by chance, at which one would not wonder."""
    assert len(found([make(np.random.default_rng((1, number))) for number in range(80)])) <= 1


@pytest.mark.parametrize("kind", ["recompressed a little", "mirrored", "upside down", "on its side", "grey"])
@pytest.mark.parametrize("make", [grainy_stripes, letter, thing])
def test_finds_what_was_planted_among_pictures_of_one_making(make, kind):
    made = [make(np.random.default_rng((2, number))).convert("RGB") for number in range(30)]
    change = KINDS.get(kind) or (lambda image: recompressed(image, 60))
    places = {(pair.first % 30, pair.second % 30) for pair in found(made + [change(each) for each in made[:20]])}
    assert all(first == second for first, second in places)
    assert len(places) >= 19


def test_finds_a_window_with_the_same_numbers_among_others():
    windows = [window(np.random.default_rng((3, number))) for number in range(40)]
    (pair,) = found([*windows, recompressed(windows[0], 90)])
    assert (pair.first, pair.second) == (0, 40)


def test_flat_pictures_are_no_near_copies():
    assert found([Image.new("RGB", (64, 64), (grey, grey, grey)) for grey in (0, 100, 101, 255)]) == []


@pytest.mark.parametrize("n", [0, 1])
def test_there_are_no_pairs_without_two_pictures(photos, n):
    assert found(photos[:n]) == []


def test_looks_whether_to_go_on():
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pairs(thumbnails([Image.new("L", (9, 9))] * 5), lambda *_: np.empty(0), np.full(5, 9), look=stop)


def test_what_is_near_to_the_same_is_one_group():
    chain = [Pair(0, 1, 0.99, 0), Pair(2, 1, 0.98, 0), Pair(4, 5, 0.97, 0)]
    assert groups(chain, ["a"] * 12)[:7] == [0, 0, 0, 3, 4, 4, 6]


def test_a_chain_of_a_whole_class_is_cut_where_it_is_weakest():
    film = [Pair(number, number + 1, 0.99 - 0.001 * (number % 4 == 3), 0) for number in range(11)]
    film.sort(key=lambda pair: -pair.agreement)
    assert groups(film, ["a"] * 12) == [0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8]
