"""The frozen part on the engines of a host without a graphics card."""

import sys
import threading
import types
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import keras
import numpy as np
import pytest

from core import host
from core.disk.home import cache_directory
from core.errors import EngineError
from core.network import engine, loading, model
from core.network.engine import BATCH, Keras, OpenVino
from core.network.model import Network
from core.plan.arm import Head
from core.plan.bases import BASES
from core.words.said import plain

SIZE = 64
N = BATCH + 5
needs_openvino = pytest.mark.skipif(not host.has_openvino(), reason="OpenVINO is not made for this platform")


def network_of(base: str = "MobileNet") -> Network:
    keras.utils.set_random_seed(1)
    return model.build(base, Head(), image_size=SIZE, n_classes=3)


def prefix_of(network: Network, frozen_blocks: int | None = None) -> keras.Model:
    blocks = len(network.row.blocks) if frozen_blocks is None else frozen_blocks
    prefix, _ = model.cut(network.model, replace(network, frozen_blocks=blocks).frontier)
    return prefix


@pytest.fixture(scope="module")
def prefix() -> keras.Model:
    return prefix_of(network_of())


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (N, SIZE, SIZE, 3), dtype=np.uint8)


def outputs(run_by: engine.Engine, pixels: np.ndarray) -> np.ndarray:
    found: dict[int, np.ndarray] = {}

    def write(number: int, values: np.ndarray) -> None:
        assert number not in found, "once for each picture"
        found[number] = values.copy()

    run_by.run(iter(pixels), write)
    return np.stack([found[number] for number in range(len(pixels))])


def relative_error(values: np.ndarray, exact: np.ndarray) -> float:
    return float(np.linalg.norm(values - exact) / np.linalg.norm(exact))


def never() -> keras.Model:
    raise AssertionError("converted before")


def test_keras_computes_each_picture_whatever_the_size_of_the_last_batch(prefix, pixels):
    found = outputs(Keras(prefix), pixels)
    assert found.dtype == np.float32
    assert found.shape == (N, *prefix.output.shape[1:])
    expected = np.concatenate([np.asarray(prefix(pixels[k : k + 1].astype("float32"))) for k in (0, BATCH, N - 1)])
    np.testing.assert_allclose(found[[0, BATCH, N - 1]], expected, rtol=1e-4, atol=1e-5)


@needs_openvino
@pytest.mark.parametrize(
    "base", ["MobileNet", *(pytest.param(base, marks=pytest.mark.slow) for base in BASES if base != "MobileNet")]
)
def test_openvino_in_float32_puts_out_what_keras_does(base: str):
    size = max(SIZE, BASES[base].min_size)
    network = model.build(base, Head(), image_size=size, n_classes=3)
    pixels = np.random.default_rng(0).integers(0, 256, (3, size, size, 3), dtype=np.uint8)
    for frozen_blocks in (len(network.row.blocks), 2):
        prefix = prefix_of(network, frozen_blocks)
        exact = np.asarray(prefix.predict_on_batch(pixels))
        found = outputs(
            OpenVino(lambda prefix=prefix: prefix, facts={"base": base, "blocks": frozen_blocks}, precision="float32"),
            pixels,
        )
        assert relative_error(found, exact) < 1e-5


@needs_openvino
@pytest.mark.skipif(engine.fast_precision() != "bfloat16", reason="this processor has no bfloat16")
def test_bfloat16_is_near_enough_to_train_on_with_real_weights(pixels):
    from core.plan import bases, weights

    network = network_of()
    loading.load_base_weights(network, weights.find(bases.base("MobileNet")))
    prefix = prefix_of(network)
    exact = np.asarray(prefix.predict_on_batch(pixels))
    quick = OpenVino(lambda: prefix, facts={"base": "MobileNet"}, precision="bfloat16")
    label = engine.label("bfloat16")
    assert label.startswith("OpenVINO") and label.endswith("bfloat16")
    assert 0 < relative_error(outputs(quick, pixels), exact) < 0.04


