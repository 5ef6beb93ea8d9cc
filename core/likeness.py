"""Which of many pictures are near-copies: resized, recompressed, cropped a little, mirrored; a burst's frames.

Each picture has a grey thumbnail. Candidates are those whose slow changes of brightness agree (the low frequencies of
a cosine transform, of which a perceptual hash keeps the signs alone), in any of the eight ways to turn and mirror a
picture. Then both are laid upon each other in finer and finer steps, and what decides is their detail: pictures of
different things on the same table agree in all but that.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from core.alignment import Maps, Pixels, agreement, agreement_by_square, blurred, detail, fitted, halved, unmoved
from core.pixels import THUMBNAIL_SIDE

SIDE = THUMBNAIL_SIDE
FINE_SIDE = 64  # px of the pictures that the last step looks at
FREQUENCIES = 8  # of the cosine transform, along each axis
ALIKE = 0.885  # correlation of these from which on two pictures are looked at; nearly every crop by 5 % has more
NEIGHBOURS = 8  # candidates of a picture at most, or where all look alike their number would grow with its square
GLANCE = 0.25  # agreement in detail at 16 px without any fit
# Iterations, and the agreement in detail that is asked for then. The first tests spare most candidates the others:
# of planted copies all but 1 in 200 have 0.25 at a glance, and 0.66 and 0.75 at the first of these.
COARSE = (1, 0.45), (1, 0.60), (4, 0.65)  # at 16 px
MIDDLE = (2, 0.70), (3, 0.80)  # at 32 px
NEAR = 0.93  # at 64 px
NEAR_BY_SQUARE = 0.80  # and the last one, so that a frame that all pictures have makes no copies of them
FLAT = 2.0  # standard deviation of grey up to which a thumbnail shows nothing that could be recognised
TURNS = 8
BLOCK = 1_000_000  # similarities at a time
PIECE = 1024  # thumbnails at a time
BATCH = 64  # pairs at a time: what a fit needs of memory stays in the processor's cache
WORKERS = 2
LARGEST_SHARE = 3  # a group holds at most the third part of a class, so that each part of a split can have one

Thumbnails = npt.NDArray[np.uint8]  # (n, SIDE, SIDE)


@dataclass(frozen=True)
class Pair:
    """Two pictures that are near-copies, by their place in the list."""

    first: int
    second: int
    agreement: float  # in detail, from NEAR to 1
    turn: int  # how the second is turned to lie on the first: `turned`


def turned(pictures: npt.NDArray[np.float32], turn: int) -> npt.NDArray[np.float32]:
    """Square pictures in one of eight ways: with 4 rows and columns change places, 2 is upside down, 1 mirrored."""
    if turn & 4:
        pictures = pictures.swapaxes(1, 2)
    return pictures[:, :: -1 if turn & 2 else 1, :: -1 if turn & 1 else 1]


def is_mirrored(turn: int) -> bool:
    """Whether left and right are exchanged, as no turning of a sheet of paper does."""
    return bool((turn ^ turn >> 1 ^ turn >> 2) & 1)


def pairs(
    thumbnails: Thumbnails, fine: Callable[[npt.NDArray[np.intp]], Pixels], *, look: Callable[[], object] = bool
) -> list[Pair]:
    """All near-copies.

    Args:
        thumbnails: One a picture; no two pictures have the same pixels.
        fine: Gives pictures by their places, `FINE_SIDE` px; asked for few.
        look: Called between two pieces of work, which take a second at most; it may raise.
    """
    found: list[Pair] = []
    # A product of such small matrices takes longer in several threads, which also wait for each other at full load.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(WORKERS) as pool:
        batches = _batches(*_glanced(thumbnails, *_candidates(thumbnails, look)))
        for some in pool.map(lambda batch: _verified(thumbnails, fine, *batch), batches):
            look()
            found += some
    return sorted(found, key=lambda pair: (-pair.agreement, pair.first, pair.second))


def groups(found: Sequence[Pair], labels: Sequence[str]) -> list[int]:
    """The group of each picture: the smallest place in it, so a picture without near-copies is its own.

    What is near to the same picture is in one group, and a film of a thousand frames would be one. The best pairs are
    joined first, and a pair no more that would let a group have more than the third part of a class.

    Args:
        found: From `pairs`, the best first.
        labels: Of each picture.
    """
    sizes = {label: labels.count(label) for label in set(labels)}
    leader = list(range(len(labels)))
    members = {place: [place] for place in leader}
    for pair in found:
        one, other = sorted((leader[pair.first], leader[pair.second]))
        if one == other:
            continue
        together = members[one] + members[other]
        held = [labels[place] for place in together]
        if any(held.count(label) > max(sizes[label] // LARGEST_SHARE, 1) for label in set(held)):
            continue
        members[one] = together
        for place in members.pop(other):
            leader[place] = one
    return leader


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


def _candidates(
    thumbnails: Thumbnails, look: Callable[[], object]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """First, second and turn of each pair of pictures that are alike; of each picture the nearest behind it."""
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
    return first, second, np.argmax(agreements, axis=0)


def _nearest(best: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Row and column of what is alike, in each row the `NEIGHBOURS` nearest at most."""
    is_alike = best >= ALIKE
    for row in np.flatnonzero(is_alike.sum(1) > NEIGHBOURS):
        nearest = np.argpartition(-best[row], NEIGHBOURS)[:NEIGHBOURS]
        is_alike[row] = False
        is_alike[row, nearest] = True
    first, second = np.nonzero(is_alike)
    return first, second


