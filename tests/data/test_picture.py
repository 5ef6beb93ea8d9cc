import io
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from stand_ins import normalise, store

from core.data.pictures import pixels
from core.data.pictures.depth import Depth
from core.data.pictures.picture import load
from core.data.pictures.pixels import PictureError
from core.errors import DamagedError
from core.settings import settings

RED, WHITE = (255, 0, 0), (255, 255, 255)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def near(image: Image.Image, place: tuple[int, int], colour: tuple[int, int, int], *, within: int = 6) -> bool:
    return max(abs(a - b) for a, b in zip(image.getpixel(place), colour, strict=True)) <= within


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_claimed_size(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "BMP", "GIF", "TIFF", "PPM"])
def test_reads_every_format(kind):
    image = normalise(saved(Image.new("RGB", (40, 30), RED), kind))
    assert (image.mode, image.size) == ("RGB", (40, 30))
    assert near(image, (20, 15), RED)


def test_reads_the_two_pictures_in_one_that_some_cameras_write_as_a_jpeg():
    first, second = Image.new("RGB", (40, 30), RED), Image.new("RGB", (40, 30), WHITE)
    assert near(normalise(saved(first, "MPO", save_all=True, append_images=[second])), (20, 15), RED)


def test_reads_grey_palette_and_one_bit():
    grey = Image.new("L", (9, 9), 77)
    assert near(normalise(saved(grey, "PNG")), (4, 4), (77, 77, 77), within=0)
    assert near(normalise(saved(Image.new("RGB", (9, 9), RED).convert("P"), "PNG")), (4, 4), RED, within=0)
    assert near(normalise(saved(Image.new("1", (9, 9), 1), "PNG")), (4, 4), WHITE, within=0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("how", ["empty", "half", "zeros", "torn"])
def test_a_stored_picture_that_is_damaged_is_said_by_its_name(kind, how, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    whole = saved(Image.fromarray(noise), kind)
    path, cut = tmp_path / "picture", len(whole) // 2
    harmed = {"empty": b"", "half": whole[:cut], "zeros": bytes(len(whole)), "torn": whole[:99] + bytes(cut)}
    path.write_bytes(whole)
    assert load(path, 32).shape == (32, 32, 3)
    path.write_bytes(harmed[how])
    with pytest.raises(DamagedError, match=str(path)):
        load(path, 32)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        load(path, 32)


def test_a_low_bound_of_one_reading_does_not_stay_with_whoever_reads_next():
    with pytest.raises(PictureError, match="megapixels"):
        pixels.small(saved(Image.new("RGB", (400, 300)), "PNG"), max_pixels=9999, side=512)
    with Image.open(io.BytesIO(saved(Image.new("RGB", (400, 300)), "PNG"))) as opened:
        assert opened.size == (400, 300)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_lays_what_is_transparent_on_white(kind):
    image = Image.new("RGBA", (20, 10), (*RED, 255))
    image.paste((0, 0, 0, 0), (0, 0, 10, 10))
    laid = normalise(saved(image, kind))
    assert near(laid, (3, 5), WHITE)
    assert near(laid, (16, 5), RED)


def test_half_transparent_is_half_white():
    assert near(normalise(saved(Image.new("RGBA", (9, 9), (0, 0, 0, 128)), "PNG")), (4, 4), (127, 127, 127), within=1)
    assert near(normalise(saved(Image.new("LA", (9, 9), (0, 128)), "PNG")), (4, 4), (127, 127, 127), within=1)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_lays_a_transparent_colour_of_a_palette_on_white(kind):
    image = Image.new("P", (20, 10), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste(1, (10, 0, 20, 10))
    laid = normalise(saved(image, kind, transparency=0))
    assert near(laid, (3, 5), WHITE, within=0)
    assert near(laid, (16, 5), RED, within=0)


def test_converts_cmyk():
    assert near(normalise(saved(Image.new("CMYK", (30, 30), (0, 255, 255, 0)), "JPEG")), (15, 15), RED, within=10)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_scales_16_bit_grey_and_does_not_clip_it(kind):
    values = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (8, 1))
    row = np.asarray(normalise(saved(Image.fromarray(values), kind)))[4, :, 0].astype(int)
    assert row[0] == 0
    assert row[-1] == 255
    assert abs(row[32] - 129) <= 1
    assert (np.diff(row) >= 3).all()


def test_scales_32_bit_greys_by_their_own_range():
    values = np.array([[-1.0, 0.0], [np.nan, 1.0]], np.float32)
    scaled = np.asarray(normalise(saved(Image.fromarray(values), "TIFF")))[..., 0]
    assert scaled.tolist() == [[0, 127], [127, 255]]
    whole = np.full((4, 4), 70_000, np.int32)
    assert (np.asarray(normalise(saved(Image.fromarray(whole), "TIFF"))) == 255).all()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_takes_the_first_frame_of_an_animation(kind):
    frames = [Image.new("RGB", (20, 20), RED), Image.new("RGB", (20, 20), WHITE)]
    assert near(normalise(saved(frames[0], kind, save_all=True, append_images=frames[1:])), (10, 10), RED)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_turns_a_picture_upright(kind, orientation):
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :16] = RED  # a corner tells all eight ways apart, as the picture is no square
    upright[:8, 16:] = WHITE
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = normalise(saved(Image.fromarray(np.ascontiguousarray(turned)), kind, exif=exif))
    assert image.size == (32, 16)
    assert near(image, (4, 3), RED, within=40)
    assert near(image, (28, 3), WHITE, within=40)
    assert near(image, (4, 12), (0, 0, 0), within=40)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # as outside of tests
@pytest.mark.parametrize("exif", [b"Exif\x00\x00II*\x00\xff\xff\xff\xff", b"Exif\x00\x00nonsense"])
def test_reads_a_picture_with_broken_metadata(exif):
    assert normalise(saved(Image.new("RGB", (9, 9), RED), "JPEG", exif=exif)).size == (9, 9)


@pytest.mark.parametrize(("size", "stored"), [((4000, 1000), (512, 128)), ((300, 1200), (128, 512)), ((9, 7), (9, 7))])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_keeps_the_shape_with_a_long_side_of_512_at_most(kind, size, stored):
    assert normalise(saved(Image.new("RGB", size, RED), kind)).size == stored


def test_keeps_a_pixel_of_a_very_long_picture():
    assert normalise(saved(Image.new("RGB", (5000, 1), RED), "PNG")).size == (512, 1)


def test_a_large_jpeg_decoded_at_a_fraction_looks_as_if_it_was_not():
    y, x = np.mgrid[0:2400, 0:3200]
    waves = np.stack([128 + 100 * np.sin(x / 90), 128 + 100 * np.cos(y / 70), (x + y) / 22], -1).astype(np.uint8)
    data = saved(Image.fromarray(waves), "JPEG", quality=95)
    whole = Image.open(io.BytesIO(data)).resize((512, 384), Image.Resampling.BILINEAR)
    difference = np.abs(np.asarray(normalise(data), int) - np.asarray(whole, int))
    assert difference.mean() < 1.0


def test_refuses_a_picture_with_more_pixels_than_allowed(monkeypatch):
    monkeypatch.setenv("HEADSTART_MAX_PICTURE_PIXELS", "1000000")
    settings.cache_clear()
    assert normalise(saved(Image.new("1", (1000, 1000)), "PNG"))
    with pytest.raises(PictureError, match="more than the 1 megapixels that are read"):
        normalise(saved(Image.new("1", (1200, 1000)), "PNG"))


def test_refuses_it_even_where_someone_silenced_pillows_warning(monkeypatch):
    monkeypatch.setenv("HEADSTART_MAX_PICTURE_PIXELS", "1000000")
    with warnings.catch_warnings(), pytest.raises(PictureError, match="more than the 1 megapixels"):
        warnings.simplefilter("ignore")
        normalise(saved(Image.new("1", (1200, 1000)), "PNG"))


@pytest.mark.parametrize("side", [8_000, 9_000, 60_000])
def test_refuses_a_decompression_bomb_before_unpacking_it(side):
    with pytest.raises(PictureError, match="more than the 50 megapixels that are read"):
        normalise(png_of_claimed_size(side, side))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is an empty file"),
        (b"no picture", "it is text"),
        (b"\x07\x01\x02", "it is no picture of a kind that is read"),
        (b"\xff\xd8\xff\xe0" + bytes(40), "damaged"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is an SVG drawing"),
        (b"<!DOCTYPE html><p>404", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "it is a Git LFS pointer"),
        (b"GIF89a" + bytes(3), "damaged"),
        (bytes(900), "it is a file of zeros"),
        (bytes(128) + b"DICM" + b"x", "it is a DICOM file"),
        (b"\0\0\0\x18ftypmp42" + bytes(99), "it is a film"),
        (b"\0\0\0\x18ftypheic" + bytes(99), "it is a HEIC"),
        (png_of_claimed_size(0, 5), "damaged"),
        (png_of_claimed_size(50, 50), "damaged"),
        (saved(Image.new("RGB", (64, 64), RED), "ICO"), "it is an icon"),  # Pillow could, but is not asked to
    ],
)
def test_says_why_a_picture_cannot_be_read(data, reason):
    with pytest.raises(PictureError, match=reason):
        normalise(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP"])
def test_a_picture_that_is_cut_off_is_damaged(kind, picture_of):
    data = picture_of(1, kind=kind, size=(200, 200))
    with pytest.raises(PictureError, match="damaged, cut off"):
        normalise(data[: len(data) // 2])


def test_random_damage_gives_a_picture_or_a_reason_and_nothing_else(picture_of):
    random = np.random.default_rng(0)
    for kind in ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP"):
        whole = np.frombuffer(picture_of(1, kind=kind, size=(32, 32)), np.uint8)
        for _ in range(60):
            data = whole.copy()
            data[random.integers(0, len(data), 6)] = random.integers(0, 256, 6)
            try:
                assert normalise(data.tobytes()).mode == "RGB"
            except PictureError as error:
                assert str(error)


def test_a_colour_profile_that_is_kept_from_the_network_does_not_stop_it():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert near(normalise(saved(Image.new("RGB", (9, 9), RED), "JPEG", icc_profile=profile)), (4, 4), RED)


def test_copies_without_loss_have_one_digest_of_pixels_and_a_name_stands_for_one_file(tmp_path, picture_of):
    """What is computed from a file is kept under its picture's name."""
    data = picture_of(1, kind="JPEG", size=(200, 150))
    copies = data, data[:2] + b"\xff\xfe\x00\x07hello" + data[2:], saved(Image.open(io.BytesIO(data)), "PNG")
    plain, commented, lossless = (store(copy, tmp_path, is_compared=True) for copy in copies)
    assert plain.pixels == commented.pixels == lossless.pixels
    assert plain.thumbnail == commented.thumbnail == lossless.thumbnail
    assert commented.file == lossless.file != plain.file
    assert (tmp_path / plain.file).read_bytes() == data
    assert store(picture_of(2, kind="JPEG", size=(200, 150)), tmp_path, is_compared=True).pixels != plain.pixels
    assert not store(data, tmp_path).pixels


def test_stores_under_a_hash(tmp_path, picture_of):
    stored = store(picture_of(1, kind="JPEG", size=(40, 30)), tmp_path)
    assert stored.file == f"{stored.picture}.jpg"
    assert (stored.width, stored.height) == (40, 30)
    assert [path.name for path in tmp_path.glob("*.*")] == [stored.file]


@pytest.mark.parametrize(
    ("kind", "size", "suffix"),
    [
        ("PNG", (64, 64), ".png"),
        ("BMP", (64, 64), ".png"),
        ("GIF", (64, 64), ".png"),
        ("PNG", (300, 200), ".jpg"),
        ("JPEG", (64, 64), ".jpg"),
        ("WEBP", (64, 64), ".jpg"),
    ],
)
def test_stores_small_lossless_pictures_as_png_and_the_rest_as_jpeg(tmp_path, picture_of, kind, size, suffix):
    stored = store(picture_of(1, kind=kind, size=size), tmp_path)
    assert stored.file.endswith(suffix)
    with Image.open(tmp_path / stored.file) as image:
        assert (image.mode, image.size) == ("RGB", size)


def test_a_small_png_is_stored_without_any_loss(tmp_path, picture_of):
    data = picture_of(1, size=(48, 48))
    original = np.asarray(Image.open(io.BytesIO(data)))
    assert (load(tmp_path / store(data, tmp_path).file, 48) == original).all()


def test_nothing_of_a_picture_beside_its_pixels_is_stored(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "taken at 52.37 N, 4.90 E"
    data = saved(Image.new("RGB", (40, 30), RED), "JPEG", exif=exif, comment=b"at home")
    stored = (tmp_path / store(data, tmp_path).file).read_bytes()
    assert b"52.37" in data
    assert b"52.37" not in stored
    assert b"at home" not in stored


def test_stores_nothing_of_a_picture_that_cannot_be_read(tmp_path):
    with pytest.raises(PictureError):
        store(b"no picture", tmp_path)
    assert not list(tmp_path.glob("*.*"))


def test_loads_a_square_of_any_size_as_rgb(tmp_path, picture_of):
    path = tmp_path / store(picture_of(1, kind="JPEG", size=(400, 300)), tmp_path).file
    for size in (32, 128, 224, 600):
        pixels = load(path, size)
        assert (pixels.shape, pixels.dtype) == ((size, size, 3), np.uint8)
        assert pixels.flags.writeable


def test_loading_stretches_by_pillows_bilinear_filter(tmp_path, picture_of):
    path = tmp_path / store(picture_of(1, kind="JPEG", size=(400, 300)), tmp_path).file
    with Image.open(path) as image:
        assert (load(path, 224) == np.asarray(image.resize((224, 224), Image.Resampling.BILINEAR))).all()


def test_pictures_can_be_read_in_many_threads_at_once(picture_of):
    data = [picture_of(number, kind="JPEG", size=(600, 400)) for number in range(4)]
    expected = [normalise(each).tobytes() for each in data]
    found: dict[int, bool] = {}

    def read(number: int) -> None:
        found[number] = all(normalise(data[number]).tobytes() == expected[number] for _ in range(5))

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict.fromkeys(range(4), True)


def test_a_jpeg_that_needs_no_change_is_kept_byte_for_byte(tmp_path, picture_of):
    plain = saved(Image.open(io.BytesIO(picture_of(1, size=(60, 40)))).convert("RGB"), "JPEG")
    assert (tmp_path / store(plain, tmp_path).file).read_bytes() == plain


@pytest.mark.parametrize("hidden", [b"a word", b"\xff\xd9", b"PK\x03\x04\xff\xd9"])
@pytest.mark.parametrize("is_progressive", [False, True])
def test_of_a_jpeg_with_something_behind_it_the_jpeg_alone_is_stored(tmp_path, picture_of, hidden, is_progressive):
    picture = Image.open(io.BytesIO(picture_of(1, size=(60, 40)))).convert("RGB")
    plain = saved(picture, "JPEG", progressive=is_progressive)
    assert (tmp_path / store(plain + hidden, tmp_path).file).read_bytes() == plain


@pytest.mark.parametrize("size", [(40, 30), (700, 20)])
def test_a_grey_or_large_jpeg_is_written_anew(tmp_path, size):
    data = saved(Image.new("L" if size[0] < 512 else "RGB", size), "JPEG")
    assert (tmp_path / store(data, tmp_path).file).read_bytes() != data


def test_reads_what_phones_write():
    """A HEIC on its side, in Display P3."""
    image = normalise((Path(__file__).parents[1] / "phone.heic").read_bytes())
    assert image.size == (64, 96)
    assert near(image, (60, 5), (250, 250, 250))
    assert near(image, (10, 80), (217, 42, 51))


def test_a_wider_colour_space_becomes_srgb(display_p3):
    plain = Image.new("RGB", (200, 150), (200, 60, 60))
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        assert near(normalise(saved(plain, kind, icc_profile=display_p3)), (100, 75), (217, 47, 54), within=9), kind
    clear = plain.convert("RGBA")
    clear.putalpha(0)
    assert near(normalise(saved(clear, "PNG", icc_profile=display_p3)), (100, 75), WHITE)


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_a_profile_for_grey_counts_whatever_the_depth_and_what_is_transparent(mode, dark_grey):
    image = Image.new(mode, (20, 15), {"L": 128, "LA": (128, 255), "I;16": 128 * 257}[mode])
    image.paste({"L": 0, "LA": (0, 255), "I;16": 0}[mode], (0, 0, 1, 15))
    image.paste({"L": 255, "LA": (255, 255), "I;16": 65535}[mode], (19, 0, 20, 15))
    assert normalise(saved(image, "PNG", icc_profile=dark_grey)).getpixel((9, 9))[0] < 120


def test_reads_a_jpeg_of_a_phone_with_50_megapixels_and_no_other_picture_of_that_size():
    large = Image.new("L", (8192, 6144), 120)
    assert normalise(saved(large, "JPEG")).size == (512, 384)
    with pytest.raises(PictureError, match="more than the 50 megapixels"):
        normalise(saved(large, "PNG"))


@pytest.mark.parametrize(("white", "kind"), [(255, "PNG"), (1023, "PNG"), (4095, "TIFF"), (4095, "PNG")])
def test_deep_grey_is_scaled_by_what_the_data_set_shows(white, kind):
    values = np.tile(np.linspace(0, white, 64).astype(np.uint16), (8, 1))
    image = pixels.upright(
        saved(Image.fromarray(values), kind),
        max_pixels=9999,
        side=512,
        depth=Depth(integers=(0.0, white), fractions=None),
    )
    row = np.asarray(image)[4, :, 0]
    assert (row[0], row[-1]) == (0, 255)
