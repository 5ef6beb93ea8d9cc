"""Which of many pictures are near-copies: resized, recompressed, cropped a little, mirrored; a burst's frames.

Candidates (`candidates`) are laid upon each other in finer and finer steps, and what decides is their detail:
pictures of different things on the same table agree in all but that. Those that agree must show enough to be told from
others of the same making (`evidence`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from core.data.near import evidence
from core.data.near.alignment import (
    Maps,
    Pixels,
    agreement,
    agreement_by_square,
    blurred,
    detail,
    fitted,
    halved,
    unmoved,
)
from core.data.near.candidates import Candidates, Places, Thumbnails, candidates, each_turned
from core.data.near.candidates import is_mirrored as is_mirrored
from core.data.near.evidence import Evidence

FINE_SIDE = 64  # px of the pictures that the last step looks at
# Iterations, and the agreement in detail that is asked for then. The first tests spare most candidates the others:
# of planted copies all but 1 in 200 have 0.66 and 0.75 at the first of these.
COARSE = (1, 0.45), (1, 0.60), (4, 0.65)  # at 16 px
MIDDLE = (2, 0.70), (3, 0.80)  # at 32 px
NEAR = 0.93  # at 64 px
NEAR_BY_SQUARE = 0.80  # and the last one, so that a frame that all pictures have makes no copies of them
BATCH = 64  # pairs at a time: what a fit needs of memory stays in the processor's cache
FEW = 2  # near-copies of one picture for which little speaks, those of each other counted once
MOST = 2 / 3  # of all pairs for which little speaks, or none of them counts
UNMOVED = 0.02  # by which pictures agree less as they are than they do when moved
LARGEST_SHARE = 3  # a group holds at most the third part of a class, so that each part of a split can have one

Fine = Callable[[Places, int], Pixels]  # pictures by their places, of so many pixels each way


@dataclass(frozen=True)
class Pair:
    """Two pictures that are near-copies, by their place in the list."""

    first: int
    second: int
    agreement: float  # in detail, from NEAR to 1
    turn: int  # how the second is turned to lie on the first: `turned`


Found = tuple[Pair, Evidence]


def pairs(
    thumbnails: Thumbnails, fine: Fine, sides: npt.NDArray[np.int64], *, look: Callable[[], object] = bool
) -> list[Pair]:
    """All near-copies.

    Args:
        thumbnails: One a picture; no two pictures have the same pixels.
        fine: Asked for few.
        sides: The shorter side of each picture, in pixels.
        look: Called between two pieces of work, which take a second at most; it may raise.
    """
    found: list[Found] = []
    # Threads would take longer in all: for such small matrices they wait for each other, at full load.
    with threadpool_limits(1, "blas"):
        search = _Search(thumbnails, fine, sides)
        for some in _batches(candidates(thumbnails, look)):
            look()
            found += search.near(some)
    return sorted(_told_apart(found), key=lambda pair: (-pair.agreement, pair.first, pair.second))


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


def _told_apart(found: Sequence[Found]) -> list[Pair]:
    """Those that are near-copies: little evidence is not enough for a picture that seems to have several.

    Where many pairs with little evidence are of such pictures, none of them counts: the rest is of the same making.
    """
    sure = [pair for pair, verdict in found if verdict is Evidence.ENOUGH]
    little = [pair for pair, verdict in found if verdict is Evidence.LITTLE]
    copy_of = _joined(sure)
    others: dict[int, set[int]] = defaultdict(set)
    for pair in little:
        others[pair.first].add(copy_of(pair.second))
        others[pair.second].add(copy_of(pair.first))
    few = [pair for pair in little if max(len(others[pair.first]), len(others[pair.second])) <= FEW]
    return sure + few if len(few) >= MOST * len(little) else sure


def _joined(found: Sequence[Pair]) -> Callable[[int], int]:
    """What gives for a picture one that stands for all that it is joined with."""
    leader: dict[int, int] = {}

    def of(place: int) -> int:
        while place in leader:
            place = leader[place]
        return place

    for pair in found:
        one, other = sorted((of(pair.first), of(pair.second)))
        if one != other:
            leader[other] = one
    return of


def _batches(pairs: Candidates) -> Iterator[Candidates]:
    for start in range(0, len(pairs), BATCH):
        yield pairs[start : start + BATCH]


class _Search:
    """Looks closer and closer at candidates."""

    def __init__(self, thumbnails: Thumbnails, fine: Fine, sides: npt.NDArray[np.int64]) -> None:
        """See `pairs`."""
        self._thumbnails, self._fine, self._sides = thumbnails, fine, sides
        self._others = np.random.default_rng(0).permutation(len(sides))[: evidence.OTHERS]
        self._shown: dict[int, tuple[evidence.Values, evidence.Values]] = {}

    def near(self, pairs: Candidates) -> list[Found]:
        """Those of some candidates for which anything speaks."""
        kept, maps = self._fitted(pairs)
        if not len(kept):
            return []
        pairs = pairs[kept]
        one, other = self._both(pairs, FINE_SIDE)
        maps = fitted(one, other, maps, steps=3)
        one, other = detail(one, 2.5), detail(other, 2.5)
        score, as_they_are = agreement(one, other, maps), agreement(one, other, unmoved(len(one)))
        is_near = (score >= NEAR) & (agreement_by_square(one, other, maps) >= NEAR_BY_SQUARE)
        if not is_near.any():
            return []
        is_unmoved = as_they_are >= score - UNMOVED
        verdicts = self._verdicts(pairs[is_near], maps[is_near], is_unmoved[is_near]).tolist()
        pairs, score = pairs[is_near], score[is_near]
        rows = zip(pairs.first.tolist(), pairs.second.tolist(), score.tolist(), pairs.turn.tolist(), strict=True)
        return [(Pair(*row), Evidence(each)) for row, each in zip(rows, verdicts, strict=True) if each]

    def _fitted(self, pairs: Candidates) -> tuple[Places, Maps]:
        """The places of those that agree at 16 and at 32 px, and how the second lies on the first."""
        one = self._thumbnails[pairs.first].astype(np.float32)
        other = each_turned(self._thumbnails[pairs.second].astype(np.float32), pairs.turn)
        half, other_half = halved(one), halved(other)
        sharp = detail(half, 1.5), detail(other_half, 1.5)
        kept, maps = _passed((blurred(half, 0.8), blurred(other_half, 0.8)), sharp, unmoved(len(one)), COARSE)
        one, other = one[kept], other[kept]
        passed, maps = _passed((one, other), (detail(one, 2.0), detail(other, 2.0)), maps, MIDDLE)
        return kept[passed], maps

    def _verdicts(self, pairs: Candidates, maps: Maps, is_unmoved: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Whether what agrees tells them from others of their making."""
        result = np.zeros(len(pairs), np.int64)
        shorter = np.minimum(self._sides[pairs.first], self._sides[pairs.second])
        levels = evidence.level(shorter)
        for side in np.unique(levels).tolist():
            moved = np.flatnonzero((levels == side) & ~is_unmoved)
            if len(moved):
                result[moved] = evidence.when_moved(*self._both(pairs[moved], side), maps[moved], shorter[moved])
            others = np.flatnonzero((levels == side) & is_unmoved)
            if len(others):
                one, other = self._both(pairs[others], side)
                known = self._known(one, pairs[others], side)
                result[others] = evidence.as_they_are(one, other, shorter[others], known)
        return result

    def _known(self, one: Pixels, pairs: Candidates, side: int) -> npt.NDArray[np.float32]:
        """Which part of the data set shows at each place the same as the first pictures of some pairs."""
        if side not in self._shown:
            self._shown[side] = evidence.slopes_in_squares(self._fine(self._others, side))
        is_else = (self._others != pairs.first[:, None]) & (self._others != pairs.second[:, None])
        return evidence.shown_by(one, self._shown[side], is_else)

    def _both(self, pairs: Candidates, side: int) -> tuple[Pixels, Pixels]:
        """The pictures of some pairs, the second ones turned."""
        places, inverse = np.unique(np.concatenate([pairs.first, pairs.second]), return_inverse=True)
        pictures = self._fine(places, side)
        return pictures[inverse[: len(pairs)]], each_turned(pictures[inverse[len(pairs) :]], pairs.turn)


def _passed(
    pictures: tuple[Pixels, Pixels], details: tuple[Pixels, Pixels], maps: Maps, asked: Sequence[tuple[int, float]]
) -> tuple[Places, Maps]:
    """The places of the pairs that agree as it is asked for after so many more iterations each, and their maps."""
    kept = np.arange(len(maps))
    for steps, least in asked:
        if not len(kept):
            break
        maps = fitted(pictures[0][kept], pictures[1][kept], maps, steps=steps)
        is_enough = agreement(details[0][kept], details[1][kept], maps) >= least
        kept, maps = kept[is_enough], maps[is_enough]
    return kept, maps
