"""Whether two pictures that fit upon each other are near-copies, or only of one making.

Two discs fit, two pieces of a striped cloth, two windows of one program. What tells a picture from others of its making
lies where its brightness changes in more than one direction: corners, texture, grain. So in each of 8 by 8 squares the
slopes along the weaker direction are compared: along stripes and outlines there are none, however well these agree.

What has to agree depends on how the pictures lie upon each other. If it is as they are, without being moved, that alone
says much; only what many pictures of the data set show at the same place (a frame, a form) says nothing. If one has to
be moved or scaled, there must be much that agrees, and no other way to lay them.
"""

from collections.abc import Iterator
from enum import IntEnum
from functools import cache

import numpy as np
import numpy.typing as npt

from core.data.near.alignment import Maps, Pixels, detail, fitted, laid, unmoved

SQUARES = 8  # along each side
SMALL_SIDE, SIDE = 64, 128  # px at which pictures are compared whose shorter side is less than the larger one, or not
NOISE = 1.5  # grey a pixel: the slopes that compressing leaves in a picture of 200 px or more
NOISE_PIXELS, MOST_NOISE = 200, 8.0  # in a smaller one there are more
GAINS, GAINS_OF_LITTLE = (0.4, 2.5), (0.8, 1.25)  # of contrast, between near-copies
SIMPLE = 2.0  # squares: a picture with less to compare shows nothing but outlines and stripes
SHARE, SHARE_WHEN_MOVED, SHARE_OF_LITTLE = 0.45, 0.6, 0.66  # of what there is to compare, that agrees
NEARLY = 0.65  # of these, so that a map found in smaller pictures is worth another fit
ENOUGH = {SMALL_SIDE: 15.0, SIDE: 6.5}  # squares that agree, in pictures that were moved
MUCH = 16.0  # the same in pictures that are hardly alike by their making
ELSE = 25.0  # grey, by which a square differs on average if it shows something else
IN_SPITE = 22.0  # squares that agree, for which such a one is no matter
APART, FARTHEST = 5 / 64, 0.44  # of the side: a picture that agrees with itself so far off, in two directions, by
REPEATED = 0.7  # of that, is periodic, and could be laid there as well
SECTORS = 8  # that directions are divided into, of which neighbours are not two
OTHERS = 32  # pictures of the data set, of which
FEWEST_OTHERS = 16  # are counted at least, where there are less
COMMON = 0.2  # if this part of them shows the same at one place, that counts nothing
SAME = 0.6  # agreement of two squares that show the same
MOST, SHARE_OF_REST = 0.5, 0.75  # if less is left of what there is to compare, so much of it must agree;
OWN, WHOLE = 0.15, 0.95  # and if hardly anything is left, so much of all

Values = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]


class Evidence(IntEnum):
    """What speaks for two pictures being near-copies."""

    NOTHING = 0
    LITTLE = 1  # it counts unless there are several such pairs of one picture
    ENOUGH = 2


def level(shorter_side: Places) -> Places:
    """In how many pixels pictures are compared, by their shorter side."""
    return np.where(shorter_side < SIDE, SMALL_SIDE, SIDE)


def as_they_are(one: Pixels, other: Pixels, shorter_side: Places, known: Values) -> Places:
    """A `Verdict` on each pair of pictures that agree as they are.

    Args:
        one: The first pictures, of `SMALL_SIDE` or `SIDE` px.
        other: The second ones, turned as the first.
        shorter_side: Of the smaller one of both as it is stored, px.
        known: For each first picture and square the share of the data set that shows the same there: `shown_by`.
    """
    found = _Compared(one, other, unmoved(len(one)), shorter_side)
    own = found.weight * (1 - (known / COMMON).clip(0, 1))
    own_agreed, own_total = (found.alike * own).sum(1), own.sum(1)
    has_own = own_total >= np.maximum(SIMPLE, OWN * found.total)
    share = np.where(own_total < MOST * found.total, SHARE_OF_REST, SHARE)
    is_whole = ~has_own & (found.agreed >= WHOLE * found.total)
    return found.verdicts(has_own & (own_agreed >= share * own_total), (found.total < SIMPLE) | is_whole)


