"""Small grey pictures laid upon each other: how one must be moved and scaled to fit another, and how well it does.

Many pairs at once, in NumPy. The fit is Gauss and Newton's on an affine map with gain and offset (Baker and Matthews
2004, "Lucas-Kanade 20 years on"). What is compared then is what is left of both without their slow changes of
brightness: two photographs of different things on one table agree in these.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.float32]  # (n, side, side), grey, 0 to 255
Maps = npt.NDArray[np.float32]  # (n, 2, 3): where in the second picture lies a place of the first; both from -1 to 1

LARGEST_STEP = 0.06  # of one iteration, so that none jumps to another fit
LARGEST_CHANGE = 0.25  # of scale and turn (as a sine), and twice the share of the side by which it may be moved
SMALLEST_OVERLAP = 0.7  # of the first picture's pixels
GAINS = 0.3, 3.0  # a copy may be darker or of less contrast
DAMPING = 1e-3
IN_CACHE = 32_768  # pixels of pictures at a time, so that what a fit needs of memory stays in the processor's cache
SQUARE = 8  # px
SOMETHING = 6.0  # standard deviation of grey in a square from which on it counts much; noise has less


def halved(pictures: Pixels) -> Pixels:
    """Half the side, each pixel the mean of four."""
    rows = pictures[:, ::2] + pictures[:, 1::2]
    return np.asarray((rows[:, :, ::2] + rows[:, :, 1::2]) / 4, np.float32)


def detail(pictures: Pixels, sigma: float) -> Pixels:
    """What is left of pictures without what changes slowly over `sigma` pixels."""
    kernel = _blur(pictures.shape[1], sigma)
    return np.asarray(pictures - kernel @ pictures @ kernel.T, np.float32)


def blurred(pictures: Pixels, sigma: float) -> Pixels:
    """Pictures smoothed by a Gaussian of `sigma` pixels."""
    kernel = _blur(pictures.shape[1], sigma)
    return np.asarray(kernel @ pictures @ kernel.T, np.float32)


@cache
def _blur(side: int, sigma: float) -> npt.NDArray[np.float32]:
    """A Gaussian blur along one axis as a matrix, of shape (side, side); each row adds up to 1."""
    places = np.arange(side)
    weights = np.exp(-0.5 * ((places[:, None] - places[None, :]) / sigma) ** 2)
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)


def unmoved(n: int) -> Maps:
    """`n` maps that leave everything where it is."""
    return np.tile(np.array([[1, 0, 0], [0, 1, 0]], np.float32), (n, 1, 1))


def fitted(first: Pixels, second: Pixels, maps: Maps, *, steps: int) -> Maps:
    """Maps that lay each second picture better on its first one, `steps` iterations on from `maps`."""
    n, side, _ = first.shape
    some = max(1, IN_CACHE // side**2)  # at a time
    parts = [slice(start, start + some) for start in range(0, n, some)]
    for _ in range(steps):
        maps = np.concatenate([maps[:0], *(_step(first[part], second[part], maps[part]) for part in parts)])
    return maps


def _step(first: Pixels, second: Pixels, maps: Maps) -> Maps:
    """One iteration."""
    n, side, _ = first.shape
    x, y = _grid(side)
    values, slope_x, slope_y, inside = _moved(second, maps, slopes=True)
    weight = inside / inside.sum(1, keepdims=True).clip(1)
    wanted = first.reshape(n, -1)
    centred = (values - (values * weight).sum(1, keepdims=True)) * inside
    goal = (wanted - (wanted * weight).sum(1, keepdims=True)) * inside
    gain = ((centred * goal).sum(1) / ((centred**2).sum(1) + 1e-3)).clip(*GAINS)[:, None]
    slope_x *= gain * inside
    slope_y *= gain * inside
    jacobian = np.empty((n, 8, side**2), np.float32)
    for place, column in enumerate((slope_x * x, slope_x * y, slope_x, slope_y * x, slope_y * y, slope_y)):
        jacobian[:, place] = column
    jacobian[:, 6], jacobian[:, 7] = centred, inside
    square = jacobian @ jacobian.transpose(0, 2, 1)
    rank = np.arange(square.shape[1])
    square[:, rank, rank] += DAMPING * square[:, rank, rank] + 1e-2
    step = np.linalg.solve(square, jacobian @ (goal - gain * centred)[:, :, None])[:, :6, 0]
    return maps + step.clip(-LARGEST_STEP, LARGEST_STEP).reshape(n, 2, 3).astype(np.float32)


def laid(first: Pixels, second: Pixels, maps: Maps) -> tuple[Pixels, Pixels, Pixels, npt.NDArray[np.float32]]:
    """Pairs as they lie upon each other, centred and 0 outside of each other, the second with the first's contrast.

    Returns:
        The first and the second pictures; 1 where they overlap; the gain of the second's contrast, shape (n,).
    """
    values, _, _, inside = (each.reshape(first.shape) for each in _moved(second, maps, slopes=False))
    weight = inside / inside.sum((1, 2), keepdims=True).clip(1)
    one = (first - (first * weight).sum((1, 2), keepdims=True)) * inside
    other = (values - (values * weight).sum((1, 2), keepdims=True)) * inside
    gain = (one * other).sum((1, 2)) / ((other**2).sum((1, 2)) + 1e-3)
    return one, other * gain[:, None, None], inside, gain


def agreement(first: Pixels, second: Pixels, maps: Maps) -> npt.NDArray[np.float32]:
    """The correlation of each pair where they overlap, shape (n,); 0 where a map goes too far to be of a near-copy."""
    values, _, _, inside = _moved(second, maps, slopes=False)
    weight = inside / inside.sum(1, keepdims=True).clip(1)
    wanted = first.reshape(len(first), -1)
    one = wanted - (wanted * weight).sum(1, keepdims=True)
    other = values - (values * weight).sum(1, keepdims=True)
    spread = np.sqrt((one**2 * weight).sum(1) * (other**2 * weight).sum(1))
    correlation = (one * other * weight).sum(1) / (spread + 1e-2)
    is_near = (np.abs(maps - unmoved(1)) <= LARGEST_CHANGE).all((1, 2)) & (inside.mean(1) >= SMALLEST_OVERLAP)
    return np.asarray(np.where(is_near, correlation, 0.0), np.float32)


def agreement_by_square(first: Pixels, second: Pixels, maps: Maps) -> npt.NDArray[np.float32]:
    """The mean correlation of each pair over squares of `SQUARE` pixels that show something, shape (n,).

    A frame around pictures, or a caption, has most of their detail, but lies in few of their squares.
    """
    values, _, _, inside = _moved(second, maps, slopes=False)
    one, other, inside = (_squares(each.reshape(first.shape)) for each in (first, values, inside))
    weight = inside / inside.sum(2, keepdims=True).clip(1)
    one = one - (one * weight).sum(2, keepdims=True)
    other = other - (other * weight).sum(2, keepdims=True)
    shown, shown_too = (one**2 * weight).sum(2), (other**2 * weight).sum(2)
    correlation = (one * other * weight).sum(2) / (np.sqrt(shown * shown_too) + 0.5)
    most = np.maximum(shown, shown_too)
    weight_of_square = most / (most + SOMETHING**2) * inside.mean(2)
    total = weight_of_square.sum(1).clip(0.3)
    return np.asarray((correlation * weight_of_square).sum(1) / total, np.float32)


def _squares(pictures: Pixels) -> npt.NDArray[np.float32]:
    """Shape (n, squares, SQUARE * SQUARE)."""
    n, side, _ = pictures.shape
    across = side // SQUARE
    return pictures.reshape(n, across, SQUARE, across, SQUARE).swapaxes(2, 3).reshape(n, across**2, SQUARE**2)


@cache
def _grid(side: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    axis = (np.arange(side, dtype=np.float32) * 2 + 1) / side - 1
    x, y = np.meshgrid(axis, axis)
    return np.asarray(x.ravel(), np.float32), np.asarray(y.ravel(), np.float32)


def _moved(pictures: Pixels, maps: Maps, *, slopes: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pictures at the mapped places, their slopes there, and 1 where that is inside of them; each (n, side * side)."""
    n, side, _ = pictures.shape
    x, y = _grid(side)
    across = (maps[:, 0, 0:1] * x + maps[:, 0, 1:2] * y + maps[:, 0, 2:3] + 1) * (side / 2) - 0.5
    down = (maps[:, 1, 0:1] * x + maps[:, 1, 1:2] * y + maps[:, 1, 2:3] + 1) * (side / 2) - 0.5
    last = side - 1.001
    inside = ((across >= -0.25) & (across <= last + 0.25) & (down >= -0.25) & (down <= last + 0.25)).astype(np.float32)
    across, down = across.clip(0, last), down.clip(0, last)
    column, row = np.floor(across), np.floor(down)
    right, below = across - column, down - row  # with whole numbers of another type these would be of double precision
    place = (row * side + column).astype(np.int32) + (np.arange(n, dtype=np.int32) * side * side)[:, None]
    flat = np.ascontiguousarray(pictures).reshape(-1)
    a, b, c, d = (flat.take(place + offset, mode="clip") for offset in (0, 1, side, side + 1))  # all are inside
    upper, lower = a + (b - a) * right, c + (d - c) * right
    values = upper + (lower - upper) * below
    if not slopes:
        return values, values, values, inside
    slope_x = ((b - a) + ((d - c) - (b - a)) * below) * (side / 2)
    return values, slope_x, (lower - upper) * (side / 2), inside
