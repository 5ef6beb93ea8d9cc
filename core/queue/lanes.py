"""The lanes of this host: how many jobs of each run at a time, and what these have in their environment."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue

from core import host
from core.queue.kinds import Lane
from core.settings import settings

Environment = Mapping[str, str]

# Short jobs leave the GPUs' memory to those who train; JAX fails where it finds no GPU, unless it is told of none.
NO_GPU = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}


def of_this_host() -> dict[Lane, list[Environment]]:
    """The places of each lane."""
    return {
        Lane.EXPERIMENTS: [*slots()],
        Lane.SHORT: [NO_GPU] * settings().short_workers,
        Lane.SAMPLE: [NO_GPU],
    }


def slots() -> list[dict[str, str]]:
    """What each experiment at a time has in its environment: one GPU of its own, or on a CPU one slot of no kind."""
    if not host.device().has_gpu:
        return [{}]
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = chosen.split(",") if chosen else [str(number) for number in range(_count_gpus())]
    return [{"CUDA_VISIBLE_DEVICES": gpu.strip()} for gpu in gpus]


def _count_gpus() -> int:
    """How many the driver lists; at least the one that was found."""
    command = [shutil.which("nvidia-smi") or "nvidia-smi", "-L"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=host.SECONDS, check=False).stdout
    return max(1, len(re.findall(r"^GPU \d+:", answer, re.MULTILINE)))


class Lanes:
    """Places, each free or taken. Several threads may ask for them."""

    def __init__(self, places: Mapping[Lane, Sequence[Environment]]) -> None:
        """All are free."""
        self._free: dict[Lane, SimpleQueue[Environment]] = {lane: SimpleQueue() for lane in Lane}
        for lane, environments in places.items():
            for environment in environments:
                self._free[lane].put(environment)

    def take(self, lane: Lane) -> Environment | None:
        """A place, by what a job has there in its environment; None while all are taken."""
        with suppress(Empty):
            return self._free[lane].get_nowait()
        return None

    def give_back(self, lane: Lane, environment: Environment) -> None:
        """Free a place."""
        self._free[lane].put(environment)

    def has_place(self, lane: Lane) -> bool:
        """Whether a further job would begin at once."""
        return not self._free[lane].empty()