def when_moved(one: Pixels, other: Pixels, maps: Maps, shorter_side: Places) -> Places:
    """A `Verdict` on each pair of pictures that agree when the second is moved as a map tells; see `as_they_are`."""
    result, enough = np.zeros(len(one), np.int64), ENOUGH[one.shape[1]]
    found = _Compared(one, other, maps, shorter_side)
    kept = np.flatnonzero((found.agreed >= NEARLY * enough) & (found.share >= NEARLY * SHARE_WHEN_MOVED))
    if len(kept):
        one, other = one[kept], other[kept]
        maps = fitted(one, other, maps[kept], steps=2)  # it was found in smaller pictures
        found = _Compared(one, other, maps, shorter_side[kept])
        is_much = (found.share >= SHARE_WHEN_MOVED) & (found.agreed >= MUCH)
        is_little = (found.share >= SHARE_OF_LITTLE) & (found.agreed >= enough) & found.is_gain_in(GAINS_OF_LITTLE)
        is_alike = is_much | is_little
        is_alike[is_alike] = [_repeated(one, other) < REPEATED for one, other in found.pairs(is_alike)]
        result[kept] = found.verdicts(is_alike & is_much, is_alike)
    return result


class _Compared:
    """How far pairs of pictures agree in what tells them from others."""

    def __init__(self, one: Pixels, other: Pixels, maps: Maps, shorter_side: Places) -> None:
        """As `when_moved`."""
        self._one, self._other, inside, self._gain = laid(one, other, maps)
        self.alike, self.weight = _squares(self._one, self._other, inside, _noise(shorter_side))
        self.agreed, self.total = (self.alike * self.weight).sum(1), self.weight.sum(1)
        self.share = self.agreed / self.total.clip(1e-6)

    def pairs(self, which: npt.NDArray[np.bool_]) -> Iterator[tuple[Values, Values]]:
        """Some pictures as they lie upon each other."""
        return zip(self._one[which], self._other[which], strict=True)

    def is_gain_in(self, ends: tuple[float, float]) -> npt.NDArray[np.bool_]:
        """Whether contrast differs by no more than that."""
        return (self._gain >= ends[0]) & (self._gain <= ends[1])

    def verdicts(self, is_enough: npt.NDArray[np.bool_], is_little: npt.NDArray[np.bool_]) -> Places:
        """A `Verdict` on each pair; none for what differs in contrast or at one place."""
        is_else = np.abs(_by_square(self._one - self._other)).max(1) > ELSE
        is_other = (is_else & (self.agreed < IN_SPITE)) | ~self.is_gain_in(GAINS)
        return np.select([is_other, is_enough, is_little], [Evidence.NOTHING, Evidence.ENOUGH, Evidence.LITTLE])


def shown_by(pictures: Pixels, others: tuple[Values, Values], is_else: npt.NDArray[np.bool_]) -> Values:
    """For each picture and square the share of some others that show the same there, shape (n, SQUARES ** 2).

    Args:
        pictures: Of the same side as the others.
        others: Of them: `slopes_in_squares`.
        is_else: Shape (n, others), which of these count.
    """
    x, y = slopes_in_squares(pictures)
    a, b = (each[:, :, None] for each in _weaker((x * x).sum(2), (y * y).sum(2), (x * y).sum(2)))
    own = a * x + b * y
    across, down = (each.transpose(0, 2, 1) for each in others)
    both = a * (own @ across) + b * (own @ down)
    sums = ((one * other).sum(1)[:, None] for one, other in ((across, across), (across, down), (down, down)))
    theirs = sum(factor * each for factor, each in zip((a * a, 2 * a * b, b * b), sums, strict=True))
    is_same = both >= SAME * np.maximum((own * own).sum(2)[:, :, None], theirs)
    return np.asarray(((is_same & is_else).sum(2) / is_else.sum(1).clip(FEWEST_OTHERS)).T, np.float32)


def slopes_in_squares(pictures: Pixels) -> tuple[Values, Values]:
    """Slopes across and down, each of shape (SQUARES ** 2, n, pixels of a square)."""
    n, side, _ = pictures.shape
    width = side // SQUARES
    across, down = (each.reshape(n, SQUARES, width, SQUARES, width) for each in _slopes(pictures))
    shape = SQUARES**2, n, width**2
    return across.transpose(1, 3, 0, 2, 4).reshape(shape), down.transpose(1, 3, 0, 2, 4).reshape(shape)


def _weaker(xx: Values, yy: Values, xy: Values) -> tuple[Values, Values]:
    """The direction in which slopes are weakest, by sums of their squares and product."""
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    return -np.sin(angle), np.cos(angle)


