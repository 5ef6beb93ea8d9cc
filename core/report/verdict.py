"""Which of two arms' answers are right → is one better, by how much, and how to say it without false digits."""

from collections.abc import Sequence
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


def holm(p_values: Sequence[float]) -> list[float]:
    """p values of several tests, in the same order, so corrected that all of them together err as often as one."""
    corrected, largest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = largest
    return corrected


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
