"""What a user takes along."""

import ast
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from stand_ins import store

from core.data.pictures import picture, pixels
from core.data.pictures.depth import UNKNOWN, Depth
from core.data.pictures.recipe import labels
from core.disk.home import arm_directory
from core.errors import InputError
from core.report import export


def test_a_network_comes_with_its_labels(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment()
    with zipfile.ZipFile(io.BytesIO(export.network(experiment_id, "scratch"))) as archive:
        stored = arm_directory(experiment_id, "scratch") / "model.keras"
        assert archive.read("model.keras") == stored.read_bytes()
        assert json.loads(archive.read("labels.json"))["classes"] == ["bird", "flower", "fruit", "mammal"]


def test_a_program_comes_along_that_needs_nothing_of_this_project(finished_experiment: Callable[..., str]):
    packed = export.network(finished_experiment(), "scratch")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == ["model.keras", "labels.json", "README.md", "predict.py"]
        program = archive.read("predict.py").decode()
    imported = [node for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {getattr(node, "module", None) or node.names[0].name for node in imported}
    assert modules - sys.stdlib_module_names == {"keras", "numpy", "PIL", "pi_heif"}
    assert len([line for line in program.splitlines() if line.strip()]) <= 45, "it is to be read before it is run"


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def moving(image: Image.Image, kind: str) -> bytes:
    """The picture, then its negative."""
    return saved(image, kind, save_all=True, append_images=[ImageOps.invert(image)], duration=100)


def cut_out(image: Image.Image) -> Image.Image:
    mask = Image.radial_gradient("L").resize(image.size)
    return Image.merge("RGBA", [*image.split(), mask])


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.fixture(scope="module")
def pictures(
    photo_of: Callable[..., Image.Image], display_p3: bytes, dark_grey: bytes, pale_inks: bytes
) -> dict[str, bytes]:
    """Pictures of many kinds, most of them large."""
    photos = [photo_of(number) for number in range(12)]
    phone = photos[0].resize((3200, 2400), Image.Resampling.BICUBIC)
    deep = np.asarray(photos[5].convert("L"), np.uint16) * 16
    plain = saved(photos[8], "JPEG")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    clear = ImageOps.posterize(photos[2], 2).convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
    return {
        "phone.jpg": saved(phone, "JPEG", exif=turned(6), quality=95),
        "phone of today.jpg": saved(phone, "JPEG", exif=turned(6), icc_profile=display_p3),
        "phone.heic": (Path(__file__).parents[1] / "phone.heic").read_bytes(),
        "new.avif": saved(photos[1], "AVIF", exif=turned(6), icc_profile=display_p3),
        "on its head.png": saved(photos[1], "PNG", exif=turned(3)),
        "cut out.png": saved(cut_out(photos[2]), "PNG"),
        "cut out.webp": saved(cut_out(photos[2].resize((700, 600))), "WEBP"),
        "cut out, few colours.png": saved(clear, "PNG", transparency=bytes([0, 128, *[255] * 14])),
        "cut out.gif": saved(clear, "GIF", transparency=3),
        "one colour is clear.png": saved(photos[3], "PNG", transparency=photos[3].getpixel((200, 200))),
        "one grey is clear.png": saved(photos[3].convert("L"), "PNG", transparency=90, icc_profile=dark_grey),
        "grey.jpg": saved(photos[3].convert("L"), "JPEG"),
        "grey and clear.png": saved(cut_out(photos[3]).convert("LA"), "PNG"),
        "print.jpg": saved(photos[4].convert("CMYK"), "JPEG"),
        "grey, dark.jpg": saved(phone.convert("L"), "JPEG", icc_profile=dark_grey),
        "grey and clear, dark.png": saved(cut_out(photos[3]).convert("LA"), "PNG", icc_profile=dark_grey),
        "large print.jpg": saved(phone.convert("CMYK"), "JPEG", icc_profile=pale_inks),
        "print.tif": saved(photos[4].resize((1300, 700)).convert("CMYK"), "TIFF", icc_profile=pale_inks),
        "twelve bits.png": saved(Image.fromarray(deep), "PNG"),
        "twelve bits, dark.png": saved(Image.fromarray(deep), "PNG", icc_profile=dark_grey, exif=turned(8)),
        "twelve bits.pgm": b"P5 512 384 4095\n" + deep.astype(">u2").tobytes(),
        "twelve bits.tif": saved(Image.fromarray(deep), "TIFF"),
        "float.tif": saved(Image.fromarray(deep.astype(np.float32) / 4095), "TIFF"),
        "wide.jpg": saved(photos[6].resize((1600, 1200)), "JPEG", icc_profile=display_p3),
        "wide, cut out.png": saved(cut_out(photos[7]), "PNG", icc_profile=display_p3),
        "half as wide.png": saved(photos[7].convert("L").convert("RGB"), "PNG", icc_profile=display_p3),
        "sRGB.jpg": saved(photos[9], "JPEG", icc_profile=srgb),
        "broken profile.jpg": saved(photos[9], "JPEG", icc_profile=b"nonsense"),
        "broken exif.jpg": saved(photos[9], "JPEG", exif=b"Exif\0\0nonsense", icc_profile=display_p3),
        "plain.jpg": plain,
        "plain and more.jpg": plain + b"more",
        "plain, in scans.jpg": saved(photos[8], "JPEG", progressive=True),
        "with a small one.jpg": plain[:20] + b"\xff\xe0\x00\x0aJFXX\0\x13\0\0" + plain[20:],
        "with a word.jpg": saved(photos[8], "JPEG", comment=b"a word"),
        "small.png": saved(photos[9].resize((100, 75)), "PNG"),
        "small.jpg": saved(photos[9].resize((100, 75)), "JPEG"),
        "moving.gif": moving(photos[10], "GIF"),
        "moving.webp": moving(photos[10], "WEBP"),
        "moving.png": moving(photos[10], "PNG"),
        "long word.gif": saved(photos[10], "GIF", comment=b"word" * 20_000),
        "one bit.png": saved(photos[10].convert("1"), "PNG"),
        "on its side.tif": saved(photos[11].resize((901, 333)), "TIFF", exif=turned(5)),
        "palette.gif": saved(photos[10].convert("P"), "GIF"),
        "thin.bmp": saved(photos[11].resize((900, 31)), "BMP"),
    }


def alone(folder: Path, *arguments: str) -> str:
    """What Python prints in that folder, where nothing of this project is to be found."""
    command = [sys.executable, "-I", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def unpacked(packed: bytes, folder: Path, pictures: dict[str, bytes], **labels: object) -> Path:
    folder.mkdir()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(folder)
    said = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    (folder / "labels.json").write_text(json.dumps(said | labels), encoding="utf-8")
    for name, data in pictures.items():
        (folder / name).write_bytes(data)
    return folder


def test_it_sees_the_same_pixels_as_this_project(
    tmp_path: Path, finished_experiment: Callable[..., str], pictures: dict[str, bytes]
):
    depth = Depth(integers=(0.0, 4095.0), fractions=(0.0, 1.0))
    said = labels(["a", "b", "c"], depth, image_size=96)
    folder = unpacked(export.network(finished_experiment(), "scratch"), tmp_path / "alone", pictures, **said)
    program = "import sys; sys.path.insert(0, '.'); import predict, numpy; "
    alone(folder, "-c", program + "numpy.savez('seen', *map(predict.pixels, sys.argv[1:]))", *pictures)
    seen = np.load(folder / "seen.npz")
    for number, (name, data) in enumerate(pictures.items()):
        made = pixels.small(data, max_pixels=50_000_000, side=512, depth=depth)
        expected = picture.load(tmp_path / picture.write(made, data, tmp_path).file, 96)
        assert (expected == seen[f"arr_{number}"]).all(), name


def test_it_reads_other_pictures_where_heic_cannot_be_read(
    tmp_path: Path, finished_experiment: Callable[..., str], pictures: dict[str, bytes]
):
    said = labels(["a", "b", "c"], UNKNOWN, image_size=96)
    folder = unpacked(export.network(finished_experiment(), "scratch"), tmp_path / "alone", pictures, **said)
    program = "import sys; sys.path.insert(0, '.'); sys.modules['pi_heif'] = None; import predict; "
    assert alone(folder, "-c", program + "print(predict.pixels('small.jpg').shape)") == "(96, 96, 3)\n"


@pytest.mark.slow
def test_no_answer_differs(tmp_path: Path, compared, pictures: dict[str, bytes]):
    import keras

    packed = export.network(compared.experiment_id, "transfer")
    folder = unpacked(packed, tmp_path / "alone", pictures)
    printed = alone(folder, "predict.py", *pictures).splitlines()
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    network = keras.saving.load_model(folder / "model.keras", compile=False)
    stored = [tmp_path / store(data, tmp_path).file for data in pictures.values()]
    seen = np.stack([picture.load(path, labels["image_size"]) for path in stored]).astype(np.float32)
    answers = np.array(network(seen, training=False))
    for line, answer in zip(printed, answers, strict=True):
        name, label, *shares = line.split("\t")
        assert label == labels["classes"][int(answer.argmax())], name
        assert np.abs(np.array(shares, float) - answer).max() < 0.0002, name


def test_refuses_an_arm_without_a_network(finished_experiment: Callable[..., str]):
    with pytest.raises(InputError, match="Train it first"):
        export.network(finished_experiment(arms=("transfer",)), "scratch")
