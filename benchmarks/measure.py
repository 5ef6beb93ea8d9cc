"""What the benchmarks share: the machine in a line, whole processes on a clock, the app kept up, pictures and networks.

A run is timed from outside, from the start of its process to its end: what somebody at the terminal would wait.
"""

import io
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

import psutil
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # these are scripts, and `core` is no installed package
REST_SECONDS, REST_PERCENT = 1.0, 5.0  # a process that uses less of a core than this for so long is at rest
READY_SECONDS = 120.0  # for a standby on a busy machine
ABILITIES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "openvino")
SUFFIXES = {".jpg", ".jpeg", ".png"}


def machine() -> str:
    """What the figures below it were measured on."""
    listed = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(":")[2].strip() for line in listed.splitlines() if line.startswith("model name")]
    can = [ability for ability in ABILITIES if ability in listed.split()]
    versions = {one.metadata["Name"].lower().replace("_", "-"): one.version for one in metadata.distributions()}
    found = [f"{package} {versions[package]}" for package in PACKAGES if package in versions]
    memory = psutil.virtual_memory().total / 2**30
    parts = (
        time.strftime("%Y-%m-%d"),
        f"{names[0] if names else platform.machine()}, {cores()} cores ({' '.join(can)}), {memory:.0f} GB",
        f"Python {platform.python_version()}",
        *found,
        f"load before {os.getloadavg()[0]:.1f}",
    )
    return ", ".join(parts)


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Run:
    """One `python -m core compare`."""

    seconds: float  # of the whole process
    result: dict[str, Any]  # result.json
    directory: Path  # the experiment's

    @property
    def experiment(self):
        """As `core.plan.experiment.Experiment`."""
        from core.plan.experiment import Experiment

        return Experiment.model_validate(json.loads((self.directory / "experiment.json").read_text(encoding="utf-8")))

    def facts(self, arm: str = "transfer") -> dict[str, Any]:
        """What the arm's process noted."""
        return json.loads((self.directory / arm / "arm.json").read_text(encoding="utf-8"))


def compare(
    zip_path: Path,
    home: Path,
    *options: str,
    look: Callable[[int], None] | None = None,
    every: float = 0.01,
    root: Path = ROOT,
) -> Run:
    """Run the command line on a zip in a home folder, which need not be there; see `timed` for the rest."""
    with tempfile.TemporaryDirectory() as out:
        command = ["-m", "core", "compare", str(zip_path.resolve()), "--out", out, *options]
        seconds, said = timed(command, {"HEADSTART_HOME": str(home)}, look=look, every=every, root=root)
        result = json.loads((Path(out) / "result.json").read_text(encoding="utf-8"))
    return Run(seconds, result, home / "experiments" / said.rpartition("experiment=")[2].strip())


def guide(zip_path: Path, weights: Path, *options: str) -> dict[str, Any]:
    """What `guide.py` prints, with the seconds of the whole process."""
    command = ["benchmarks/guide.py", str(zip_path.resolve()), "--weights", str(weights.resolve()), *options]
    seconds, said = timed(command)
    return json.loads(said.splitlines()[-1]) | {"seconds": seconds}


def timed(
    command: Sequence[str],
    environment: dict[str, str] | None = None,
    *,
    look: Callable[[int], None] | None = None,
    every: float = 0.01,
    root: Path = ROOT,
) -> tuple[float, str]:
    """Seconds of a whole Python process in the checkout `root`, and what it printed.

    Meanwhile `look` is called with its pid, every so many seconds.
    """
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complaints:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *command], cwd=root, env=os.environ | (environment or {}), stdout=said, stderr=complaints
        )
        while look and process.poll() is None:
            look(process.pid)
            time.sleep(every)
        process.wait()
        seconds = time.perf_counter() - begun
        for file in (said, complaints):
            file.seek(0)
        if process.returncode:
            raise SystemExit(f"python {' '.join(command)} failed: {complaints.read()[-2000:]}")
        return seconds, said.read()


