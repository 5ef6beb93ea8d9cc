"""Memory of an arm against what `plan.estimate` says: `python benchmarks/memory.py ZIP [--bases …] [--weights FOLDER]`

For each base both arms of an experiment with all defaults but two epochs, each in a process of its own, and from
scratch with half the batch too. Transfer needs the base's weights, from `FOLDER` or bundled.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

import measure

from core.data import ingest
from core.disk.home import experiment_directory
from core.plan.experiments import create_experiment


def peak_bytes(directory: Path, arm: str) -> int:
    measure.timed(["-m", "core.tasks.train", str(directory), arm], dict(os.environ))
    return int(json.loads((directory / arm / "arm.json").read_text(encoding="utf-8"))["peak_memory_bytes"])


def main() -> None:
    from core.data import split
    from core.plan import bases, defaults, estimate, weights

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zip", type=Path)
    parser.add_argument("--bases", nargs="+", default=list(bases.BASES))
    parser.add_argument("--weights", type=Path, help="a folder with weight files as Keras publishes them")
    chosen = parser.parse_args()
    if chosen.weights:
        os.environ["HEADSTART_WEIGHTS"] = str(chosen.weights.resolve())
    print(measure.machine())
    print(
        "\n| base | arm | batch | picture, px | estimated, MB | found, MB | estimated / found |"
        "\n|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as home:
        measure.use_home(Path(home))
        data = ingest.ingest(ingest.create(chosen.zip, chosen.zip.name))
        parts = split.split(data)
        counts = {f"n_{part}": int(number) for part, number in parts.counts().sum().items()}
        for name in chosen.bases:
            for half in (1, 2):
                usual = defaults.experiment(data.id, base=name, n_train=counts["n_train"])
                transfer, scratch = (arm.with_training(epochs=2) for arm in usual.arms)
                smaller = scratch.with_training(batch_size=scratch.training.batch_size // half)
                one = usual.with_arm(transfer).with_arm(smaller)
                directory = experiment_directory(create_experiment(one, parts.frame))
                for arm in one.arms:
                    said = estimate.estimate(one, **counts)[arm.name]
                    if not arm.is_scratch and (half > 1 or weights.find(bases.base(name)) is None):
                        continue
                    found = peak_bytes(directory, arm.name)
                    cells = (name, arm.name, arm.training.batch_size, arm.image_size)
                    sizes = (said.memory_bytes / 1e6, found / 1e6, said.memory_bytes / found)
                    print(
                        "| " + " | ".join(map(str, cells)) + " | {:,.0f} | {:,.0f} | {:.2f} |".format(*sizes),
                        flush=True,
                    )
                (Path(home) / "rates.jsonl").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
