"""What reading a zip costs: `python benchmarks/ingest.py ZIP [--against CHECKOUT …] [--rounds 3]`

Each checkout, this one and others beside it (`git worktree add`), reads ZIP in a process and a home of its own, in
every round all in turn. Prints the seconds that pass, those that the processors spend on the process and its children,
both without Python's start and imports and with them, and the peak of the anonymous memory that they held together,
looked at ten times a second; then each checkout's share of the last one's. On a machine that is shared the seconds of
the processors tell more.
"""

import argparse
import json
import tempfile
from pathlib import Path

import measure
import pandas as pd
from scale import Peak

LOOK_SECONDS = 0.1
READ = """
import json, os, sys, time
from pathlib import Path
try:
    from core.data.ingest import create, ingest
except ImportError:  # an earlier checkout
    from core.dataset import create, ingest

def spent():
    return sum(os.times()[:4])

source = Path(sys.argv[1])
begun, before = time.perf_counter(), spent()
made = ingest(create(source, source.name))
seconds, used = time.perf_counter() - begun, spent()
print(json.dumps({"pictures": len(made.pictures), "seconds": seconds, "processor": used - before, "with start": used}))
"""


def row(root: Path, zip_path: Path, home: Path) -> dict[str, float]:
    peak = Peak()
    environment = {"HEADSTART_HOME": str(home), "PYTHONPATH": str(root)}
    command = ["-c", READ, str(zip_path.resolve())]
    _, said = measure.timed(command, environment, look=peak.look, every=LOOK_SECONDS, root=root)
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found | {"MB": peak.size_bytes / 1e6}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zip", type=Path)
    parser.add_argument("--against", type=Path, nargs="*", default=[], help="other checkouts; the last one counts as 1")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    print(measure.machine(), flush=True)
    roots, rows = [measure.ROOT, *(path.resolve() for path in chosen.against)], []
    with (
        tempfile.TemporaryDirectory() as folder
    ):  # emptied at the end: files are made slowly where many were just removed
        for number in range(chosen.rounds * len(roots)):
            root = roots[number % len(roots)]
            rows.append({"checkout": root.name} | row(root, chosen.zip, Path(folder) / str(number)))
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows).groupby("checkout", sort=False).median()
    print(table.to_string(float_format="{:.2f}".format))
    print(
        (table / table.iloc[-1])[["seconds", "processor", "with start", "MB"]].to_string(float_format="{:.2f}".format)
    )


if __name__ == "__main__":
    main()
