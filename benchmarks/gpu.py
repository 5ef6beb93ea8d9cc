"""What this host's device makes of both arms: `KERAS_BACKEND=jax python benchmarks/gpu.py --json gpu.json`

On any backend of Keras, in one run of at most so many minutes. First a whole comparison of the sample, as a user makes
it. Then, on pictures of noise in memory, pictures a second of

- the frozen part through `engine.Keras`, which a run sends each picture through once, against a plain `fit` with a
  frozen base inside the model, which does so in every epoch;
- the from-scratch arm as `core.training.fit` trains it, under the policy that `prepare_device` chooses, fed from
  an array and by `core.network.batches` with augmentation, against a plain `fit` of the same model in float32.

And what share of the device that is: operations of the network's layers (three times as many for a training step as
for an answer) over what the device does in a large product of matrices in bfloat16, measured here.

A section that fails is named at the end and costs no other. What was measured is in the JSON file after each section,
and is printed as the rows of docs/performance.md, also when the time is over. `--quick` only shows that all of it runs.
"""

import argparse
import contextlib
import json
import math
import os
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import keras
import measure
import numpy as np
import psutil

from core import host
from core.data.pictures.augmentation import Augmentation
from core.network import backend, engine, kernels, model
from core.network.batches import Batches, Rows
from core.plan import bases
from core.plan.arm import Head, Training
from core.settings import SAMPLE

CLASSES = 6
CHAIN = 16  # products, one after the other
COMPARISON_SHARE = 0.5  # of the time, at most; it runs first
ARMS = {"transfer": "Transfer", "scratch": "From scratch"}
OVER = 1  # exit code when the time was


@dataclass(frozen=True)
class Speed:
    """A row of the table; a rate that was not reached stays out."""

    what: str
    batch: int
    pictures_per_second: float
    giga_operations: float
    times_plain: float | None