def _glanced(
    thumbnails: Thumbnails, first: npt.NDArray[np.intp], second: npt.NDArray[np.intp], turn: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Those of some candidates whose detail agrees somewhat as they are."""
    details = np.concatenate([detail(halved(some.astype(np.float32)), 1.5) for some in _pieces(thumbnails)])
    details -= details.mean((1, 2), keepdims=True)
    details /= np.sqrt((details**2).sum((1, 2), keepdims=True)) + 1e-2
    agreements = [np.empty(0, np.float32)]
    for start in range(0, len(first), PIECE):
        one, other, turns = (each[start : start + PIECE] for each in (first, second, turn))
        agreements.append(np.einsum("nyx,nyx->n", details[one], _each_turned(details[other], turns)))
    is_like = np.concatenate(agreements) >= GLANCE
    return first[is_like], second[is_like], turn[is_like]


Batch = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp]]


def _batches(first: npt.NDArray[np.intp], second: npt.NDArray[np.intp], turn: npt.NDArray[np.intp]) -> Iterator[Batch]:
    for start in range(0, len(first), BATCH):
        some = slice(start, start + BATCH)
        yield first[some], second[some], turn[some]


def _verified(
    thumbnails: Thumbnails,
    fine: Callable[[npt.NDArray[np.intp]], Pixels],
    first: npt.NDArray[np.intp],
    second: npt.NDArray[np.intp],
    turn: npt.NDArray[np.intp],
) -> list[Pair]:
    """Those of some candidates that agree at 16, at 32 and at 64 px."""
    one, other = thumbnails[first].astype(np.float32), _each_turned(thumbnails[second].astype(np.float32), turn)
    half, other_half = halved(one), halved(other)
    sharp = detail(half, 1.5), detail(other_half, 1.5)
    kept, maps = _passed((blurred(half, 0.8), blurred(other_half, 0.8)), sharp, unmoved(len(one)), COARSE)
    one, other = one[kept], other[kept]
    passed, maps = _passed((one, other), (detail(one, 2.0), detail(other, 2.0)), maps, MIDDLE)
    kept = kept[passed]
    if not len(kept):
        return []
    places, inverse = np.unique(np.concatenate([first[kept], second[kept]]), return_inverse=True)
    pictures = fine(places)
    one, other = pictures[inverse[: len(kept)]], _each_turned(pictures[inverse[len(kept) :]], turn[kept])
    maps = fitted(one, other, maps, steps=3)
    one, other = detail(one, 2.5), detail(other, 2.5)
    score = agreement(one, other, maps)
    is_near = (score >= NEAR) & (agreement_by_square(one, other, maps) >= NEAR_BY_SQUARE)
    return [
        Pair(int(first[place]), int(second[place]), float(score[k]), int(turn[place]))
        for k, place in enumerate(kept)
        if is_near[k]
    ]


def _passed(
    pictures: tuple[Pixels, Pixels], details: tuple[Pixels, Pixels], maps: Maps, asked: Sequence[tuple[int, float]]
) -> tuple[npt.NDArray[np.intp], Maps]:
    """The places of the pairs that agree as it is asked for after so many more iterations each, and their maps."""
    kept = np.arange(len(maps))
    for steps, least in asked:
        if not len(kept):
            break
        maps = fitted(pictures[0][kept], pictures[1][kept], maps, steps=steps)
        is_enough = agreement(details[0][kept], details[1][kept], maps) >= least
        kept, maps = kept[is_enough], maps[is_enough]
    return kept, maps


def _each_turned(pictures: Pixels, turns: npt.NDArray[np.intp]) -> Pixels:
    """Each picture turned in its own way."""
    result = np.empty_like(pictures)
    for turn in set(turns.tolist()):
        result[turns == turn] = turned(pictures[turns == turn], turn)
    return result
