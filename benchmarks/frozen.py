"""How well the frozen part uses this processor: `python benchmarks/frozen.py ZIP [--base MobileNet] [--frozen N]`

First computing alone, on pictures in memory, through `engine.OpenVino` and through OpenVINO's own benchmark_app: the
same file, precision and hint, in turns. Then decoding alone and computing alone, each on all cores, against both
together as a run does it (`core.network.features.compute` with nothing in the cache), and how long each core was idle
meanwhile. Opening the engine, from a network that was converted before, counts in computing alone and in both together.
Last, the rate in float32, and how far the outputs of a run are from those.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import measure
import numpy as np
import psutil

from core.data.pictures import picture
from core.disk.home import cache_directory
from core.network import engine, features
from core.network.batches import Pictures

IN_MEMORY = 256  # pictures, which come again and again


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zip", type=Path)
    parser.add_argument("--base", default="MobileNet")
    parser.add_argument("--frozen", type=int, help="blocks; by default all")
    parser.add_argument("--pictures", type=int, default=2048, help="in memory, for each round")
    parser.add_argument("--seconds", type=int, default=5, help="of each round of benchmark_app")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    print(measure.machine(), flush=True)
    with tempfile.TemporaryDirectory() as home:
        measure.use_home(Path(home))
        if not engine.is_openvino():
            raise SystemExit("Expected a host whose frozen part OpenVINO computes; this one's is Keras's.")
        frozen, precision = measure.frozen(chosen.base, chosen.frozen), engine.fast_precision()
        print(f"{chosen.base}, {frozen.frontier}, {engine.label(precision)}")
        print(f"converted and opened in {clocked(lambda: ready(frozen, precision))[0]:.2f} s")
        against_the_tool(frozen, precision, chosen)
        pictures = measure.stored(chosen.zip)
        together(frozen, precision, pictures, chosen.rounds)
        if precision != "float32":
            pixels = islice(cycle(random_pictures(frozen.size)), chosen.pictures)
            seconds = computed(ready(frozen, "float32"), frozen.shape, pixels)
            print(f"float32: {chosen.pictures / seconds:.1f} pictures a second")
            print(f"outputs in {precision} are off by {error(frozen, precision, pictures):.2%} of their length")


def against_the_tool(frozen: features.Frozen, precision: str, chosen: argparse.Namespace) -> None:
    opened, pixels = ready(frozen, precision), random_pictures(frozen.size)
    path = next(cache_directory().glob("*/model.xml"))
    rounds = []
    for _ in range(chosen.rounds):
        seconds = computed(opened, frozen.shape, islice(cycle(pixels), chosen.pictures))
        rounds.append((chosen.pictures / seconds, tool(path, precision, chosen.seconds)))
        print(
            f"  engine {rounds[-1][0]:.1f}, benchmark_app {rounds[-1][1]:.1f} pictures a second",
            flush=True,
        )
    ours, theirs = np.median(rounds, axis=0)
    share = np.median([mine / its for mine, its in rounds])
    print(f"engine {ours:.1f}, benchmark_app {theirs:.1f} pictures a second: {share:.1%} (claim: at least 85 %)")


def ready(frozen: features.Frozen, precision: str) -> engine.Engine:
    return frozen.open(frozen.choose(precision))


def random_pictures(size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (IN_MEMORY, size, size, 3), dtype=np.uint8)


def computed(opened: engine.Engine, shape: tuple[int, ...], pixels: Iterator[np.ndarray]) -> float:
    outputs = np.empty(shape, np.float32)

    def write(_: int, values: np.ndarray) -> None:
        outputs[...] = values

    begun = time.perf_counter()
    opened.run(pixels, write)
    return time.perf_counter() - begun


def tool(path: Path, precision: str, seconds: int) -> float:
    """Pictures a second that benchmark_app says."""
    hint = {"bfloat16": "bf16", "float32": "f32"}[precision]
    program = str(Path(sys.executable).with_name("benchmark_app"))
    options = ["-d", "CPU", "-hint", "throughput", "-infer_precision", hint, "-t", str(seconds)]
    command = [program, "-m", str(path), *options]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Throughput:\s+([\d.]+) FPS", said)
    if not found:
        raise SystemExit(f"Expected benchmark_app to tell a throughput. It said: {said[-1000:]}")
    return float(found.group(1))


def error(frozen: features.Frozen, precision: str, pictures: Pictures) -> float:
    """Of all outputs together, against those in float32."""
    views = features.views_of(pictures, 1)
    quick, exact = (
        values[places].astype(np.float32)
        for values, places in (
            features.compute(frozen, views, precision=each, stopped=measure.never) for each in (precision, "float32")
        )
    )
    return float(np.linalg.norm(quick - exact) / np.linalg.norm(exact))


def together(frozen: features.Frozen, precision: str, pictures: Pictures, rounds: int) -> None:
    views = features.views_of(pictures, 1)
    pixels = random_pictures(frozen.size)

    def decode() -> None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(lambda path: picture.load(path, frozen.size), pictures.paths):
                pass

    def compute() -> None:
        computed(ready(frozen, precision), frozen.shape, islice(cycle(pixels), len(pictures)))

    def both() -> None:
        features.compute(frozen, views, precision=precision, stopped=measure.never)

    rows = []
    for _ in range(rounds):
        for path in cache_directory().glob("*/rows.bin"):  # the network that was converted stays
            shutil.rmtree(path.parent)
        alone = [clocked(each)[0] for each in (decode, compute, lambda: ready(frozen, precision))]
        seconds, idle = clocked(both)
        rows.append((*alone, seconds, seconds / sum(alone[:2]), idle))
        print("  " + line(rows[-1]), flush=True)
    print(f"{len(pictures)} pictures: {line(np.median(rows, axis=0))} (claims: at most 1.10, at most 10 %)")


def clocked(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and the largest share of them for which one of this process's cores was idle."""
    before, begun = core_times(), time.perf_counter()
    work()
    seconds = time.perf_counter() - begun
    passed = core_times() - before
    return seconds, float((passed[:, 0] / passed.sum(axis=1)).max())


def core_times() -> np.ndarray:
    """Seconds (idle, busy) of each core that this process may use."""
    times = psutil.cpu_times(percpu=True)
    mine = psutil.Process().cpu_affinity() if hasattr(psutil.Process, "cpu_affinity") else range(len(times))
    idle = {number: times[number].idle + getattr(times[number], "iowait", 0.0) for number in mine}
    return np.array([(idle[number], sum(times[number][:8]) - idle[number]) for number in mine])


def line(row: Iterable[float]) -> str:
    decode, compute, opening, seconds, ratio, idle = row
    return (
        f"decode {decode:.2f} s, compute {compute:.2f} s ({opening:.2f} s of it opening), together {seconds:.2f} s: "
        f"{ratio:.2f} of their sum, a core idle {idle:.1%} at most"
    )


if __name__ == "__main__":
    main()