@dataclass
class Found:
    """All that was measured so far, kept in a file."""

    path: Path | None
    machine: str
    facts: dict[str, object] = field(default_factory=dict)
    speeds: list[Speed] = field(default_factory=list)
    comparison: dict[str, object] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, what: str, batch: int, rate: float, work: float, plain: float | None) -> float:
        """One rate, said at once, and given back."""
        self.speeds.append(Speed(what, batch, rate, work, rate / plain if plain else None))
        print(f"{what}, batch {batch}: {rate:,.1f} pictures a second", flush=True)
        self.write()
        return rate

    def write(self) -> None:
        if self.path:
            values = {name: value for name, value in asdict(self).items() if name != "path"}
            partial = self.path.with_suffix(".partial")
            partial.write_text(json.dumps(values, indent=1), encoding="utf-8")
            partial.replace(self.path)

    @contextlib.contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Go on after it, whatever happens in it."""
        begun = time.perf_counter()
        try:
            yield
        except (Exception, SystemExit) as error:  # the latter from `measure.timed`
            traceback.print_exc()
            self.failures[name] = " ".join(f"{type(error).__name__}: {error}".split())[-500:]
        print(f"-- {name}: {time.perf_counter() - begun:.1f} s", flush=True)
        self.write()


def main() -> None:
    chosen = arguments()
    found = Found(chosen.json, measure.machine())
    print(found.machine, flush=True)
    found.write()
    deadline = time.monotonic() + 60 * chosen.minutes
    end_at(deadline, found)
    if not chosen.no_comparison:
        with found.section("comparison of the sample"):  # before this process takes anything of the card
            found.comparison = comparison(chosen, time.monotonic() + 60 * chosen.minutes * COMPARISON_SHARE)
    with found.section("device"):
        own = backend.prepare_device()
        chosen.policy = chosen.policy or keras.config.dtype_policy().name
        found.facts = {"device": own.label, "engine": own.engine, "policy": chosen.policy, "base": chosen.base}
        found.facts |= {"backend": keras.backend.backend(), "pixels": chosen.size, "pictures": chosen.pictures}
    with found.section("product of matrices"):
        found.facts["matrix_operations_per_second"] = matrix_rate(chosen.matrix, chosen.rounds)
    data = pictures(chosen.pictures, chosen.size)
    transfer(chosen, data, found)
    scratch(chosen, data, found)
    say(found)


def arguments() -> argparse.Namespace:
    has_gpu = host.device().has_gpu
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8.0, help="for all of it, then it ends with what there is")
    parser.add_argument("--json", type=Path, help="file for all that is measured")
    parser.add_argument("--quick", action="store_true", help="small pictures, few of them, few epochs: no figures")
    parser.add_argument("--no-comparison", action="store_true", help="only the rates")
    parser.add_argument("--base", default="MobileNet")
    parser.add_argument("--size", type=int, help="of the pictures; by default the base's own")
    parser.add_argument("--pictures", type=int, default=4096 if has_gpu else 64)
    parser.add_argument("--batches", type=int, nargs="+", default=[128, 16] if has_gpu else [16])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--matrix", type=int, default=8192 if has_gpu else 512, help="rows of the large product")
    parser.add_argument("--policy", help="instead of the one that prepare_device chooses")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.size, chosen.pictures, chosen.rounds, chosen.matrix = chosen.size or 64, 32, 1, 256
        chosen.batches = chosen.batches[-1:]
    chosen.size = chosen.size or bases.base(chosen.base).image_size
    return chosen


def end_at(deadline: float, found: Found) -> None:
    """End the process then, wherever it is: what is compiled or trained at the moment cannot be asked to stop."""

    def end() -> None:
        found.failures["time"] = "It was over before all was measured."
        found.write()
        say(found)
        os._exit(OVER)

    timer = threading.Timer(deadline - time.monotonic(), end)
    timer.daemon = True
    timer.start()


def comparison(chosen: argparse.Namespace, deadline: float) -> dict[str, object]:
    """The command line on the sample in an empty home: seconds of the whole process, and of each arm's parts."""

    def look(pid: int) -> None:
        if time.monotonic() > deadline:
            psutil.Process(pid).kill()  # its arms see that, and end

    few = ("--epochs", "1", "--baseline-epochs", "1") if chosen.quick else ()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        run = measure.compare(SAMPLE, Path(home), "--base", chosen.base, *few, look=look, every=0.2)
        facts = {arm: run.facts(arm) for arm in run.result["arms"]}
    arms = {
        arm: scores
        | {name: facts[arm].get(name) for name in ("device", "engine", "image_size", "peak_memory_bytes", "versions")}
        for arm, scores in run.result["arms"].items()
    }
    return {"seconds": run.seconds, "arms": arms, "difference": run.result["difference"]}


