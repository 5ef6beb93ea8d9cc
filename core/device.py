"""What this host computes on, found without importing TensorFlow or another backend of Keras."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata, util
from pathlib import Path

SECONDS = 10.0


@dataclass(frozen=True)
class Device:
    """A graphics processor by its name, or the processor with the cores that this process may use."""

    name: str  # "H100 80GB HBM3", or "" for a CPU
    cores: int

    @property
    def has_gpu(self) -> bool:
        """Whether training would run on a graphics processor."""
        return bool(self.name)

    @property
    def label(self) -> str:
        """As a status line says it: "GPU H100 80GB HBM3" or "CPU, 2 cores"."""
        if self.has_gpu:
            return f"GPU {self.name}"
        return f"CPU, {self.cores} core{'s' if self.cores > 1 else ''}"


@lru_cache
def find() -> Device:
    """This host's device; asked once a process. The training process says in its status what it really used."""
    return Device(name=_gpu_name(), cores=_cores())


def _gpu_name() -> str:
    """Name of the first GPU that the driver lists, or "" where there is none or Keras's backend is a CPU build."""
    tool = shutil.which("nvidia-smi")
    if tool is None or _is_cpu_build() or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return ""
    command = [tool, "--query-gpu=name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    lines = answer.strip().splitlines()
    return lines[0].strip().removeprefix("NVIDIA ") if lines else ""


def _is_cpu_build() -> bool:
    """Whether what is installed of Keras's backend cannot use a GPU."""
    chosen = backend()
    if chosen == "jax":
        return not any("cuda" in plugin.name for plugin in metadata.entry_points(group="jax_plugins"))
    if chosen == "torch":
        return _version("torch").endswith("+cpu")
    return bool(_version("tensorflow-cpu"))


def backend() -> str:
    """The backend that Keras will choose: KERAS_BACKEND, else what Keras's own file says, else TensorFlow."""
    if chosen := os.environ.get("KERAS_BACKEND"):
        return chosen
    path = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "keras.json"
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


def has_openvino() -> bool:
    """Whether OpenVINO is installed, started or not: it is not made for every platform."""
    try:
        return util.find_spec("openvino") is not None
    except (ImportError, ValueError):  # something that only bears its name
        return False


def _version(package: str) -> str:
    """Of an installed package, or "" where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
