"""Whether batches are ready before the network is: `python benchmarks/pipeline.py ZIP`

The rate of `core.network.batches.Batches` alone, in pictures a second, against the rate of the fit that they feed (its
validation included), taken from two comparisons that are run first: from-scratch arm and head, then the last two blocks
on cached maps. "share" is the part of the fit's time that making batches takes. And the time that `picture.load`
takes for one stored picture, one after the other in one thread.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import measure
import numpy as np
import pandas as pd

from core.data.pictures import picture
from core.data.pictures.augmentation import Augmentation
from core.network import engine, features
from core.network.batches import Batches, Pictures, Rows
from core.plan.arm import SCRATCH_IMAGE_SIZE_ON_CPU

SECONDS = 1.0  # at least, for each measurement


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zip", type=Path)
    parser.add_argument("--epochs", type=int, default=10, help="of the head")
    parser.add_argument("--scratch-epochs", type=int, default=2)
    parser.add_argument("--block-epochs", type=int, default=3, help="of head and blocks")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    print(measure.machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        fits = fit_rates(chosen, home)
        measure.use_home(home)
        pictures = measure.stored(chosen.zip)
        lines = []
        for name, (rows, fit) in sources(pictures).items():
            fit_rate, batch = fits[fit]
            rate = np.median([batches_a_second(rows, batch) for _ in range(chosen.rounds)])
            lines.append({"input": name, "batch": batch, "batches": rate, "fit": fit_rate, "share": fit_rate / rate})
        print(pd.DataFrame(lines).to_string(index=False, float_format="{:.3f}".format))
        for size in (224, SCRATCH_IMAGE_SIZE_ON_CPU):
            milliseconds = np.median([load_milliseconds(pictures, size) for _ in range(chosen.rounds)])
            print(f"picture.load at {size} px: {milliseconds:.2f} ms a stored picture (claim: under 1.5)")


def fit_rates(chosen: argparse.Namespace, home: Path) -> dict[str, tuple[float, int]]:
    """Pictures a second of each kind of fit, and its batch size; what they cache is used again below."""
    scratch, blocks = str(chosen.scratch_epochs), str(chosen.block_epochs)
    both = measure.compare(chosen.zip, home, "--epochs", str(chosen.epochs), "--baseline-epochs", scratch)
    last = measure.compare(chosen.zip, home, "--freeze", "12", "--epochs", blocks, "--baseline", "none")
    kinds = {"head": (both, "transfer"), "from scratch": (both, "scratch"), "last blocks": (last, "transfer")}
    return {
        kind: (run.facts(arm)["fit_rate"], run.experiment.arm(arm).training.batch_size)
        for kind, (run, arm) in kinds.items()
    }


def sources(pictures: Pictures) -> dict[str, tuple[Rows, str]]:
    """What batches are made of, and the fit that sees them."""
    pixels = features.read_pixels(pictures, SCRATCH_IMAGE_SIZE_ON_CPU, progress=lambda *_: None, stopped=measure.never)
    return {
        "pixels": (pixels, "from scratch"),
        "pixels, augmented": (replace(pixels, augmentation=Augmentation()), "from scratch"),
        "cached vectors": (cached(pictures, None), "head"),
        "cached maps": (cached(pictures, 12), "last blocks"),
    }


def cached(pictures: Pictures, frozen_blocks: int | None) -> Rows:
    views, frozen = features.views_of(pictures, 1), measure.frozen("MobileNet", frozen_blocks)
    values, places = features.compute(frozen, views, precision=engine.fast_precision(), stopped=measure.never)
    return Rows(values, places[:, None], pictures.labels)


def batches_a_second(rows: Rows, batch_size: int) -> float:
    """Pictures a second that batches bring, when nobody uses them."""
    batches = Batches(rows, batch_size=batch_size, seed=1)
    done, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < SECONDS:
        done += sum(len(batches[number][1]) for number in range(len(batches)))
        batches.on_epoch_end()
    return done / (time.perf_counter() - begun)


def load_milliseconds(pictures: Pictures, size: int) -> float:
    begun = time.perf_counter()
    for path in pictures.paths:
        picture.load(path, size)
    return 1000 * (time.perf_counter() - begun) / len(pictures)


if __name__ == "__main__":
    main()