def pictures(number: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, size, size, 3), uint8, and labels (n,)."""
    source = np.random.default_rng(0)
    return source.integers(0, 256, (number, size, size, 3), dtype=np.uint8), source.integers(0, CLASSES, number)


def built(chosen: argparse.Namespace, policy: str) -> model.Network:
    keras.config.set_dtype_policy(policy)
    return model.build(chosen.base, Head(), image_size=chosen.size, n_classes=CLASSES)


def transfer(chosen: argparse.Namespace, data: tuple[np.ndarray, np.ndarray], found: Found) -> None:
    rates = []
    for batch in chosen.batches:
        with found.section(f"plain fit with a frozen base, batch {batch}"):
            network = built(chosen, "float32")
            network.train_head()
            rate = plain_fit(network.model, data, batch, chosen.rounds)
            work = giga_operations(network.model)
            rates.append(found.add("plain fit, frozen base, in each epoch", batch, rate, work, rate))
    with found.section("frozen part"):
        network = built(chosen, chosen.policy)
        all_frozen = replace(network, frozen_blocks=len(network.row.blocks))
        prefix, _ = model.cut(network.model, all_frozen.frontier)
        rate = once_rate(engine.Keras(prefix), data[0], chosen.rounds)
        large = engine.GPU_BATCH if host.device().has_gpu else engine.BATCH
        plain = max(rates, default=None)
        found.add("frozen part, once a picture", large, rate, giga_operations(prefix), plain)


def scratch(chosen: argparse.Namespace, data: tuple[np.ndarray, np.ndarray], found: Found) -> None:
    for batch in chosen.batches:
        plain: float | None = None
        with found.section(f"plain fit from scratch, batch {batch}"):
            network = built(chosen, "float32")
            network.train_unfrozen()
            work, rate = 3 * giga_operations(network.model), plain_fit(network.model, data, batch, chosen.rounds)
            plain = found.add("from scratch, plain fit", batch, rate, work, rate)
        with found.section(f"Headstart's step, batch {batch}"):
            own_step(chosen, data, batch, plain, found)


def own_step(
    chosen: argparse.Namespace, data: tuple[np.ndarray, np.ndarray], batch: int, plain: float | None, found: Found
) -> None:
    own = built(chosen, chosen.policy)
    own.train_unfrozen()
    work, trained = 3 * giga_operations(own.model), kernels.for_training(own.model)
    model.compile_for(trained, Training(batch_size=batch), steps=1000)
    rate = epoch_rate(trained, data, len(data[0]), batch=batch, rounds=chosen.rounds)
    found.add("from scratch, Headstart's step", batch, rate, work, plain)
    places = np.arange(len(data[0]))[:, None]
    batches = Batches(Rows(data[0], places, data[1], Augmentation()), batch_size=batch, seed=1)
    fed = epoch_rate(trained, (batches,), len(data[0]), rounds=chosen.rounds)
    found.add("from scratch, with the augmented batches of a run", batch, fed, work, plain)


def once_rate(by_keras: engine.Keras, pixels: np.ndarray, rounds: int) -> float:
    """Pictures a second through the frozen part: the median round after the first, which compiles."""
    rates = []
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        by_keras.run(pixels, lambda *_: None)
        rates.append(len(pixels) / (time.perf_counter() - begun))
    return float(np.median(rates[1:]))


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


# ---- what it says ---------------------------------------------------------------------------------------------------


def say(found: Found) -> None:
    """All of it as the text and the rows of docs/performance.md."""
    print(f"\n{found.machine}")
    print(", ".join(f"{name} {value}" for name, value in found.facts.items()))
    for table in (list(speeds(found)), list(seconds(found))):
        print(*(["", *table] if table else []), sep="\n")
    for name, reason in found.failures.items():
        print(f"\nNot measured: {name}. {reason}")
    print(end="", flush=True)


def speeds(found: Found) -> Iterator[str]:
    rate = found.facts.get("matrix_operations_per_second")
    yield "| | batch | pictures a second | times the plain fit | share of the card |"
    yield "|---|---|---|---|---|"
    for row in found.speeds:
        share = f"{row.pictures_per_second * row.giga_operations * 1e9 / rate:.1%}" if isinstance(rate, float) else "–"
        times = "–" if row.times_plain is None else f"{row.times_plain:.3g}"
        yield f"| {row.what} | {row.batch} | {row.pictures_per_second:,.0f} | {times} | {share.replace('%', ' %')} |"


def seconds(found: Found) -> Iterator[str]:
    if not found.comparison:
        return
    yield f"Comparison of the sample, {found.comparison['seconds']:.0f} s in all:"
    yield ""
    yield "| arm | engine | features, s | fit, s | score, s | in all, s | epochs | accuracy |"
    yield "|---|---|---|---|---|---|---|---|"
    arms = found.comparison["arms"]
    assert isinstance(arms, dict)
    for arm, one in arms.items():
        spent = one["seconds"]
        parts = " | ".join(f"{spent[name]:.1f}" for name in ("features", "train", "evaluate", "total"))
        yield f"| {ARMS[arm]} | {one['engine']} | {parts} | {one['epochs']} | {one['accuracy']:.3f} |"


if __name__ == "__main__":
    main()