@needs_openvino
def test_the_first_dense_convolutions_and_all_that_is_no_product_of_many_weights_stay_exact(prefix):
    OpenVino(lambda: prefix, facts={"base": "MobileNet"}, precision="float32")
    (path,) = cache_directory().glob("*/model.xml")
    layers = ElementTree.parse(path).findall("layers/layer")
    exact = {kind: [] for kind in ("Convolution", "GroupConvolution", "Add")}
    for layer in layers:
        if layer.get("type") in exact:
            exact[layer.get("type")].append(layer.find("rt_info/attribute[@name='precise']") is not None)
    assert exact["Convolution"] == [True, True] + [False] * 12
    assert exact["GroupConvolution"] and all(exact["GroupConvolution"]) and all(exact["Add"])


@needs_openvino
def test_two_threads_that_want_the_same_network_convert_it_once(prefix):
    asked: list[int] = []

    def make() -> keras.Model:
        asked.append(threading.get_ident())
        return prefix

    def open_it() -> None:
        OpenVino(make, facts={"base": "MobileNet"}, precision="float32")

    threads = [threading.Thread(target=open_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1


@needs_openvino
def test_a_network_is_converted_once(prefix, pixels):
    facts = {"base": "MobileNet"}
    first = outputs(OpenVino(lambda: prefix, facts=facts, precision="float32"), pixels[:3])
    again = outputs(OpenVino(never, facts=facts, precision="float32"), pixels[:3])
    np.testing.assert_array_equal(first, again)
    with pytest.raises(EngineError, match="converted before"):
        OpenVino(never, facts={"base": "another"}, precision="float32")


@needs_openvino
def test_a_conversion_that_was_interrupted_is_begun_anew(prefix, pixels):
    def interrupted() -> keras.Model:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        OpenVino(interrupted, facts={}, precision="float32")
    assert not [path for path in cache_directory().rglob("*") if path.name == "model.xml"]
    assert len(outputs(OpenVino(lambda: prefix, facts={}, precision="float32"), pixels[:3])) == 3


@needs_openvino
@pytest.mark.parametrize("run_by", [Keras, lambda prefix: OpenVino(lambda: prefix, facts={}, precision="float32")])
def test_an_error_among_the_pictures_or_on_writing_reaches_who_asked(
    run_by: Callable[..., engine.Engine], prefix, pixels
):
    def stopped():
        yield pixels[0]
        raise ValueError("stopped")

    def full(*_: object) -> None:
        raise OSError("disk full")

    computes = run_by(prefix)
    with pytest.raises(ValueError, match="stopped"):
        computes.run(stopped(), lambda *_: None)
    with pytest.raises(OSError, match="disk full"):
        computes.run(iter(pixels), full)


def test_answers_of_a_network_do_not_depend_on_how_many_are_asked_for(prefix, pixels):
    answers = engine.predict(prefix, pixels)
    assert len(answers) == N
    np.testing.assert_allclose(engine.predict(prefix, pixels[-1:]), answers[-1:], rtol=1e-5, atol=1e-6)


def test_without_openvino_keras_computes_and_that_is_known(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert not engine.is_openvino()
    assert not engine.is_quick()
    assert engine.label(engine.fast_precision()).startswith("Keras")


def test_something_that_only_bears_the_name_of_openvino_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", types.ModuleType("openvino"))  # it has no specification
    assert not host.has_openvino()


@needs_openvino
def test_where_openvino_may_end_the_process_keras_computes_everything_and_says_why(monkeypatch):
    monkeypatch.setattr(engine, "_FORBIDDEN", [])
    engine.forbid(plain("it crashed"))
    assert not engine.is_openvino()
    assert engine.failure({"any": "network"}) == plain("it crashed")
    assert engine.label(engine.fast_precision()).startswith("Keras")
