"""What a user takes along."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stand_ins import store

from core import export, picture, pixels, runs
from core.depth import Depth
from core.errors import InputError
from core.experiment import Arm


def test_a_network_comes_with_its_labels(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment()
    with zipfile.ZipFile(io.BytesIO(export.network(experiment_id, Arm.SCRATCH))) as archive:
        stored = runs.arm_directory(experiment_id, Arm.SCRATCH) / "model.keras"
        assert archive.read("model.keras") == stored.read_bytes()
        assert json.loads(archive.read("labels.json"))["classes"] == ["bird", "flower", "fruit", "mammal"]


def test_a_program_comes_along_that_needs_nothing_of_this_project(finished_experiment: Callable[..., str]):
    packed = export.network(finished_experiment(), Arm.SCRATCH)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == ["model.keras", "labels.json", "README.md", "predict.py"]
        program = archive.read("predict.py").decode()
    assert "import core" not in program and "from core" not in program


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def cut_out(image: Image.Image) -> Image.Image:
    mask = Image.radial_gradient("L").resize(image.size)
    return Image.merge("RGBA", [*image.split(), mask])


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.fixture(scope="module")
def pictures(photo_of: Callable[..., Image.Image], display_p3: bytes) -> dict[str, bytes]:
    """Pictures of many kinds, most of them large."""
    photos = [photo_of(number) for number in range(12)]
    phone = photos[0].resize((3200, 2400), Image.Resampling.BICUBIC)
    deep = np.asarray(photos[5].convert("L"), np.uint16) * 16
    return {
        "phone.jpg": saved(phone, "JPEG", exif=turned(6), quality=95),
        "on its head.png": saved(photos[1], "PNG", exif=turned(3)),
        "cut out.png": saved(cut_out(photos[2]), "PNG"),
        "cut out.webp": saved(cut_out(photos[2].resize((700, 600))), "WEBP"),
        "grey.jpg": saved(photos[3].convert("L"), "JPEG"),
        "grey and clear.png": saved(cut_out(photos[3]).convert("LA"), "PNG"),
        "print.jpg": saved(photos[4].convert("CMYK"), "JPEG"),
        "twelve bits.png": saved(Image.fromarray(deep), "PNG"),
        "twelve bits.tif": saved(Image.fromarray(deep), "TIFF"),
        "float.tif": saved(Image.fromarray(deep.astype(np.float32) / 4095), "TIFF"),
        "wide.jpg": saved(photos[6].resize((1600, 1200)), "JPEG", icc_profile=display_p3),
        "wide, cut out.png": saved(cut_out(photos[7]), "PNG", icc_profile=display_p3),
        "plain.jpg": saved(photos[8], "JPEG"),
        "with a word.jpg": saved(photos[8], "JPEG", comment=b"a word"),
        "small.png": saved(photos[9].resize((100, 75)), "PNG"),
        "small.jpg": saved(photos[9].resize((100, 75)), "JPEG"),
        "palette.gif": saved(photos[10].convert("P"), "GIF"),
        "thin.bmp": saved(photos[11].resize((900, 31)), "BMP"),
    }


def alone(folder: Path, program: str, *arguments: str) -> str:
    """What Python prints in that folder, where nothing of this project is to be found."""
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, '.'); {program}", *arguments]
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
    sides = {"image_size": 96, "stored_side": 512, "lossless_side": 128}
    folder = unpacked(
        export.network(finished_experiment(), Arm.SCRATCH), tmp_path / "alone", pictures, depth=depth, **sides
    )
    alone(folder, "import predict, numpy; numpy.savez('seen', *map(predict.pixels, sys.argv[1:]))", *pictures)
    seen = np.load(folder / "seen.npz")
    for number, (name, data) in enumerate(pictures.items()):
        made = pixels.small(data, max_pixels=50_000_000, side=512, depth=depth)
        expected = picture.load(tmp_path / picture.write(made, data, tmp_path).file, 96).astype(int)
        assert np.abs(expected - seen[f"arr_{number}"]).max() <= (0 if "wide" not in name else 3), name


@pytest.mark.slow
def test_no_answer_differs(tmp_path: Path, compared, pictures: dict[str, bytes]):
    import keras

    packed = export.network(compared.experiment_id, Arm.TRANSFER)
    folder = unpacked(packed, tmp_path / "alone", pictures)
    printed = alone(folder, "import predict; predict.main(sys.argv[1:])", *pictures).splitlines()
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    network = keras.saving.load_model(folder / "model.keras", compile=False)
    for line, data in zip(printed, pictures.values(), strict=True):
        pixels_seen = picture.load(tmp_path / store(data, tmp_path).file, labels["image_size"])
        answer = np.array(network(pixels_seen[None].astype(np.float32), training=False))[0]
        name, label, *shares = line.split("\t")
        assert label == labels["classes"][int(answer.argmax())], name
        assert np.abs(np.array(shares, float) - answer).max() < 0.01, name


def test_refuses_an_arm_without_a_network(finished_experiment: Callable[..., str]):
    with pytest.raises(InputError, match="Train it first"):
        export.network(finished_experiment(arms=(Arm.TRANSFER,)), Arm.SCRATCH)
