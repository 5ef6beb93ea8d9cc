"""Last blocks trained too, against the guide's way: `python benchmarks/unfrozen.py ZIP --weights H5 --vgg-weights H5`

The last two blocks of MobileNet, and the last stage of VGG16. Both ways train the head alone for the first third of the
epochs and then head and blocks; the guide sends every picture through the whole network in each of them. Whole
processes are timed, Headstart's from an empty home.

VGG16 takes very long the guide's way on a processor: `--guide-epochs 2` runs fewer epochs of it and adds further ones
at the speed of the last of each phase; `--pictures N` draws so many pictures of the zip for both. On fewer than about
1,430 pictures Headstart also computes further views of each for training, so take as many as time allows.
"""

import argparse
import os
import tempfile
from pathlib import Path

import measure
import pandas as pd

from core.plan import bases

CASES = {  # base: (blocks that stay frozen, the first layer that the guide trains)
    "MobileNet": (12, "conv_dw_12"),
    "VGG16": (4, "block5_conv1"),
}


def phases(epochs: int) -> tuple[int, int]:
    """As `core.plan.experiment` and `guide.py` divide them."""
    first = max(1, epochs // 3)
    return first, epochs - first


def guide_seconds(told: dict, *, ran: int, epochs: int) -> float:
    """Seconds for so many epochs, of a guide that ran fewer."""
    before, after = told["epochs"][: phases(ran)[0]], told["epochs"][phases(ran)[0] :]
    further = [wanted - had for wanted, had in zip(phases(epochs), phases(ran), strict=True)]
    return told["seconds"] + further[0] * before[-1] + further[1] * after[-1]


def row(base: str, weights: Path, chosen: argparse.Namespace, folder: Path) -> dict[str, object]:
    frozen, first_layer = CASES[base]
    own = folder / "weights"
    own.mkdir(exist_ok=True)
    (own / bases.base(base).weights.name).unlink(missing_ok=True)
    if base != "MobileNet":  # whose own are bundled
        (own / bases.base(base).weights.name).symlink_to(weights.resolve())
    os.environ["HEADSTART_WEIGHTS"] = str(own)
    options = ["--base", base, "--freeze", str(frozen), "--epochs", str(chosen.epochs), "--baseline", "none"]
    with tempfile.TemporaryDirectory() as home:
        run = measure.compare(chosen.pictures_zip, Path(home), *options)
    arm = run.result["arms"]["transfer"]
    ran = chosen.guide_epochs or chosen.epochs
    options = ["--base", base, "--epochs", str(ran), "--train-from", first_layer]
    told = measure.guide(chosen.pictures_zip, weights, *options)
    trained = bases.base(base).trained_parameters(frozen)
    if told["trained_in_base"] != trained:
        raise SystemExit(
            f"Expected {trained:,} trained parameters of {base}; the guide has {told['trained_in_base']:,}"
        )
    seconds = guide_seconds(told, ran=ran, epochs=chosen.epochs)
    return {
        "base": base,
        "pictures": run.result["dataset"]["images"],
        "trained in base": trained,
        "Headstart s": run.seconds,
        "features s": arm["seconds"]["features"],
        "train s": arm["seconds"]["train"],
        "guide s": seconds,
        "of it run": f"{ran} of {chosen.epochs} epochs",
        "times": seconds / run.seconds,
        "accuracy": arm["accuracy"],
        "guide's": told["accuracy"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zip", type=Path)
    parser.add_argument("--weights", type=Path, help="of MobileNet; without them it is left out")
    parser.add_argument("--vgg-weights", type=Path, help="of VGG16 without its top; without them it is left out")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--guide-epochs", type=int, help="that the guide really runs, 2 or more")
    parser.add_argument("--pictures", type=int, help="of the zip; by default all")
    parser.add_argument("--rounds", type=int, default=1)
    chosen = parser.parse_args()
    print(measure.machine(), flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        chosen.pictures_zip = chosen.zip
        if chosen.pictures:
            chosen.pictures_zip = measure.zip_of(chosen.zip, chosen.pictures, Path(folder) / "pictures.zip")
        for _ in range(chosen.rounds):
            for base, weights in (("MobileNet", chosen.weights), ("VGG16", chosen.vgg_weights)):
                if weights:
                    rows.append(row(base, weights, chosen, Path(folder)))
                    print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    fixed = ["base", "pictures", "trained in base", "of it run"]
    print(table.groupby(fixed, sort=False).median().reset_index().to_string(index=False, float_format="{:.2f}".format))
    print("claim: at least 2 times")


if __name__ == "__main__":
    main()
