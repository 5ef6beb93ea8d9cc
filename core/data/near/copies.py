"""The near-copies of a data set: pairs of its pictures, the groups that they make, and what is wrong with them.

near.parquet  a row a pair: first, second (pictures), agreement, is_mirrored, the best first
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.data.findings.problem import Problem, ProblemKind, found
from core.data.labels.layout import PARTS, TEST, TRAIN
from core.data.near import likeness
from core.data.pictures.picture import load
from core.data.pictures.pixels import THUMBNAIL_SIDE
from core.disk import record
from core.disk.files import write_frame
from core.words.said import say
from core.words.sentences import sentence

if TYPE_CHECKING:  # pandas takes 34 MB: it is imported once the pictures are decoded
    import pandas as pd

COLUMNS = ["first", "second", "agreement", "is_mirrored"]
AREA = THUMBNAIL_SIDE**2  # of a thumbnail, and so its bytes
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue (ITU-R BT.601), as in Pillow


def none() -> pd.DataFrame:
    """The pairs of a data set without near-copies."""
    import pandas as pd  # see `storing`

    return pd.DataFrame({name: pd.Series(dtype=str) for name in COLUMNS[:2]} | {COLUMNS[2]: [], COLUMNS[3]: []})


def read(directory: Path) -> pd.DataFrame:
    """The pairs of a data set's stored pictures, by whichever way its zip is read."""
    try:
        return record.read_frame(directory / "near.parquet", COLUMNS)
    except FileNotFoundError:  # made before near-copies were looked for
        return none()


def write(near: pd.DataFrame, directory: Path) -> None:
    """Keep the pairs of a data set's stored pictures."""
    write_frame(directory / "near.parquet", near)


def among(near: pd.DataFrame, pictures: pd.DataFrame) -> pd.DataFrame:
    """The pairs of which both are in a manifest."""
    is_there = near["first"].isin(pictures["picture"]) & near["second"].isin(pictures["picture"])
    return near[is_there].reset_index(drop=True)


def find(
    pictures: pd.DataFrame, thumbnails: dict[str, bytes], folder: Path, *, look: Callable[[], object] = bool
) -> pd.DataFrame:
    """All pairs of near-copies, a row each, columns `COLUMNS`.

    Args:
        pictures: The manifest; a picture under two labels counts once.
        thumbnails: Of each picture (`pixels.thumbnail`).
        folder: Where the stored pictures are.
        look: Called about once a second; it may raise.
    """
    import pandas as pd  # see `storing`

    rows = _each_once(pictures)
    side = THUMBNAIL_SIDE
    small = np.frombuffer(b"".join(thumbnails[name] for name in rows["picture"]), np.uint8).reshape(-1, side, side)
    sides = rows[["width", "height"]].min(axis=1).to_numpy(np.int64)
    paths = [folder / file for file in rows["file"]]

    def fine(places: npt.NDArray[np.intp], size: int) -> npt.NDArray[np.float32]:
        return np.stack([load(paths[place], size) @ GREY for place in places])

    names = list(rows["picture"])
    pairs = [
        (names[pair.first], names[pair.second], pair.agreement, likeness.is_mirrored(pair.turn))
        for pair in likeness.pairs(small, fine, sides, look=look)
    ]
    return pd.DataFrame(pairs, columns=COLUMNS) if pairs else none()


def group(pictures: pd.DataFrame, near: pd.DataFrame) -> list[str | None]:
    """For each row of the manifest the group of near-copies that its picture is in; None where it has none."""
    import pandas as pd  # see `storing`

    rows = _each_once(pictures)
    names = list(rows["picture"])
    place = {name: number for number, name in enumerate(names)}
    rated = zip(near["first"], near["second"], near["agreement"], strict=True)
    pairs = [likeness.Pair(place[first], place[second], float(score), 0) for first, second, score in rated]
    leaders = likeness.groups(pairs, list(rows["label"]))
    sizes = pd.Series(leaders).value_counts()
    group_of = {name: names[leader] if sizes[leader] > 1 else None for name, leader in zip(names, leaders, strict=True)}
    return [group_of[name] for name in pictures["picture"]]


def problems(pictures: pd.DataFrame, near: pd.DataFrame) -> list[Problem]:
    """Pairs across classes, those across the zip's own parts, and all others, by name."""
    shown = described(pictures, near)
    is_across = shown["labels_differ"]
    kept = {
        name
        for one, other in (("first", "second"), ("second", "first"))
        for name, part, beside in zip(shown[f"{one}_name"], shown[f"{one}_part"], shown[f"{other}_part"], strict=True)
        if part == TRAIN and beside in PARTS[1:]
    }
    return [
        *found(ProblemKind.NEAR_TWO_LABELS, _lines(shown[is_across])),
        *found(ProblemKind.NEAR_IN_TRAIN_AND_TEST, sorted(kept)),
        *found(ProblemKind.NEAR, _lines(shown[~is_across])),
    ]


def described(pictures: pd.DataFrame, near: pd.DataFrame) -> pd.DataFrame:
    """The pairs with name, label and part of both pictures, and whether the labels differ; those that do come first."""
    rows = _each_once(pictures).set_index("picture")
    shown = near.copy()
    for side in ("first", "second"):
        for column in ("name", "label", "part"):
            shown[f"{side}_{column}"] = rows[column].reindex(near[side]).to_numpy(dtype=object)
    is_shown = pictures["picture"].isin(near["first"]) | pictures["picture"].isin(near["second"])
    labels = pictures[is_shown].groupby("picture")["label"].agg(frozenset)
    pairs = zip(near["first"], near["second"], strict=True)
    shown["labels_differ"] = np.array([labels[one] != labels[other] for one, other in pairs], dtype=bool)
    return shown.sort_values("labels_differ", ascending=False, kind="stable", ignore_index=True)


def torn(near: pd.DataFrame, frame: pd.DataFrame, *, part: str = TEST, beside: tuple[str, ...] = (TRAIN,)) -> list[str]:
    """The pictures of `part` that have a near-copy in one of the parts `beside`.

    Args:
        near: The pairs.
        frame: A split's picture, label, part.
        part: Of PARTS.
        beside: Others of them.
    """
    part_of = dict(zip(frame["picture"], frame["part"], strict=True))
    pairs = list(zip(near["first"], near["second"], strict=True))
    both = [*pairs, *((second, first) for first, second in pairs)]
    return sorted({one for one, other in both if part_of.get(one) == part and part_of.get(other) in beside})


def blank(pictures: pd.DataFrame, thumbnails: dict[str, bytes]) -> list[str]:
    """Names of the pictures that are one colour all over."""
    rows = pictures.drop_duplicates("picture")
    names = zip(rows["picture"], rows["name"], strict=True)
    return sorted(name for picture, name in names if thumbnails[picture].count(thumbnails[picture][:1]) == AREA)


def leak(near: pd.DataFrame, frame: pd.DataFrame) -> str:
    """A sentence where test pictures have near-copies in the training part; else empty."""
    n, n_test = len(torn(near, frame)), int((frame["part"] == TEST).sum())
    return sentence(say("split.leak", n=n, n_test=n_test)) if n else ""


def _each_once(pictures: pd.DataFrame) -> pd.DataFrame:
    return pictures.drop_duplicates("picture").sort_values("picture", ignore_index=True)


def _lines(shown: pd.DataFrame) -> list[str]:
    return [f"{one} ≈ {other}" for one, other in zip(shown["first_name"], shown["second_name"], strict=True)]
