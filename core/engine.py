"""What computes the frozen part: OpenVINO on a processor, Keras on a graphics card or where there is no OpenVINO.

Both take single pictures, decoded by whoever calls while they compute, and hand back single outputs in any order.
`benchmarks/frozen.py` tells how quick it is on a host.
"""

import math
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable
from importlib import metadata, util
from itertools import accumulate, islice
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree

import keras
import numpy as np

from core import cache, device, disk

BATCH = 32  # pictures that Keras computes together on a processor
GPU_BATCH = 256  # and on a graphics card
IN_HALF = {"Convolution", "MatMul"}  # a depthwise one is a "GroupConvolution"
EARLY = 1 / 12  # of the multiplications of all dense convolutions: the first ones, which stay exact
Write = Callable[[int, np.ndarray], None]  # number of the picture, its output in float32
_CONVERTING = threading.Lock()  # a standby may still do it when the run that it became wants the same network


class Engine(Protocol):
    """Sends pictures through one network."""

    def run(self, pixels: Iterable[np.ndarray], write: Write) -> None:
        """Compute every picture, uint8 of shape (size, size, 3); `write` is called once for each, in any order."""


def has_openvino() -> bool:
    """Whether OpenVINO is installed: it is not made for every platform."""
    return util.find_spec("openvino") is not None


def is_openvino() -> bool:
    """Whether OpenVINO computes here: on a host without a graphics card that it is made for."""
    is_plain = keras.backend.backend() == "tensorflow" and keras.config.dtype_policy().name == "float32"
    return is_plain and not device.find().has_gpu and has_openvino()


def is_quick() -> bool:
    """Whether the frozen part runs as this host's processors can; False on a processor without OpenVINO."""
    return device.find().has_gpu or has_openvino()


def label(precision: str) -> str:
    """How the engine of this host is called."""
    if is_openvino():
        version = ".".join(metadata.version("openvino").split(".")[:2])
        return f"OpenVINO {version}, {precision}"
    return f"Keras {keras.__version__} on {keras.backend.backend()}, {precision}"


def fast_precision() -> str:
    """The quickest number format of this host that is exact enough for training on."""
    if is_openvino():
        import openvino

        capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return "bfloat16" if "BF16" in capabilities else "float32"
    return str(keras.config.dtype_policy().compute_dtype)


def was_converted(base: str) -> bool:
    """Whether any frozen part of this base was converted on this host, and not removed for want of room."""
    found = (cache.read_facts(path.parent) for path in cache.folder().glob("*/model.xml"))
    return any(facts.get("base") == base for facts in found)


class OpenVino:
    """A network that Keras exported, on this processor's cores."""

    def __init__(self, prefix: Callable[[], keras.Model], *, facts: dict[str, object], precision: str) -> None:
        """Convert the network, or find what an earlier run converted, and compile it.

        Args:
            prefix: Makes the network, (n, size, size, 3) → (n, …); called only when it was never converted.
            facts: All that decides the network's outputs, as for the cache.
            precision: "bfloat16" or "float32".
        """
        import openvino

        with cache.directory({**facts, "holds": f"network for OpenVINO {openvino.get_version()}"}) as folder:
            path = folder / "model.xml"
            core = openvino.Core()
            core.set_property({"CACHE_DIR": str(folder)})
            hint = {"bfloat16": "bf16", "float32": "f32"}[precision]
            options = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": hint}
            with _CONVERTING:
                if not path.exists():
                    _export(prefix(), folder)
                self._compiled = core.compile_model(path, "CPU", options)
        self._requests = 2 * int(self._compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))

    def run(self, pixels: Iterable[np.ndarray], write: Write) -> None:
        """Keep every stream busy: two requests a stream, so that one waits while the other computes.

        Results are fetched here and not in callbacks: those need the interpreter's lock in OpenVINO's own threads,
        for which the end of a compiled network waits while it holds that very lock.
        """
        import openvino

        queue = openvino.AsyncInferQueue(self._compiled, self._requests)
        running: dict[int, int] = {}  # request: number of its picture

        def fetch(request: int) -> None:
            write(running.pop(request), queue[request].get_output_tensor(0).data[0])

        try:
            for number, picture in enumerate(pixels):
                request = queue.get_idle_request_id()
                if request in running:
                    fetch(request)
                running[request] = number
                queue.start_async({0: picture[None]})
        finally:
            queue.wait_all()
            for request in list(running):
                fetch(request)


class Keras:
    """The network as Keras has it, in whatever precision its policy says."""

    def __init__(self, prefix: keras.Model) -> None:
        """Compute with this network, (n, size, size, 3) → (n, …)."""
        self._prefix = prefix
        self._batch = GPU_BATCH if device.find().has_gpu else BATCH

    def run(self, pixels: Iterable[np.ndarray], write: Write) -> None:
        """A batch at a time."""
        source, start = iter(pixels), 0
        while batch := list(islice(source, self._batch)):
            for number, values in enumerate(predict(self._prefix, np.stack(batch), batch_size=self._batch)):
                write(start + number, values)
            start += len(batch)


def predict(model: keras.Model, inputs: np.ndarray, *, batch_size: int = BATCH) -> np.ndarray:
    """A model's outputs for (n, …) inputs, float32, a batch at a time.

    The last, smaller batch is filled up: another shape would be traced anew, for a second or more.
    """
    answers = []
    for start in range(0, len(inputs), batch_size):
        batch = inputs[start : start + batch_size]
        missing = batch_size - len(batch)
        filled = np.concatenate([batch, np.zeros((missing, *batch.shape[1:]), batch.dtype)]) if missing else batch
        answers.append(np.asarray(model.predict_on_batch(filled))[: len(batch)].astype(np.float32))
    return np.concatenate(answers)


def _export(network: keras.Model, folder: Path) -> None:
    """By Keras's own export, then with pictures of one size as bytes for its input.

    Raises:
        ResourceError: The disk is full.
    """
    scratch = Path(tempfile.mkdtemp(dir=folder))
    try:
        with disk.watched(folder):
            _convert(network, scratch)
        for name in ("model.bin", "model.xml"):  # the second is the sign that both are there
            (scratch / name).replace(folder / name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _convert(network: keras.Model, scratch: Path) -> None:
    """Write model.xml and model.bin; RuntimeError where OpenVINO cannot write or, afterwards, read them."""
    import openvino
    from openvino.preprocess import PrePostProcessor

    size = network.input.shape[1]
    network.export(str(scratch / "exported.xml"), format="openvino", verbose=False)
    model = openvino.Core().read_model(scratch / "exported.xml")
    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    model = steps.build()
    model.reshape([1, size, size, 3])
    openvino.save_model(model, scratch / "model.xml", compress_to_fp16=False)
    _keep_exact(scratch / "model.xml")
    openvino.Core().read_model(scratch / "model.xml")  # a file whose end found no room is not noticed before


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