def wait_until(is_so: Callable[[], object], what: str, *, seconds: float = READY_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"Expected within {seconds:g} seconds: {what}.")
        time.sleep(0.05)


@contextmanager
def app(home: Path):
    """Meanwhile a consumer and its standby are at work for `home`, as they are while the app's server lives."""
    stand_in = "from core.queue import presence; presence.ensure_consumer(); input()"
    environment = os.environ | {"HEADSTART_HOME": str(home), "HEADSTART_IDLE_SECONDS": "1"}
    server = subprocess.Popen([sys.executable, "-c", stand_in], cwd=ROOT, env=environment, stdin=subprocess.PIPE)
    try:
        wait_for_standby(home)
        consumer = json.loads((home / "consumer.json").read_text(encoding="utf-8"))["pid"]
        yield
    finally:
        server.communicate(b"\n")
    wait_until(lambda: not psutil.pid_exists(consumer), "the end of the consumer")


def wait_for_standby(home: Path) -> None:
    """Until one has imported everything, and has come to rest after what it converts beforehand."""
    note = home / "standby.json"
    wait_until(note.exists, "a standby that is ready (the setting HEADSTART_STANDBY, or memory?)")
    standby = psutil.Process(json.loads(note.read_text(encoding="utf-8"))["pid"])
    wait_until(lambda: standby.cpu_percent(REST_SECONDS) < REST_PERCENT, "a standby at rest")


def zip_of(source: Path, n_pictures: int, target: Path) -> Path:
    """A zip of so many pictures of another that has a folder for each class, drawn at random, all encoded anew.

    Where there are too few, all of them come again a little brighter, and so on.
    """
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as made:
        names = [name for name in archive.namelist() if PurePosixPath(name).suffix.lower() in SUFFIXES]
        random.Random(1).shuffle(names)
        for number in range(n_pictures):
            name, brighter = PurePosixPath(names[number % len(names)]), number // len(names)
            with Image.open(archive.open(str(name))) as image:
                changed = image.convert("RGB").point([min(255, value + brighter) for value in range(256)] * 3)
            encoded = io.BytesIO()
            changed.save(encoded, "JPEG", quality=92)
            made.writestr(f"{name.parent.name}/{number:06d}.jpg", encoded.getvalue())
    return target


def use_home(home: Path) -> None:
    """Let `core`, imported into this process, keep its files there."""
    from core.settings import settings

    os.environ["HEADSTART_HOME"] = str(home)
    settings.cache_clear()


def stored(zip_path: Path):
    """All pictures of a zip, ingested into this process's home, as `core.network.batches.Pictures`."""
    import numpy as np

    from core.data import ingest
    from core.network.batches import Pictures

    data = ingest.ingest(ingest.create(zip_path, zip_path.name))
    names, labels = data.pictures["picture"], data.pictures["label"].map(data.classes.index)
    return Pictures(names.tolist(), [data.path(name) for name in names], labels.to_numpy(np.int64))


def frozen(base_name: str, n_blocks: int | None = None):
    """The first blocks of a base (without a number all, and the pooling) as `core.network.features.Frozen`.

    Where this host has no weights they are random: that is as quick.
    """
    from core.network import features, loading, model
    from core.plan import bases, weights
    from core.plan.arm import Head

    row = bases.base(base_name)
    n_blocks = len(row.blocks) if n_blocks is None else n_blocks
    network = model.build(base_name, Head(), image_size=row.image_size, n_classes=6, frozen_blocks=n_blocks)
    path = weights.find(row)
    if path:
        loading.load_base_weights(network, path)
    prefix, _ = model.cut(network.model, network.frontier)
    digest = weights.sha256(path) if path else "random"
    return features.Frozen(prefix, base_name, digest, network.frontier_words)


def never() -> bool:
    """Whether a computation shall stop."""
    return False
