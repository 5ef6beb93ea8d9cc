"""What this host has: cores, a graphics processor, memory, and a container's limit of it. Asked here and nowhere else.

Nothing here imports TensorFlow or another backend of Keras.

A container's limit is that of the control group which holds this process, or of one above it. Where the group's
files cannot be read, a limit may be there all the same: `is_limit_known` says so.
"""

import ctypes
import gc
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata, util
from pathlib import Path

import psutil

from core.settings import settings
from core.words.numbers import count

UNKNOWN_BYTES = 950_000_000  # what is counted on where a limit may be there that cannot be seen: little under 1 GB
CGROUP = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
OWN_STATUS = Path("/proc/self/status")
SECONDS = 10.0  # for the driver to name its GPUs


@dataclass(frozen=True)
class _Version:
    """How a version of control groups calls what is asked of it."""

    folder: str  # below `CGROUP`, where its memory groups are
    limit: str
    use: str
    droppable: tuple[str, ...]  # lines of memory.stat: files in memory, which can be read from disk again


TWO = _Version("", "memory.max", "memory.current", ("inactive_file", "active_file"))
HYBRID = _Version("unified", "memory.max", "memory.current", ("inactive_file", "active_file"))
ONE = _Version("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file"))


def memory_bytes() -> int:
    """What the machine has, or the limit of the container if that is less."""
    limits: list[int] = [psutil.virtual_memory().total]
    for version, group in _groups():
        with suppress(OSError, ValueError):  # no such controller, or a limit of "max"
            limits.append(int((group / version.limit).read_text()))
    return min(limits)


def available_bytes() -> int:
    """Memory that may be used without swapping: what the machine has left, or what the container's limit leaves."""
    found: list[int] = [psutil.virtual_memory().available]
    for version, group in _groups():
        with suppress(OSError, ValueError):
            limit = int((group / version.limit).read_text())
            rows = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            used = int((group / version.use).read_text()) - sum(int(rows.get(name, 0)) for name in version.droppable)
            found.append(limit - used)
    return max(0, min(found))


def prudent_bytes() -> int:
    """The memory to count on for what could be done without: `memory_bytes`, or little where a limit cannot be seen."""
    return memory_bytes() if is_limit_known() else min(memory_bytes(), UNKNOWN_BYTES)


def own_bytes() -> int:
    """Memory that this process alone holds now, without the files that are mapped into it: those can be dropped."""
    with suppress(OSError):
        found = re.search(r"^RssAnon:\s+(\d+) kB$", OWN_STATUS.read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    return int(psutil.Process().memory_info().rss)


def give_back() -> None:
    """Let the system have what this process freed and its allocator kept: a hundred megabytes after a large step."""
    gc.collect()
    with suppress(OSError, AttributeError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)


def is_limit_known() -> bool:
    """Whether this process can see the limit of its own container, or that it has none."""
    most = settings().most_memory_bytes
    if most is not None and memory_bytes() > most:
        return False
    if not sys.platform.startswith("linux"):
        return True
    return any((group / version.limit).is_file() for version, group in _groups()) or _is_root_group()


def _is_root_group() -> bool:
    """Whether this process is in no group below the root of version 2, whose root has no file for a limit."""
    return (CGROUP / "cgroup.controllers").is_file() and not any(path != "/" for _, path in _own_groups())


def _groups() -> Iterator[tuple[_Version, Path]]:
    """Every group whose limit counts for this process: its own, those above it, and the root of what is mounted.

    In a container the own group is mostly mounted as the root, so that its path leads nowhere.
    """
    for version, path in _own_groups():
        root = CGROUP / version.folder
        own = root / path.lstrip("/")
        for group in (own, *own.parents):
            yield version, group
            if group == root:
                break


def _own_groups() -> Iterator[tuple[_Version, str]]:
    """The groups that this process is in, as the kernel names them; one to be sure where it names none."""
    with suppress(OSError):
        for line in OWN_GROUPS.read_text(encoding="utf-8").splitlines():
            number, controllers, path = line.split(":", 2)
            if number == "0":
                yield TWO, path
                yield HYBRID, path
            elif "memory" in controllers.split(","):
                yield ONE, path
        return
    yield from ((version, "/") for version in (TWO, ONE))


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
        return f"CPU, {count(self.cores, 'core')}"


@lru_cache
def device() -> Device:
    """This host's device; asked once a process. The training process says in its status what it really used."""
    return Device(name=_gpu_name(), cores=cores())


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


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
