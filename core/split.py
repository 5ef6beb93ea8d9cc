"""Dataset → Split: which pictures train, which choose the best epoch, which give the score.

Each class is split by itself (stratified), in exact numbers (largest remainder), and at least one picture of each
class goes to each part. The zip's own folders are kept where it has them.
"""

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import pandas as pd

from core import runs
from core.dataset import Dataset
from core.errors import SplitError
from core.layout import PARTS, TRAIN, VALIDATION

LARGE = 500  # pictures; below, a larger test part keeps the interval of the score narrow enough to say something
LARGE_FRACTIONS = (0.70, 0.15, 0.15)
SMALL_FRACTIONS = (0.60, 0.15, 0.25)
OWN_VALIDATION = Fraction(15, 100)  # of the zip's own train folder, where it has no validation folder

Fractions = tuple[float, float, float]  # of PARTS; they add up to 1


@dataclass(frozen=True, eq=False)
class Split:
    """Which part each labelled picture belongs to; a picture under two labels has two rows and one part."""

    frame: pd.DataFrame  # picture, label, part; sorted by picture and label
    seed: int

    @property
    def fractions(self) -> Fractions:
        """The shares that train, validation and test really have."""
        train, validation, test = (float((self.frame["part"] == part).mean()) for part in PARTS)
        return train, validation, test

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the sorted (picture, label, part): two experiments with the same one can be compared."""
        lines = sorted("\t".join(row) for row in self.frame.itertuples(index=False))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def counts(self) -> pd.DataFrame:
        """Pictures of each class (index) in train, validation and test (columns)."""
        counts = pd.crosstab(self.frame["label"], self.frame["part"])
        return counts.reindex(columns=list(PARTS), fill_value=0).rename_axis(index="class", columns=None)

    def pictures(self, part: str) -> pd.DataFrame:
        """The rows of one of `PARTS`."""
        return self.frame[self.frame["part"] == part]


def default_fractions(n: int) -> Fractions:
    """Train, validation and test for `n` labelled pictures."""
    return LARGE_FRACTIONS if n >= LARGE else SMALL_FRACTIONS


def split(dataset: Dataset, *, seed: int = 1, fractions: Fractions | None = None) -> Split:
    """Divide a data set; the same on every machine for the same pictures, seed and fractions.

    Args:
        dataset: Where the zip brings its own split, only a missing validation part is drawn.
        seed: Another seed, another draw.
        fractions: Of train, validation and test; by default `default_fractions`.

    Raises:
        SplitError: The seed or fractions are impossible, or a class cannot be in every part.
    """
    rows = dataset.pictures[["picture", "label", "part"]].sort_values(["picture", "label"], ignore_index=True)
    if seed < 0:
        raise SplitError(f"A seed must be 0 or more. Received: {seed}. Choose another.")
    random = np.random.Generator(np.random.PCG64(seed))
    if dataset.has_own_split:
        if fractions is not None:
            raise SplitError("This zip brings its own split, so fractions cannot be chosen. Leave them out.")
        return Split(_own(rows, random), seed)
    shares = _checked(default_fractions(len(rows)) if fractions is None else fractions)
    drawn = rows.assign(part=_draw(rows, dict(zip(PARTS, shares, strict=True)), random))
    _check_each_class(drawn)
    return Split(drawn, seed)


def read(experiment_id: str) -> Split:
    """The split of an experiment."""
    experiment = runs.read_experiment(experiment_id)
    if experiment is None:
        raise SplitError("This experiment is not here any more. Start a new one.")
    frame = runs.read_split(experiment_id).sort_values(["picture", "label"], ignore_index=True)
    return Split(frame[["picture", "label", "part"]], experiment.split_seed)


def _own(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    if (rows["part"] == VALIDATION).any():
        return rows
    is_train = rows["part"] == TRAIN
    shares = {TRAIN: 1 - OWN_VALIDATION, VALIDATION: OWN_VALIDATION}
    train = rows[is_train]
    drawn = pd.concat([rows[~is_train], train.assign(part=_draw(train, shares, random))])
    drawn = drawn.sort_values(["picture", "label"], ignore_index=True)
    _check_each_class(drawn)
    return drawn


def _checked(fractions: Fractions) -> tuple[Fraction, ...]:
    is_possible = len(fractions) == len(PARTS) and all(0 < fraction < 1 for fraction in fractions)
    if not is_possible or abs(sum(fractions) - 1) > 1e-3:
        received = " / ".join(f"{fraction:g}" for fraction in fractions)
        raise SplitError(f"Train, validation and test must each get a share, together 1. Received: {received}.")
    return tuple(Fraction(str(round(fraction, 6))) for fraction in fractions)  # 0.15 is 3/20, on every machine


def _draw(rows: pd.DataFrame, shares: dict[str, Fraction], random: np.random.Generator) -> list[str]:
    """A part for each row: pictures in random order take the places that their class has left."""
    parts = list(shares)
    room = {
        label: np.array(_places(int(count), list(shares.values())))
        for label, count in rows["label"].value_counts().sort_index().items()
    }
    labels: dict[str, list[str]] = {}
    for picture, label in zip(rows["picture"], rows["label"], strict=True):
        labels.setdefault(picture, []).append(label)
    pictures, chosen = sorted(labels), {}
    shuffled = [pictures[position] for position in random.permutation(len(pictures))]
    # Pictures under two labels need a place in both classes at once, so they choose first.
    for picture in sorted(shuffled, key=lambda picture: -len(labels[picture])):
        left = np.min([room[label] for label in labels[picture]], axis=0).clip(min=0)
        if len(labels[picture]) == 1 or not left.any():
            part = int(np.argmax(left > 0))
        else:
            part = int(random.choice(len(parts), p=left / left.sum()))
        for label in labels[picture]:
            room[label][part] -= 1
        chosen[picture] = parts[part]
    return [chosen[picture] for picture in rows["picture"]]


def _places(n: int, shares: list[Fraction]) -> list[int]:
    """How many of `n` pictures each part gets: largest remainder (Hamilton's method), then at least one each."""
    if n < len(shares):
        raise SplitError(f"Each class needs at least {len(shares)} pictures to be in every part. Found one with {n}.")
    exact = [n * share for share in shares]
    places = [int(value) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda part: places[part] - exact[part])
    for part in by_remainder[: n - sum(places)]:
        places[part] += 1
    while 0 in places:
        places[places.index(max(places))] -= 1
        places[places.index(0)] += 1
    return places


def _check_each_class(rows: pd.DataFrame) -> None:
    counts = pd.crosstab(rows["label"], rows["part"]).reindex(columns=list(PARTS), fill_value=0)
    missing = [(label, part) for label in counts.index for part in PARTS if not counts.loc[label, part]]
    if missing:
        label, part = missing[0]
        raise SplitError(
            f"Each class must be in every part. Found no picture of '{label}' left for {part}, because too many are "
            "also under another label. Correct the labels listed in red, or add pictures."
        )
