"""A network as OpenVINO wants it: converted once, kept in the cache, and looked at before it is used again.

cache/<key>/  model.xml, model.bin    the converted network
              *.blob                  the same, made ready for this processor
              checks.json             a checksum of each: OpenVINO would compute with a damaged one, and say nothing
"""

import fcntl
import math
import shutil
import sys
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import keras

from core import host
from core.disk import cache, record
from core.disk.files import write_json
from core.errors import EngineError
from core.words.said import say

# OpenVINO would tell its makers of every import and conversion, from forks of this process that try for seconds where
# there is no internet. Without that package it has nothing to tell it with.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type] # (documented: an import of it fails)

IN_HALF = {"Convolution", "MatMul"}  # a depthwise one is a "GroupConvolution"
EARLY = 1 / 12  # of the multiplications of all dense convolutions: the first ones, which stay exact
HINTS = {"bfloat16": "bf16", "float32": "f32"}
NETWORK = ("model.bin", "model.xml")
CHECKS = "checks.json"
REASON_LENGTH = 160
UNUSABLE = "openvino.no-folder"
_CONVERTING = threading.Lock()  # a standby may still do it when the run that it became wants a network, too


@contextmanager
def blamed(what: str) -> Iterator[None]:
    """Whatever fails inside is a failure of OpenVINO, after which Keras computes: `what` is the kind that says of what.

    Raises:
        EngineError: Something did.
    """
    try:
        yield
    except EngineError:
        raise
    except (Exception, SystemExit) as error:  # of whatever kind: OpenVINO and TensorFlow raise all of them
        raise EngineError("openvino.failed", what=say(what), reason=_reason(error)) from error


