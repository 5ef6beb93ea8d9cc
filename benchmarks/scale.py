"""How time and memory grow with the pictures: `python benchmarks/scale.py ZIP [--sizes 500 1000 …] [--rounds 3]`

Zips of so many pictures are made of ZIP's, a little brighter where they come again. Each is compared from an empty home
(10 epochs, all blocks frozen, no from-scratch arm), in every round all sizes in turn. Prints the median seconds, a
straight line through them by least squares with each residual, and the peak of the anonymous memory that the run's
processes held together, looked at four times a second.

Few pictures get several augmented views each, so the line is also fitted to the rows that the frozen part computes.
"""

import argparse
import tempfile
from contextlib import suppress
from pathlib import Path

import measure
import numpy as np
import pandas as pd
import psutil

LOOK_SECONDS = 0.25
MAX_RESIDUAL, MAX_GROWTH_MB = 0.10, 100


class Peak:
    """The most anonymous memory, in bytes, that a process and its descendants held at one time."""

    def __init__(self) -> None:
        self.size_bytes = 0

    def look(self, pid: int) -> None:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            pids = [pid, *(child.pid for child in process.children(recursive=True))]
            self.size_bytes = max(self.size_bytes, sum(anonymous_bytes(each) for each in pids))


def anonymous_bytes(pid: int) -> int:
    with suppress(OSError):  # it has just ended
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) * 1024
    return 0


def row(zip_path: Path, size: int, epochs: int) -> dict[str, float]:
    peak = Peak()
    with tempfile.TemporaryDirectory() as home:
        options = ["--epochs", str(epochs), "--baseline", "none"]
        run = measure.compare(zip_path, Path(home), *options, look=peak.look, every=LOOK_SECONDS)
        facts = run.facts()
    parts = run.result["dataset"]["split"]
    rows = facts["views"] * parts["train"] + parts["validation"] + parts["test"]
    seconds = run.result["arms"]["transfer"]["seconds"]
    spans = {name: seconds[name] for name in ("ingest", "features", "train", "evaluate")}
    return {"pictures": size, "rows": rows, "seconds": run.seconds, "MB": peak.size_bytes / 1e6} | spans


def line(table: pd.DataFrame, by: str) -> None:
    """Fit and print seconds = a + b · `by`."""
    b, a = np.polyfit(table[by], table["seconds"], 1)
    fitted = a + b * table[by]
    residuals = (table["seconds"] - fitted) / fitted
    holds = "yes" if residuals.abs().max() < MAX_RESIDUAL else "no"
    listed = ", ".join(f"{each:+.1%}" for each in residuals)
    print(f"seconds = {a:.2f} + {1000 * b:.2f} for each 1,000 {by}; residuals {listed}; all under 10 %: {holds}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zip", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 1000, 2000, 4000, 8000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    chosen = parser.parse_args()
    print(measure.machine(), flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        zips = {size: measure.zip_of(chosen.zip, size, Path(folder) / f"{size}.zip") for size in chosen.sizes}
        for _ in range(chosen.rounds):
            for size, path in zips.items():
                rows.append(row(path, size, chosen.epochs))
                print(rows[-1], flush=True)
    table = pd.DataFrame(rows).groupby("pictures").median().reset_index()
    print(table.to_string(index=False, float_format="{:.2f}".format))
    line(table, "pictures")
    line(table, "rows")
    growth = table["MB"].iloc[-1] - table["MB"].iloc[0]
    holds = "yes" if growth < MAX_GROWTH_MB else "no"
    print(f"peak anonymous memory grows by {growth:.0f} MB from the fewest to the most; under 100 MB: {holds}")


if __name__ == "__main__":
    main()
