"""A network on its way to OpenVINO: what is kept of it, and what becomes of damage."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from core import host
from core.disk.home import cache_directory
from core.errors import EngineError
from core.network import conversion
from core.settings import ROOT

SIZE = 6
FACTS = {"base": "a test's"}
pytestmark = pytest.mark.skipif(not host.has_openvino(), reason="OpenVINO is not made for this platform")


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    pixels = keras.Input((SIZE, SIZE, 3))
    inner = keras.Sequential([keras.Input((SIZE, SIZE, 3)), keras.layers.Rescaling(1 / 255)])  # nested, as some bases
    return keras.Model(pixels, keras.layers.Conv2D(64, 3, activation="tanh")(inner(pixels)))


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, SIZE, SIZE, 3), dtype=np.uint8)


class Asked:
    """The network, and how often it was asked for."""

    def __init__(self, network: keras.Model) -> None:
        self.network, self.times = network, 0

    def __call__(self) -> keras.Model:
        self.times += 1
        return self.network


@pytest.fixture
def asked(network: keras.Model) -> Asked:
    return Asked(network)


def outputs(asked: Callable[[], keras.Model], pixels: np.ndarray) -> np.ndarray:
    return conversion.compiled(asked, facts=FACTS, precision="float32")(pixels)[0]


def kept() -> dict[str, Path]:
    return {path.suffix: path for path in cache_directory().glob("*/*")}


def test_it_computes_what_keras_does_and_keeps_nothing_but_the_network(asked, pixels):
    np.testing.assert_allclose(outputs(asked, pixels), asked.network(pixels), rtol=1e-5, atol=1e-6)
    assert not [path for path in cache_directory().glob("*/*") if path.is_dir()]
    assert {".xml", ".bin", ".blob"} <= set(kept())
    outputs(asked, pixels)
    assert asked.times == 1


@pytest.mark.parametrize(
    ("ending", "how"), [(".bin", "other bytes"), (".bin", "empty"), (".xml", "cut off"), (".blob", "other bytes")]
)
def test_what_was_damaged_on_disk_is_never_computed_with(asked, pixels, ending, how):
    expected = outputs(asked, pixels)
    path = kept()[ending]
    whole = path.read_bytes()
    path.write_bytes({"other bytes": os.urandom(len(whole)), "cut off": whole[: len(whole) // 2], "empty": b""}[how])
    np.testing.assert_array_equal(outputs(asked, pixels), expected)
    assert asked.times == (1 if ending == ".blob" else 2)
    assert kept()[ending].stat().st_size > len(whole) // 2


@pytest.mark.parametrize("note", ["{", "[1, 2]"])
def test_damaged_checksums_cost_a_conversion_and_no_more(asked, pixels, note):
    expected = outputs(asked, pixels)
    kept()[".json"].parent.joinpath(conversion.CHECKS).write_text(note, encoding="utf-8")
    np.testing.assert_array_equal(outputs(asked, pixels), expected)
    assert asked.times == 2


def test_what_a_killed_conversion_left_is_removed_by_the_next(asked, pixels):
    def killed() -> keras.Model:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outputs(killed, pixels)
    (folder,) = cache_directory().iterdir()
    (folder / "unfinished-left").mkdir()
    (folder / "unfinished-left" / "model.xml").write_bytes(b"much")
    (folder / "model.xml").write_text("half a network", encoding="utf-8")
    outputs(asked, pixels)
    assert not (folder / "unfinished-left").exists()


def test_several_threads_convert_it_once(asked, pixels):
    threads = [threading.Thread(target=outputs, args=[asked, pixels]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked.times == 1


def test_a_failure_says_of_what_and_why_in_one_short_line(asked, pixels, monkeypatch):
    def fails(_: object) -> None:
        raise RuntimeError("Exception from src/core.cpp:132:\nCheck failed:\nNo such operation: Svd\n\n" + " " * 400)

    monkeypatch.setattr("core.network.conversion._converted", fails)
    with pytest.raises(EngineError) as caught:
        outputs(asked, pixels)
    assert str(caught.value) == "OpenVINO cannot convert this network (RuntimeError: No such operation: Svd)"


def test_a_folder_that_cannot_be_written_to_is_named(asked, pixels):
    outputs(asked, pixels)
    (folder,) = cache_directory().iterdir()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.write_text("in its place", encoding="utf-8")
    with pytest.raises(EngineError, match="is the disk full or read-only"):
        outputs(asked, pixels)


def test_openvino_has_nothing_to_report_conversions_to_its_makers_with():
    """In a process of its own, as in one that an earlier test may have imported it with."""
    code = (
        "import sys; from core.network import engine; import openvino; "
        "from openvino.tools.ovc import telemetry_utils; "
        "print(telemetry_utils.tm.__name__, [name for name in sys.modules if name.startswith('openvino_telemetry.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["openvino.tools.ovc.telemetry_stub", "[]"]
