"""Dataset → Split: which pictures train, which choose the best epoch, which give the score.

Each class is split by itself (stratified), in exact numbers (largest remainder), and at least one picture of each
class goes to each part. The zip's own folders are kept where it has them. Then as few pictures as it takes change their
part, so that near-copies, and what else belongs together, are in one.
"""

import hashlib
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
import pandas as pd

from core.data import groups
from core.data.dataset import Dataset
from core.data.labels.layout import PARTS, TEST, TRAIN, VALIDATION
from core.data.near import copies
from core.errors import SplitError
from core.words.said import Said, say
from core.words.sentences import sentence

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
    n_moved: int = 0  # pictures that changed their part so that nothing that belongs together is divided
    n_left_out: int = 0  # near-copies of pictures in other parts that were taken out of training
    divided: tuple[str, ...] = ()  # classes with so little else that their near-copies had to be divided

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the sorted (picture, label, part): two experiments with the same one can be compared."""
        lines = sorted("\t".join(row) for row in self.frame.itertuples(index=False))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def counts(self) -> pd.DataFrame:
        """Pictures of each class (index) in train, validation and test (columns)."""
        counts = pd.crosstab(self.frame["label"], self.frame["part"])
        return counts.reindex(columns=list(PARTS), fill_value=0).rename_axis(index="class", columns=None)

    def remarks(self, near: pd.DataFrame) -> list[str]:
        """What is to be said of it, a sentence each: what moved, was left out, had to be divided, and what leaks.

        Args:
            near: The data set's pairs of near-copies.
        """
        said: list[Said] = []
        if self.n_moved:
            said.append(say("split.moved", n=self.n_moved))
        if self.n_left_out:
            said.append(say("split.left-out", n=self.n_left_out))
        if self.divided:
            said.append(say("split.divided", classes=self.divided))
        leak = copies.leak(near, self.frame)
        return [*map(sentence, said), *([leak] if leak else [])]


def default_fractions(n: int) -> Fractions:
    """Train, validation and test for `n` labelled pictures."""
    return LARGE_FRACTIONS if n >= LARGE else SMALL_FRACTIONS


@dataclass(frozen=True)
class SplitChoice:
    """How a data set is to be divided."""

    seed: int = 1  # another seed, another draw
    fractions: Fractions | None = None  # of train, validation and test; by default `default_fractions`
    keeps_together: bool = True  # near-copies
    group: str = ""  # what else stays together, as `groups.Common` reads it
    leaves_out: bool = False  # of the zip's own train folder, near-copies of what is in its others

    @property
    def facts(self) -> dict[str, object]:
        """Fields of an experiment, by which its split can be drawn again."""
        return {f"split_{field.name}": getattr(self, field.name) for field in fields(self)}


def split(
    dataset: Dataset, *, seed: int = 1, fractions: Fractions | None = None, choice: SplitChoice | None = None
) -> Split:
    """Divide a data set; the same on every machine for the same pictures and choice.

    Args:
        dataset: Where the zip brings its own split, only a missing validation part is drawn.
        seed: Of a choice of which the rest is as usual.
        fractions: Likewise.
        choice: All of it, in place of these two.

    Raises:
        SplitError: The seed or fractions are impossible, or a class cannot be in every part.
    """
    choice = choice or SplitChoice(seed, fractions)
    rows = dataset.pictures.sort_values(["picture", "label"], ignore_index=True)
    if choice.seed < 0:
        raise SplitError("split.seed", seed=choice.seed)
    random = np.random.Generator(np.random.PCG64(choice.seed))
    if dataset.has_own_split:
        if choice.fractions is not None:
            raise SplitError("split.own")
        left = _left(rows, dataset.near) if choice.leaves_out else rows
        found = _own(left, choice, random)
        return replace(found, n_left_out=len(rows) - len(left))
    shares = _checked(default_fractions(len(rows)) if choice.fractions is None else choice.fractions)
    drawn = _drawn(rows, dict(zip(PARTS, shares, strict=True)), choice, random)
    _check_each_class(drawn.frame)
    return drawn


def _left(rows: pd.DataFrame, near: pd.DataFrame) -> pd.DataFrame:
    """The rows without those for training that have a near-copy in validation or test."""
    gone = copies.torn(near, rows, part=TRAIN, beside=(VALIDATION, TEST))
    left = rows[~rows["picture"].isin(gone)].reset_index(drop=True)
    lost = sorted(set(rows["label"]) - set(left.loc[left["part"] == TRAIN, "label"]))
    if lost:
        raise SplitError("split.nothing-left", label=lost[0])
    return left


def _own(rows: pd.DataFrame, choice: SplitChoice, random: np.random.Generator) -> Split:
    columns = ["picture", "label", "part"]
    if (rows["part"] == VALIDATION).any():
        return Split(rows[columns], choice.seed)
    is_train = rows["part"] == TRAIN
    shares = {TRAIN: 1 - OWN_VALIDATION, VALIDATION: OWN_VALIDATION}
    drawn = _drawn(rows[is_train].reset_index(drop=True), shares, choice, random)
    whole = pd.concat([rows.loc[~is_train, columns], drawn.frame])
    whole = whole.sort_values(["picture", "label"], ignore_index=True)
    _check_each_class(whole)
    return replace(drawn, frame=whole)


def _drawn(rows: pd.DataFrame, shares: dict[str, Fraction], choice: SplitChoice, random: np.random.Generator) -> Split:
    """A split of rows that have no part yet, with what belongs together in one part."""
    drawn = rows[["picture", "label"]].assign(part=_draw(rows, shares, random))
    columns = ["near"] if "near" in rows and choice.keeps_together else []
    common = groups.Common.read(choice.group)
    keys = rows[columns].assign(picture=rows["picture"])
    if common.kind:
        keys["common"] = common.among(rows)
    divided: set[str] = set()
    state = random.bit_generator.state
    while True:  # once, unless near-copies are nearly all of a class
        random.bit_generator.state = state
        mended, missing = _mended(drawn, keys, list(shares), shares, random)
        if "near" in keys:
            missing = [label for label in missing if keys.loc[rows["label"] == label, "near"].notna().any()]
        if not missing or "near" not in keys:
            break
        divided |= set(missing)
        keys = keys.assign(near=keys["near"].mask(rows["label"].isin(missing)))
    is_moved = drawn["part"] != mended["part"]
    return Split(mended, choice.seed, n_moved=rows.loc[is_moved, "picture"].nunique(), divided=tuple(sorted(divided)))


def _mended(
    drawn: pd.DataFrame,
    keys: pd.DataFrame,
    parts: list[str],
    shares: dict[str, Fraction],
    random: np.random.Generator,
) -> tuple[pd.DataFrame, list[str]]:
    """The rows with nothing that belongs together in two parts, and the classes that then lack a part."""
    label_of, labels = pd.factorize(drawn["label"], sort=True)
    part_of = np.array([parts.index(part) for part in drawn["part"]], np.int64)
    sizes = np.bincount(label_of, minlength=len(labels))
    targets = np.array([_places(int(size), list(shares.values())) for size in sizes])
    units = groups.units(keys, [str(column) for column in keys])
    mending = groups.Mending(np.asarray(label_of, np.int64), units, part_of, targets)
    if not mending.is_needed:
        return drawn, []
    mending.run(random)
    missing = mending.missing()
    return drawn.assign(part=np.array(parts)[mending.parts]), [str(labels[number]) for number in missing]


def _checked(fractions: Fractions) -> tuple[Fraction, ...]:
    is_possible = len(fractions) == len(PARTS) and all(0 < fraction < 1 for fraction in fractions)
    if not is_possible or abs(sum(fractions) - 1) > 1e-3:
        received = " / ".join(f"{fraction:g}" for fraction in fractions)
        raise SplitError("split.fractions", received=received)
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
        raise SplitError("split.too-few", needed=len(shares), found=n)
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
        raise SplitError("split.empty-part", label=label, part=part)
