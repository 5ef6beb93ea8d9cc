"""How both arms do over several seeds: `python benchmarks/seeds.py ZIP [--seeds 1 2 3] [options of compare]`

Each seed is another split and another beginning, run by the command line in a home folder that is removed afterwards.
Prints a line a seed (accuracies, verdict, seconds) and the means.
"""

import argparse
import tempfile
from pathlib import Path

import measure
import pandas as pd


def run(zip_path: Path, seed: int, options: list[str], home: Path) -> dict[str, object]:
    """One comparison, as a row of the table."""
    result = measure.compare(zip_path, home, "--seed", str(seed), *options).result
    row: dict[str, object] = {"seed": seed}
    for name, arm in result["arms"].items():
        if arm:
            row |= {name: arm["accuracy"], f"{name} epochs": arm["epochs"], f"{name} seconds": arm["seconds"]["total"]}
    return row | {"verdict": (result["difference"] or {}).get("verdict", "")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zip", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    chosen, options = parser.parse_known_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in chosen.seeds:
            rows.append(run(chosen.zip, seed, options, Path(folder)))
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3g}"))
    print("mean", table.mean(numeric_only=True).drop("seed").round(3).to_dict())
    print(table["verdict"].value_counts().to_dict())


if __name__ == "__main__":
    main()
