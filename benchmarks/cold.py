"""A comparison from the terminal against the guide: `python benchmarks/cold.py ZIP --weights H5 [--rounds 3]`

All blocks frozen, no from-scratch arm, exactly so many epochs. Four runs, each a whole process of `python -m core`: in
an empty home; again in that home with another dropout; in an empty home while the app is up and its standby is ready;
again in that one. Beside them the guide (`guide.py`) on the same zip.

Prints for each the seconds, how many times as fast as the guide it is (the median over rounds of each round's ratio),
and where the seconds go. They are read off the arm's status.json while it runs: the command until it submits (its
imports, reading the zip, the split), the start (waiting for Keras, building the network), features, fit, score
(saving, loading again), and the rest (the report, the end of the process). "to first batch" is from the submission to
the first report of steps done.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import measure
import pandas as pd

SPANS = {  # name: from the time of one state to that of the next
    "submit": ("begun", "queued"),
    "start": ("queued", "features"),
    "features": ("features", "fit"),
    "fit": ("fit", "score"),
    "score": ("score", "done"),
    "rest": ("done", "ended"),
    "to first batch": ("queued", "first batch"),
}


class Timeline:
    """When an arm that is still to come enters each state: the time at which that was written."""

    def __init__(self, home: Path) -> None:
        self._home, self._known = home, set(home.glob("experiments/*"))
        self._path: Path | None = None
        self.at = {"begun": time.time()}

    def look(self, _: int) -> None:
        new = {self._path} if self._path else set(self._home.glob("experiments/*")) - self._known
        if not new:
            return
        self._path = new.pop()
        try:
            with (self._path / "transfer" / "status.json").open("rb") as file:
                status, written = json.load(file), os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return
        self.at.setdefault(status["state"], written)
        if status["state"] == "fit" and status["done"]:
            self.at.setdefault("first batch", written)


def row(name: str, zip_path: Path, home: Path, *options: str) -> dict[str, object]:
    timeline = Timeline(home)
    run = measure.compare(zip_path, home, "--baseline", "none", *options, look=timeline.look)
    at = timeline.at | {"ended": timeline.at["begun"] + run.seconds}
    spans = {span: at[to] - at[since] for span, (since, to) in SPANS.items() if {since, to} <= at.keys()}
    arm = run.result["arms"]["transfer"]
    ingest = arm["seconds"]["ingest"]
    return {"run": name, "seconds": run.seconds} | spans | {"ingest": ingest, "accuracy": arm["accuracy"]}


def headstart(zip_path: Path, epochs: int, folder: Path) -> list[dict[str, object]]:
    one, other = ["--epochs", str(epochs)], ["--epochs", str(epochs), "--dropout", "0.35"]
    rows = [row("cold", zip_path, folder / "cold", *one), row("again", zip_path, folder / "cold", *other)]
    home = folder / "app"
    with measure.app(home):
        rows.append(row("with the app up", zip_path, home, *one))
        measure.wait_for_standby(home)
        rows.append(row("again, app up", zip_path, home, *other))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zip", type=Path)
    parser.add_argument("--weights", type=Path, help="of MobileNet, as Keras publishes them, for the guide")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--skip-guide", type=float, metavar="SECONDS", help="that it took before on this machine")
    chosen = parser.parse_args()
    if not chosen.skip_guide and not chosen.weights:
        parser.error("the guide needs --weights, or tell its seconds by --skip-guide")
    print(measure.machine(), flush=True)
    rows, guides = [], []
    for _ in range(chosen.rounds):
        with tempfile.TemporaryDirectory() as folder:
            found = headstart(chosen.zip, chosen.epochs, Path(folder))
        guide = {"run": "guide", "seconds": chosen.skip_guide}
        if not chosen.skip_guide:
            told = measure.guide(chosen.zip, chosen.weights, "--epochs", str(chosen.epochs))
            guides.append(told["epochs"])
            guide |= {"seconds": told["seconds"], "accuracy": told["accuracy"]}
        floor = {"run": "import keras alone", "seconds": measure.timed(["-c", "import keras"])[0]}
        for each in (*found, guide, floor):
            rows.append(each | {"times the guide": guide["seconds"] / each["seconds"]})
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows).groupby("run", sort=False).median()
    columns = ["seconds", "times the guide", *SPANS, "ingest", "accuracy"]
    print(table[columns].to_string(float_format=lambda value: f"{value:.2f}", na_rep=""))
    print("the guide's epochs:", guides or "not run")


if __name__ == "__main__":
    main()
