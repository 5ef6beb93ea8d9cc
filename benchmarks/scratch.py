"""How fast a base trains from scratch on a processor: `python -m benchmarks.scratch [BASE] [SIZE] [--batch 16]`

Side by side in one process, on pictures in memory: the model as Keras has it, and what `network.kernels` makes of it,
in float32 and with convolutions in bfloat16. For each the seconds until the first step is done (building its graph)
and the pictures a second after it: the median of the rounds, in which all take turns, and the best of them.
"""

import argparse
import time

import keras
import measure
import numpy as np

from core.network import backend, kernels, model
from core.plan.arm import Head, Training

STEPS = 3  # of each model in a round


def before(network: model.Network) -> keras.Model:
    """As `compile` and `fit` alone would do it."""
    network.model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network.model


def after(network: model.Network, *, in_bfloat16: bool) -> keras.Model:
    """As this project does it."""
    kernels.has_bfloat16 = lambda: in_bfloat16  # type: ignore[assignment] # (to show both on one host)
    twin = kernels.for_training(network.model)
    model.compile_for(twin, Training(), steps=1000)
    return twin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", nargs="?", default="MobileNet")
    parser.add_argument("size", nargs="?", type=int, default=128)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (chosen.batch, chosen.size, chosen.size, 3), dtype=np.uint8)
    labels = random.integers(0, 6, chosen.batch)
    print(f"{measure.machine()}; {backend.prepare_device().engine}, bfloat16: {kernels.has_bfloat16()}")
    ways = {
        "as Keras has it": before,
        "one kernel for BatchNorm": lambda network: after(network, in_bfloat16=False),
        "and convolutions in bfloat16": lambda network: after(network, in_bfloat16=True),
    }
    fitted, first = {}, {}
    for way, prepare in ways.items():
        network = model.build(chosen.base, Head(), image_size=chosen.size, n_classes=6)
        network.train_unfrozen()
        fitted[way] = prepare(network)
        first[way] = seconds(fitted[way], pixels, labels, steps=1)
    rounds = [
        {way: seconds(each, pixels, labels, steps=STEPS) / STEPS for way, each in fitted.items()}
        for _ in range(chosen.rounds)
    ]
    for way in ways:
        steps = [each[way] for each in rounds]
        rate, best = chosen.batch / np.median(steps), chosen.batch / min(steps)
        ratio = np.median([each["as Keras has it"] / each[way] for each in rounds])
        print(
            f"{way:30s} first step {first[way]:5.1f} s, then {rate:6.1f} a second (best {best:6.1f}), {ratio:.2f} times"
        )


def seconds(fitted: keras.Model, pixels: np.ndarray, labels: np.ndarray, *, steps: int) -> float:
    begun = time.perf_counter()
    for _ in range(steps):
        fitted.train_on_batch(pixels, labels)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
