"""What this host's device makes of both arms: `KERAS_BACKEND=jax python benchmarks/gpu.py [--base MobileNet]`

On any backend of Keras, on pictures of noise in memory. Pictures a second of

- the frozen part through `core.engine.Keras`, which a run sends each picture through once, against a plain `fit` with a
  frozen base inside the model, which does so in every epoch;
- the from-scratch arm as `core.fit` trains it, under the policy that `prepare_device` chooses, fed from
  an array and by `core.batches` with augmentation, against a plain `fit` of the same model in float32.

And what share of the device that is: operations of the network's layers (three times as many for a training step as
for an answer) over what the device does in a large product of matrices in bfloat16, measured here.
"""

import argparse
import math
import time

import keras
import measure
import numpy as np
import pandas as pd

from core import bases, device, engine, kernels, model
from core.batches import Batches, Rows
from core.experiment import Augmentation, Head, Training

CLASSES = 6
CHAIN = 16  # products, one after the other


def main() -> None:
    has_gpu = device.find().has_gpu
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="MobileNet")
    parser.add_argument("--size", type=int, help="of the pictures; by default the base's own")
    parser.add_argument("--pictures", type=int, default=4096 if has_gpu else 64)
    parser.add_argument("--batches", type=int, nargs="+", default=[16, 128] if has_gpu else [16])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--matrix", type=int, default=8192 if has_gpu else 512, help="rows of the large product")
    parser.add_argument("--policy", help="instead of the one that prepare_device chooses")
    chosen = parser.parse_args()
    chosen.size = chosen.size or bases.base(chosen.base).image_size
    print(measure.machine())
    own = model.prepare_device()
    policy = chosen.policy or keras.config.dtype_policy().name
    matrix = matrix_rate(chosen.matrix, chosen.rounds)
    print(f"{own.label}, {own.engine}; here: {policy}; bfloat16 matrices: {matrix / 1e12:.2f} TFLOP/s", flush=True)
    data = pictures(chosen.pictures, chosen.size)
    lines = [*transfer(chosen, policy, data), *scratch(chosen, policy, data)]
    table = pd.DataFrame(lines, columns=["what", "batch", "pictures/s", "GFLOP", "times the plain fit"])
    table["share"] = table["pictures/s"] * table["GFLOP"] * 1e9 / matrix
    print(table.to_string(index=False, float_format="{:.3f}".format))


def pictures(number: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, size, size, 3), uint8, and labels (n,)."""
    source = np.random.default_rng(0)
    return source.integers(0, 256, (number, size, size, 3), dtype=np.uint8), source.integers(0, CLASSES, number)


def built(chosen: argparse.Namespace, policy: str) -> model.Network:
    keras.config.set_dtype_policy(policy)
    return model.build(chosen.base, Head(), image_size=chosen.size, n_classes=CLASSES)


def transfer(chosen: argparse.Namespace, policy: str, data: tuple[np.ndarray, np.ndarray]) -> list[tuple]:
    found = []
    for batch in chosen.batches:
        network = built(chosen, "float32")
        network.train_head()
        rate = plain_fit(network.model, data, batch, chosen.rounds)
        found.append(("plain fit, frozen base, each epoch", batch, rate, giga_operations(network.model), 1.0))
        print(found[-1], flush=True)
    network = built(chosen, policy)
    prefix, _ = model.cut(network.model, network.frontier(len(network.row.blocks)))
    by_keras, best = engine.Keras(prefix), max(line[2] for line in found)
    by_keras.run(data[0], lambda *_: None)
    rates = []
    for _ in range(chosen.rounds):
        begun = time.perf_counter()
        by_keras.run(data[0], lambda *_: None)
        rates.append(len(data[0]) / (time.perf_counter() - begun))
    rate, large = float(np.median(rates)), engine.GPU_BATCH if device.find().has_gpu else engine.BATCH
    return [*found, ("frozen part, once a picture", large, rate, giga_operations(prefix), rate / best)]


def scratch(chosen: argparse.Namespace, policy: str, data: tuple[np.ndarray, np.ndarray]) -> list[tuple]:
    found = []
    for batch in chosen.batches:
        network = built(chosen, "float32")
        network.train_all()
        work = 3 * giga_operations(network.model)
        plain = plain_fit(network.model, data, batch, chosen.rounds)
        own = built(chosen, policy)
        own.train_all()
        trained = kernels.for_training(own.model)
        model.compile_for(trained, Training(batch_size=batch), steps=1000)
        array = epoch_rate(trained, data, len(data[0]), batch=batch, rounds=chosen.rounds)
        places = np.arange(len(data[0]))[:, None]
        batches = Batches(Rows(data[0], places, data[1], Augmentation()), batch_size=batch, seed=1)
        fed = epoch_rate(trained, (batches,), len(data[0]), rounds=chosen.rounds)
        for what, rate in (("plain fit", plain), ("Headstart's step", array), ("with core.batches", fed)):
            found.append((f"from scratch, {what}", batch, rate, work, rate / plain))
            print(found[-1], flush=True)
    return found


def plain_fit(network: keras.Model, data: tuple, batch: int, rounds: int) -> float:
    network.compile("adam", "sparse_categorical_crossentropy")
    return epoch_rate(network, data, len(data[0]), batch=batch, rounds=rounds)


def epoch_rate(network: keras.Model, inputs: tuple, number: int, *, batch: int | None = None, rounds: int) -> float:
    """Pictures a second of `fit`: the median epoch after the first, which compiles."""
    ends = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            del epoch, logs  # by now they are numbers, so the device has done its work
            ends.append(time.perf_counter())

    network.fit(*inputs, batch_size=batch, epochs=rounds + 1, callbacks=[Clock()], verbose=0)
    return number / float(np.median(np.diff(ends)))


def giga_operations(network: keras.Model) -> float:
    """Of one picture's answer: each number of a kernel is multiplied and added at every place of the output."""
    total = 0
    for layer in network.layers:
        places = math.prod(layer.output.shape[1:-1]) if layer.weights else 0
        total += sum(2 * math.prod(weight.shape) * places for weight in layer.weights if len(weight.shape) > 1)
    return total / 1e9


def matrix_rate(rows: int, rounds: int) -> float:
    """Operations a second of square products in bfloat16."""
    ops = keras.ops
    values = np.random.default_rng(0).normal(size=(rows, rows)) / math.sqrt(rows)
    factor = ops.cast(ops.convert_to_tensor(values.astype(np.float32)), "bfloat16")

    def chained() -> None:
        product = factor
        for _ in range(CHAIN):
            product = ops.matmul(factor, product)
        ops.convert_to_numpy(ops.cast(product[0, 0], "float32"))  # waits for the device

    chained()
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        chained()
        seconds.append(time.perf_counter() - begun)
    return 2 * CHAIN * rows**3 / min(seconds)


if __name__ == "__main__":
    main()