def _sharp(pictures: Pixels) -> Pixels:
    """The detail of pictures, whatever their side."""
    return detail(pictures, 2.5 * pictures.shape[1] / SMALL_SIDE)


def _noise(shorter_side: Places) -> Values:
    """What compressing may leave in slopes, in grey a pixel."""
    return np.asarray(np.minimum(NOISE * np.maximum(1.0, NOISE_PIXELS / shorter_side), MOST_NOISE), np.float32)


def _slopes(pictures: Pixels) -> tuple[Values, Values]:
    """Across and down, 0 at the border."""
    across, down = np.zeros_like(pictures), np.zeros_like(pictures)
    across[:, :, 1:-1] = (pictures[:, :, 2:] - pictures[:, :, :-2]) / 2
    down[:, 1:-1] = (pictures[:, 2:] - pictures[:, :-2]) / 2
    return across, down


def _squares(one: Pixels, other: Pixels, inside: Values, noise: Values) -> tuple[Values, Values]:
    """How far the slopes along the weaker direction agree, 1 for the same, and how much that counts, from 0 to 1.

    Both of shape (n, SQUARES ** 2).
    """
    is_known = inside.copy()
    for axis in (1, 2):  # a slope needs both neighbours
        is_known *= np.roll(inside, 1, axis) * np.roll(inside, -1, axis)
    (x, y), (u, v) = ([slope * is_known for slope in _slopes(each)] for each in (one, other))
    part = _by_square(is_known)
    xx, yy, xy = _by_square(x * x), _by_square(y * y), _by_square(x * y)
    uu, vv, uv = _by_square(u * u), _by_square(v * v), _by_square(u * v)
    a, b = _weaker(xx + uu, yy + vv, xy + uv)
    first = a * a * xx + 2 * a * b * xy + b * b * yy
    second = a * a * uu + 2 * a * b * uv + b * b * vv
    both = a * a * _by_square(x * u) + a * b * (_by_square(x * v) + _by_square(y * u)) + b * b * _by_square(y * v)
    more = np.maximum(first, second)
    strength = more / part.clip(1e-3)
    weight = strength / (strength + noise[:, None] ** 2) * part
    return np.asarray(both / (more + 1e-6), np.float32), np.asarray(weight, np.float32)


def _by_square(values: Values) -> Values:
    """The mean over each square, shape (n, SQUARES ** 2)."""
    pool = _pool(values.shape[1])
    return np.asarray((pool @ values @ pool.T).reshape(len(values), -1), np.float32)


@cache
def _pool(side: int) -> Values:
    """Means of so many neighbours each, along one axis, as a matrix of shape (SQUARES, side)."""
    return np.repeat(np.eye(SQUARES, dtype=np.float32), side // SQUARES, axis=1) * np.float32(SQUARES / side)


def _repeated(one: Values, other: Values) -> float:
    """The largest agreement of two pictures laid otherwise, in two directions far from each other.

    As a share of their agreement as they are. Along one direction, that of a long edge, any picture may be moved.
    """
    window, overlap, sectors = _shifts(len(one))
    first, second = np.fft.rfft2(_sharp(np.stack([one, other])) * window)
    agreements = np.fft.irfft2(first * second.conj(), one.shape) / overlap
    most = [float(agreements[sector].max()) for sector in sectors]
    pairs = (min(most[place], most[place - apart]) for place in range(SECTORS) for apart in (2, 3, 4))
    return max(pairs) / max(float(agreements[0, 0]), 1e-6)


@cache
def _shifts(side: int) -> tuple[Values, Values, npt.NDArray[np.bool_]]:
    """What fades a picture out towards its border; how much of that overlaps for each shift; those far, by direction.

    The last one of shape (SECTORS, side, side).
    """
    along = np.hanning(side + 2)[1:-1]
    window = along[:, None] * along
    overlap = np.fft.irfft2(np.abs(np.fft.rfft2(window)) ** 2, (side, side))
    down, across = np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side), indexing="ij")
    is_far = (np.hypot(down, across) > APART) & (np.hypot(down, across) < FARTHEST)
    sector = np.floor(np.arctan2(down, across) % np.pi / np.pi * SECTORS).astype(int) % SECTORS
    sectors = (sector == np.arange(SECTORS)[:, None, None]) & is_far
    return window.astype(np.float32), overlap.clip(0.05 * overlap[0, 0]) / overlap[0, 0], sectors
