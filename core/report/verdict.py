"""Which of two arms' answers are right → is one better, by how much, and how to say it without false digits."""

from enum import StrEnum

import numpy as np
import numpy.typing as npt

SIGNIFICANT = 0.05
WIDE = 0.10  # half the width of an interval from which on it says too little
DRAWS = 10_000
SHOWS_TENTHS = 1000  # pictures from which on a tenth of a percent means something

Interval = tuple[float, float]
Right = npt.NDArray[np.bool_]  # for each test picture whether an arm is right


class Verdict(StrEnum):
    """What the comparison of two arms comes to."""

    TRANSFER = "transfer better"
    SCRATCH = "scratch better"
    NO_DIFFERENCE = "no difference shown"
    TOO_FEW = "too few test pictures to say"


def wilson(correct: int, n: int) -> Interval:
    """The 95 % interval of an accuracy (Wilson 1927), which stays within 0 and 1 and serves small n."""
    from scipy.stats import binomtest  # here, for the server opens most pages without SciPy

    interval = binomtest(correct, n).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar(transfer: Right, scratch: Right) -> float:
    """McNemar's exact two-sided p: could a fair coin have dealt out the pictures that only one arm gets right?

    Dietterich 1998, "Approximate statistical tests for comparing supervised classification learning algorithms".
    """
    only_transfer, only_scratch = int((transfer & ~scratch).sum()), int((scratch & ~transfer).sum())
    if only_transfer + only_scratch == 0:
        return 1.0
    from scipy.stats import binomtest  # here: see `wilson`

    return float(binomtest(only_transfer, only_transfer + only_scratch).pvalue)


def bootstrap(transfer: Right, scratch: Right, *, seed: int = 0) -> Interval:
    """The 95 % percentile interval of transfer minus scratch, over `DRAWS` resamples of the pictures.

    A resample of n pictures is a multinomial draw over the four outcomes: neither right, one, the other, both
    (Efron and Tibshirani 1993, chapter 13).
    """
    n = len(transfer)
    outcomes = np.bincount(2 * transfer.astype(int) + scratch, minlength=4)
    draws = np.random.default_rng(seed).multinomial(n, outcomes / n, size=DRAWS)
    low, high = np.quantile((draws[:, 2] - draws[:, 1]) / n, [0.025, 0.975])
    return float(low), float(high)


def decide(difference: float, interval: Interval, p_value: float, *, n: int) -> Verdict:
    """The verdict: McNemar's p below 0.05 decides; else a wide interval means that the test part is too small.

    A bootstrap cannot draw what did not happen: where the arms hardly disagree on few pictures its interval is too
    narrow, or empty. What happened on none of n pictures may yet happen on 3 / n of all (Hanley and Lippman-Hand 1983,
    "If nothing goes wrong, is everything all right?"), so half the width counts as at least that.
    """
    if p_value < SIGNIFICANT:
        return Verdict.TRANSFER if difference > 0 else Verdict.SCRATCH
    half_width = max((interval[1] - interval[0]) / 2, 3 / n)
    return Verdict.TOO_FEW if half_width > WIDE else Verdict.NO_DIFFERENCE


def percent(share: float, n: int) -> str:
    """A share of n pictures in percent, with no digit finer than n pictures can tell."""
    return f"{_hundredths(share, n)}\xa0%"


def percent_range(interval: Interval, n: int) -> str:
    """An interval of a share of n pictures: "76 to 98 %"."""
    return f"{_hundredths(interval[0], n)} to {percent(interval[1], n)}"


def points(low: float, high: float, n: int) -> str:
    """An interval of a difference in percentage points: "18 to 46 points better"."""
    if low < 0 < high:
        ends = [_hundredths(abs(end), n) for end in (low, high)]
        worse, better = (f"{end} point{'' if end == '1' else 's'}" for end in ends)
        return f"{worse} worse to {better} better"
    near, far = sorted((abs(low), abs(high)))
    return f"{_hundredths(near, n)} to {_hundredths(far, n)} points {'better' if high > 0 else 'worse'}"


def signed_points(difference: float, n: int) -> str:
    """A difference of two shares of n pictures in percentage points: "+32 points", "−3 points", "0 points"."""
    size = _hundredths(abs(difference), n)
    sign = "" if difference == 0 else "+" if difference > 0 else "\u2212"
    return f"{sign}{size} point{'' if size == '1' else 's'}"


def _hundredths(share: float, n: int) -> str:
    """Whole hundredths, tenths of them from 1,000 pictures on; nothing is rounded to all or to nothing."""
    decimals = 0 if n < SHOWS_TENTHS else 1
    while 0 < share < 1 and round(100 * share, decimals) in (0, 100):
        decimals += 1
    return f"{100 * share:.{decimals}f}"
