"""Which stored pictures may have the same pixels, by size and thumbnail: only these are compared pixel by pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.data.pictures.pixels import THUMBNAIL_SIDE

if TYPE_CHECKING:  # pandas takes 34 MB: it is imported once the pictures are decoded
    import pandas as pd

SIZE = ["width", "height"]
BLOCK = 4  # px of a thumbnail, each way, whose mean is compared
NEAR = 3.0  # grey by which these means of the same pixels differ at most, as root of their mean square
AT_A_TIME = 1024  # thumbnails


def may_be(rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether each row may have the pixels of another one.

    Args:
        rows: width, height, thumbnail, is_kept. Thumbnails of kept files and of others are made in two ways, so that
            those of the same pixels are a little different.
    """
    result = rows.duplicated([*SIZE, "thumbnail"], keep=False).to_numpy(bool, copy=True)
    is_mixed = rows.groupby(SIZE)["is_kept"].transform("nunique").to_numpy() > 1
    if not is_mixed.any():
        return result
    mixed = rows.assign(place=np.arange(len(rows)))[is_mixed]
    for _, some in mixed.groupby(SIZE):
        places, is_kept = some["place"].to_numpy(), some["is_kept"].to_numpy(bool)
        means = _means(list(some["thumbnail"]))
        near, near_too = _near(means[is_kept], means[~is_kept])
        result[places[is_kept][near]] = result[places[~is_kept][near_too]] = True
    return result


def _means(thumbnails: list[bytes]) -> npt.NDArray[np.float32]:
    across = THUMBNAIL_SIDE // BLOCK
    grey = np.frombuffer(b"".join(thumbnails), np.uint8).reshape(-1, across, BLOCK, across, BLOCK)
    return np.asarray(grey.mean((2, 4), dtype=np.float32).reshape(len(thumbnails), -1), np.float32)


def _near(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.bool_], ...]:
    """Which of both have a near one among the other."""
    near, near_too = np.zeros(len(one), bool), np.zeros(len(other), bool)
    squares = (other**2).sum(1)
    for start in range(0, len(one), AT_A_TIME):
        some = one[start : start + AT_A_TIME]
        distance = (some**2).sum(1)[:, None] + squares - 2 * some @ other.T
        is_near = distance <= NEAR**2 * one.shape[1]
        near[start : start + AT_A_TIME] = is_near.any(1)
        near_too |= is_near.any(0)
    return near, near_too
