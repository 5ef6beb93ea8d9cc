"""Which of many pictures may be near-copies of each other, at a look at their thumbnails, in any of eight ways to turn.

Their slow changes of brightness agree (the low frequencies of a cosine transform, of which a perceptual hash keeps the
signs alone), and so does their detail somewhat.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.near.alignment import Pixels, detail, halved
from core.data.pictures.pixels import THUMBNAIL_SIDE

SIDE = THUMBNAIL_SIDE
FREQUENCIES = 8  # of the cosine transform, along each axis
ALIKE = 0.885  # correlation of these from which on two pictures are looked at; nearly every crop by 5 % has more
NEIGHBOURS = 16  # of a picture at most, or where all look alike their number would grow with its square
CLOSER = 4  # of these are looked at closer
GLANCE = 0.25  # agreement in detail at 16 px without any fit, which all but 1 in 200 planted copies have
FLAT = 2.0  # standard deviation of grey up to which a thumbnail shows nothing that could be recognised
TURNS = 8
BLOCK = 1_000_000  # similarities at a time
PIECE = 1024  # thumbnails at a time

Thumbnails = npt.NDArray[np.uint8]  # (n, SIDE, SIDE)
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Candidates:
    """Pairs of pictures by their places in the list, each array of shape (n,)."""

    first: Places
    second: Places
    turn: Places  # how the second is to be turned to lie on the first: `turned`

    def __len__(self) -> int:
        """How many pairs."""
        return len(self.first)

    def __getitem__(self, which: npt.NDArray[np.bool_] | Places | slice) -> "Candidates":
        """Some of them."""
        return Candidates(self.first[which], self.second[which], self.turn[which])


def candidates(thumbnails: Thumbnails, look: Callable[[], object]) -> Candidates:
    """The pairs that are worth a closer look; of each picture the nearest behind it.

    Args:
        thumbnails: One a picture.
        look: Called between two pieces of work; it may raise.
    """
    return _glanced(thumbnails, _alike(thumbnails, look))


def turned(pictures: npt.NDArray[np.float32], turn: int) -> npt.NDArray[np.float32]:
    """Square pictures in one of eight ways: with 4 rows and columns change places, 2 is upside down, 1 mirrored."""
    if turn & 4:
        pictures = pictures.swapaxes(1, 2)
    return pictures[:, :: -1 if turn & 2 else 1, :: -1 if turn & 1 else 1]


def is_mirrored(turn: int) -> bool:
    """Whether left and right are exchanged, as no turning of a sheet of paper does."""
    return bool((turn ^ turn >> 1 ^ turn >> 2) & 1)


def each_turned(pictures: Pixels, turns: npt.NDArray[np.intp]) -> Pixels:
    """Each picture turned in its own way."""
    result = np.empty_like(pictures)
    for turn in set(turns.tolist()):
        result[turns == turn] = turned(pictures[turns == turn], turn)
    return result


def _waves() -> npt.NDArray[np.float32]:
    """The lowest `FREQUENCIES` of the cosine transform of `SIDE` values, a row each."""
    frequency, place = np.arange(FREQUENCIES)[:, None], np.arange(SIDE)[None, :]
    return np.asarray(np.cos(np.pi * frequency * (2 * place + 1) / (2 * SIDE)), np.float32)


def _pieces(thumbnails: Thumbnails) -> list[Thumbnails]:
    return np.array_split(thumbnails, len(thumbnails) // PIECE + 1)


def _spectra(thumbnails: Thumbnails) -> npt.NDArray[np.float32]:
    """Low frequencies without the mean, of length 1, shape (n, FREQUENCIES, FREQUENCIES); 0 for a flat picture."""
    waves = _waves()
    scale = np.where(np.arange(FREQUENCIES) == 0, np.float32(0.5**0.5), np.float32(1))
    spectra = np.concatenate([waves @ some.astype(np.float32) @ waves.T for some in _pieces(thumbnails)])
    spectra = spectra * (scale[:, None] * scale)
    spectra[:, 0, 0] = 0
    length = np.sqrt((spectra**2).sum((1, 2), keepdims=True))
    is_flat = np.concatenate([some.astype(np.float32).std((1, 2)) for some in _pieces(thumbnails)]) < FLAT
    length[is_flat] = np.inf
    return np.asarray(spectra / length.clip(1e-6), np.float32)


def _turned_spectra(spectra: npt.NDArray[np.float32], turn: int) -> npt.NDArray[np.float32]:
    """Spectra of the turned pictures: a mirror changes the sign of each second frequency."""
    signs = (-1.0) ** np.arange(FREQUENCIES, dtype=np.float32)
    if turn & 4:
        spectra = spectra.swapaxes(1, 2)
    if turn & 2:
        spectra = spectra * signs[:, None]
    return spectra * signs if turn & 1 else spectra


def _alike(thumbnails: Thumbnails, look: Callable[[], object]) -> Candidates:
    """The pairs whose low frequencies agree."""
    n = len(thumbnails)
    spectra = _spectra(thumbnails)
    flat = spectra.reshape(n, FREQUENCIES**2)
    others = [np.ascontiguousarray(_turned_spectra(spectra, turn).reshape(flat.shape).T) for turn in range(TURNS)]
    found = []
    rows = max(16, BLOCK // max(n, 1))
    for start in range(0, n, rows):
        look()
        some = flat[start : start + rows]
        best = some @ others[0][:, start:]  # the others have met these already
        for other in others[1:]:
            np.maximum(best, some @ other[:, start:], out=best)
        best[np.tril_indices(len(best), 0, best.shape[1])] = 0.0
        first, second = _nearest(best)
        found.append(np.stack([first, second]) + start)
    first, second = np.concatenate(found, axis=1) if found else np.empty((2, 0), np.intp)
    agreements = [np.einsum("nf,nf->n", flat[first], other.T[second]) for other in others]
    return Candidates(first, second, np.argmax(agreements, axis=0))


def _nearest(best: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Row and column of what is alike, in each row the `NEIGHBOURS` nearest at most."""
    is_alike = best >= ALIKE
    for row in np.flatnonzero(is_alike.sum(1) > NEIGHBOURS):
        nearest = np.argpartition(-best[row], NEIGHBOURS)[:NEIGHBOURS]
        is_alike[row] = False
        is_alike[row, nearest] = True
    first, second = np.nonzero(is_alike)
    return first, second


def _glanced(thumbnails: Thumbnails, pairs: Candidates) -> Candidates:
    """Of each picture the pairs whose detail agrees best as they are, and at least somewhat."""
    details = np.concatenate([detail(halved(some.astype(np.float32)), 1.5) for some in _pieces(thumbnails)])
    details -= details.mean((1, 2), keepdims=True)
    details /= np.sqrt((details**2).sum((1, 2), keepdims=True)) + 1e-2
    agreements = [np.empty(0, np.float32)]
    for start in range(0, len(pairs), PIECE):
        some = pairs[start : start + PIECE]
        other = each_turned(details[some.second], some.turn)
        agreements.append(np.einsum("nyx,nyx->n", details[some.first], other))
    agreement = np.concatenate(agreements)
    order = np.lexsort((-agreement, pairs.first))
    pairs, agreement = pairs[order], agreement[order]
    rank = np.arange(len(pairs)) - np.searchsorted(pairs.first, pairs.first)
    return pairs[(agreement >= GLANCE) & (rank < CLOSER)]