def _reason(error: BaseException) -> str:
    """The last line with something in it, which is the most particular one, and no longer than a table can show."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__
    return said if len(said) <= REASON_LENGTH else f"{said[: REASON_LENGTH - 1]}…"


def compiled(prefix: Callable[[], keras.Model], *, facts: Mapping[str, object], precision: str) -> Any:
    """The network ready to compute: converted now, or by an earlier run.

    Args:
        prefix: Makes the network, (n, size, size, 3) → (n, …); called only when it was never converted.
        facts: All that decides the network's outputs, as for the cache.
        precision: "bfloat16" or "float32".

    Raises:
        EngineError: It cannot be converted, kept or made ready.
    """
    import openvino

    facts = {**facts, "holds": f"network for OpenVINO {openvino.get_version()}"}
    with (
        blamed(UNUSABLE),
        _alone(facts) as folder,
    ):
        _remove_damaged(folder)
        if not all((folder / name).exists() for name in NETWORK):
            _convert(prefix(), folder)
        core = openvino.Core()
        core.set_property({"CACHE_DIR": str(folder)})
        options = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": HINTS[precision]}
        with blamed("openvino.no-processor"):
            found = core.compile_model(folder / "model.xml", "CPU", options)
        _note(folder)
        return found


@contextmanager
def _alone(facts: Mapping[str, object]) -> Iterator[Path]:
    """The network's folder, while no other thread or process converts it."""
    with cache.directory(facts) as folder, _CONVERTING, (folder / "converting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # said: what was forked meanwhile would hold it on


def _remove_damaged(folder: Path) -> None:
    """Whatever is not as it was when it was noted is made anew; so is what a killed process left half done."""
    noted = _noted(folder)
    for path in [*(folder / name for name in NETWORK), *folder.glob("*.blob")]:
        if path.exists() and noted.get(path.name) != _check(path):
            path.unlink()
    for left in folder.glob("unfinished-*"):
        shutil.rmtree(left, ignore_errors=True)


def _noted(folder: Path) -> dict[str, Any]:
    return record.readable(folder / CHECKS)  # empty where it is damaged itself


def _note(folder: Path) -> None:
    kept = [*(folder / name for name in NETWORK), *folder.glob("*.blob")]
    write_json(folder / CHECKS, {path.name: _check(path) for path in kept})


def _check(path: Path) -> int:
    return zlib.crc32(path.read_bytes())


def _convert(network: keras.Model, folder: Path) -> None:
    """Write it as OpenVINO's files, with pictures of one size as bytes for its input."""
    import openvino

    scratch = Path(tempfile.mkdtemp(prefix="unfinished-", dir=folder))
    try:
        with blamed("openvino.no-conversion"):
            model = _for_bytes(_converted(network), network.input.shape[1])
        with blamed(UNUSABLE):
            openvino.save_model(model, scratch / "model.xml", compress_to_fp16=False)
            _keep_exact(scratch / "model.xml")
            openvino.Core().read_model(scratch / "model.xml")  # a file whose end found no room is not noticed before
        for name in NETWORK:
            (scratch / name).replace(folder / name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        host.give_back()


def _converted(network: keras.Model) -> Any:
    """What `openvino.convert_model` does with it, step by step: as quick, and without a copy of the weights.

    That function itself ends in a NameError on Python 3.13 (OpenVINO 2026.4), in a line that only looks for versions.
    By way of a SavedModel, or of a graph with the weights as constants, a ResNet50 takes 100 to 900 MB more.
    """
    import tensorflow as tf
    from openvino._offline_transformations import apply_moc_transformations  # there are no public names for these two
    from openvino.frontend import FrontEndManager
    from openvino.frontend.tensorflow.utils import create_tf_graph_iterator

    pixels = tf.TensorSpec((None, *network.input.shape[1:]), tf.float32)
    traced = tf.function(lambda batch: network(batch, training=False), autograph=False).get_concrete_function(pixels)
    graph = create_tf_graph_iterator(traced, None, None, None, share_weights=True)
    reader = FrontEndManager().load_by_framework("tf")
    found = reader.convert(reader.load(graph))
    apply_moc_transformations(found, cf=False, smart_reshape=True)
    return found


def _for_bytes(model: Any, size: int) -> Any:
    import openvino
    from openvino.preprocess import PrePostProcessor

    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    found = steps.build()
    found.reshape([1, size, size, 3])
    return found


def _keep_exact(path: Path) -> None:
    """Let only dense convolutions and products of matrices, where the time goes, be computed in bfloat16.

    A depthwise filter has few weights, and a normalisation after it may enlarge their rounding thirty times. What the
    first convolutions round goes through all others, so they stay exact too. MobileNet's outputs are 2.5 % off then
    (`benchmarks/frozen.py`).
    """
    tree = ElementTree.parse(path)
    early = _early(tree)
    for layer in tree.iterfind("layers/layer"):
        if layer.get("type") not in IN_HALF | {"Const", "Parameter", "Result"} or layer.get("id") in early:
            information = layer.find("rt_info")
            if information is None:
                information = ElementTree.Element("rt_info")
                layer.insert(1 if layer.find("data") is not None else 0, information)
            ElementTree.SubElement(information, "attribute", name="precise", version="0")
    tree.write(path)


def _early(network: "ElementTree.ElementTree[ElementTree.Element]") -> set[str | None]:
    """Ids of the first convolutions that together are at most `EARLY` of the work of all."""
    work = {
        layer.get("id"): _sides(layer, "output/port") * _sides(layer, "input/port[@id='1']") // _channels(layer)
        for layer in network.iterfind("layers/layer[@type='Convolution']")
    }
    sums = accumulate(work.values())
    return {name for name, done in zip(work, sums, strict=True) if done <= EARLY * sum(work.values())}


def _sides(layer: ElementTree.Element, port: str) -> int:
    found = layer.find(port)
    assert found is not None
    return math.prod(int(side.text or 0) for side in found.iterfind("dim"))


def _channels(layer: ElementTree.Element) -> int:
    return int(layer.findtext("output/port/dim[2]", "1"))
