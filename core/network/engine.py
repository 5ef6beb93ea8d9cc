"""What computes the frozen part: OpenVINO on a processor, Keras on a graphics card or where there is no OpenVINO.

Both take single pictures, decoded by whoever calls while they compute, and hand back single outputs in any order.
`benchmarks/frozen.py` tells how quick it is on a host.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from importlib import metadata
from itertools import islice
from typing import NamedTuple, Protocol

import keras
import numpy as np

from core import host
from core.disk import cache
from core.disk.home import cache_directory
from core.errors import EngineError
from core.network import conversion
from core.network.conversion import blamed
from core.words.said import Said

BATCH = 32  # pictures that Keras computes together on a processor
GPU_BATCH = 256  # and on a graphics card
Write = Callable[[int, np.ndarray], None]  # number of the picture, its output in float32
_FORBIDDEN: list[Said] = []  # why OpenVINO is not asked for anything in this process; empty where it is
_FAILURES: dict[str, Said] = {}  # network: why OpenVINO is not asked for it again in this process


class Engine(Protocol):
    """Sends pictures through one network."""

    def run(self, pixels: Iterable[np.ndarray], write: Write) -> None:
        """Compute every picture, uint8 of shape (size, size, 3); `write` is called once for each, in any order."""


def is_openvino() -> bool:
    """Whether OpenVINO computes here: on a host without a graphics card that it is made for, and where it starts."""
    return _is_meant() and not _FORBIDDEN and not _started().failure


def _is_meant() -> bool:
    is_plain = keras.backend.backend() == "tensorflow" and keras.config.dtype_policy().name == "float32"
    return is_plain and not host.device().has_gpu and host.has_openvino()


class _Start(NamedTuple):
    failure: Said | None = None  # why an OpenVINO that is installed does not start in this process
    version: str = ""
    has_bfloat16: bool = False


@lru_cache
def _started() -> _Start:
    """All that is asked of OpenVINO as a whole, once: what answered might not do so again."""
    try:
        with blamed("openvino.no-start"):
            import openvino

            found = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
            return _Start(version=metadata.version("openvino"), has_bfloat16="BF16" in found)
    except EngineError as error:
        return _Start(error.said)


def forbid(reason: Said) -> None:
    """Let Keras compute everything in this process, because OpenVINO may end it and not only fail."""
    _FORBIDDEN[:] = [reason]


def is_quick() -> bool:
    """Whether the frozen part runs as this host's processors can; False on a processor without OpenVINO."""
    return host.device().has_gpu or host.has_openvino()


class EngineChoice(NamedTuple):
    """What computes a network on this host, and in which precision."""

    is_openvino: bool
    precision: str  # "bfloat16", "float16" or "float32"

    @property
    def label(self) -> str:
        """How it is called: a part of the key of what it computed."""
        if self.is_openvino:
            version = ".".join(_started().version.split(".")[:2])
            return f"OpenVINO {version}, {self.precision}"
        return f"Keras {keras.__version__} on {keras.backend.backend()}, {self.precision}"


def choose(network: Mapping[str, object], precision: str) -> EngineChoice:
    """The engine for a network: OpenVINO unless it is not for this host or has failed, then Keras.

    Args:
        network: All that decides the network's outputs.
        precision: What is wished for. Keras in float32 has no other.
    """
    if is_openvino() and not failure(network):
        return EngineChoice(True, precision)
    return EngineChoice(False, "float32" if keras.config.dtype_policy().compute_dtype == "float32" else precision)


def failure(network: Mapping[str, object]) -> Said | None:
    """Why Keras computes this network on a host where OpenVINO should; None where it need not."""
    if not _is_meant():
        return None
    return next(iter(_FORBIDDEN), None) or _started().failure or _FAILURES.get(_name(network))


def give_up(network: Mapping[str, object], reason: Said) -> None:
    """From now on Keras computes this network in this process: what failed once would fail, or fail to agree, again."""
    _FAILURES[_name(network)] = reason


def _name(network: Mapping[str, object]) -> str:
    return json.dumps(dict(network), sort_keys=True)


def label(precision: str) -> str:
    """How this host's engine for a network that has not failed is called."""
    return choose({}, precision).label


def fast_precision() -> str:
    """The quickest number format of this host that is exact enough for training on."""
    if is_openvino():
        return "bfloat16" if _started().has_bfloat16 else "float32"
    return str(keras.config.dtype_policy().compute_dtype)


def was_converted(base: str) -> bool:
    """Whether any frozen part of this base was converted on this host, and not removed for want of room."""
    found = (cache.read_facts(path.parent) for path in cache_directory().glob("*/model.xml"))
    return any(facts.get("base") == base for facts in found)


class OpenVino:
    """A network on this processor's cores, converted."""

    def __init__(self, prefix: Callable[[], keras.Model], *, facts: Mapping[str, object], precision: str) -> None:
        """Make it ready: see `conversion.compiled`.

        Raises:
            EngineError: It cannot be made ready.
        """
        with blamed("openvino.no-network"):
            self._compiled = conversion.compiled(prefix, facts=facts, precision=precision)
            self._requests = 2 * int(self._compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))

    def run(self, pixels: Iterable[np.ndarray], write: Write) -> None:
        """Keep every stream busy: two requests a stream, so that one waits while the other computes.

        Results are fetched here and not in callbacks: those need the interpreter's lock in OpenVINO's own threads,
        for which the end of a compiled network waits while it holds that very lock.

        Raises:
            EngineError: It cannot compute. What `pixels` and `write` raise is passed on as it is.
        """
        import openvino

        with _computing():
            queue = openvino.AsyncInferQueue(self._compiled, self._requests)
        running: dict[int, int] = {}  # request: number of its picture

        def fetch(request: int) -> None:
            with _computing():
                output = queue[request].get_output_tensor(0).data[0]
            write(running.pop(request), output)

        def finish() -> None:
            with _computing():
                queue.wait_all()
            for request in list(running):
                fetch(request)

        try:
            for number, picture in enumerate(pixels):
                with _computing():
                    request = queue.get_idle_request_id()
                if request in running:
                    fetch(request)
                running[request] = number
                with _computing():
                    queue.start_async({0: picture[None]})
        except EngineError:  # what is still running may put out anything, so it is not fetched
            raise
        except BaseException:
            finish()
            raise
        finish()


def _computing() -> AbstractContextManager[None]:
    return blamed("openvino.computing")


class Keras:
    """The network as Keras has it, in whatever precision its policy says."""

    def __init__(self, prefix: keras.Model) -> None:
        """Compute with this network, (n, size, size, 3) → (n, …)."""
        self._prefix = prefix
        self._batch = GPU_BATCH if host.device().has_gpu else BATCH

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
