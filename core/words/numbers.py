"""Numbers as they are said: counts, shares, sizes and times, with no digit that means nothing."""

from decimal import Decimal

SHOWS_TENTHS = 1000  # pictures from which on a tenth of a percent means something

Interval = tuple[float, float]


def count(number: int, noun: str) -> str:
    """ "1 picture", "1,200 pictures"."""
    return f"{number:,} {_behind(noun, is_one=number == 1)}"


def _behind(noun: str, *, is_one: bool) -> str:
    """A noun behind a number."""
    return noun if is_one else f"{noun}s"


def size(size_bytes: int) -> str:
    """A number of bytes in words, such as "8.6 GB"."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}"
    return f"{size_bytes} bytes"


def gigabytes(size_bytes: int) -> str:
    """A size of memory in words, such as "1.3 GB"."""
    return f"{size_bytes / 1e9:.2g}\xa0GB" if size_bytes < 1e9 else f"{size_bytes / 1e9:.1f}\xa0GB"


def duration(seconds: float) -> str:
    """So long, in words, and no finer than an estimate is: "8 s", "45 s", "3 min", "1 h 20 min"."""
    if seconds < 10:
        return f"{max(1, round(seconds))}\xa0s"
    if seconds < 57.5:
        return f"{5 * round(seconds / 5)}\xa0s"
    if seconds < 3570:
        return f"{round(seconds / 60)}\xa0min"
    minutes = 10 * round(seconds / 600)
    return f"{minutes // 60}\xa0h" + (f" {minutes % 60}\xa0min" if minutes % 60 else "")


def measured(seconds: float) -> str:
    """So long as it was timed, in the same words wherever it stands: "22.7 s", "12 min 34 s", "1 h 2 min 3 s"."""
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min {rest} s" if minutes >= 60 else f"{minutes} min {rest} s"


def two_digits(number: float) -> str:
    """A rate with no more digits than it deserves, and never none: 0.004, 0.53, 8.1, 320."""
    if number >= 100:
        return f"{round(number, -1):,.0f}"
    if 0 < number < 0.1:
        return f"{Decimal(f'{number:.0e}'):f}"
    return f"{number:.0f}" if number >= 10 else f"{number:.1f}" if number >= 1 else f"{number:.2f}"


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
        worse, better = map(_points, ends)
        return f"{worse} worse to {better} better"
    near, far = sorted((abs(low), abs(high)))
    return f"{_hundredths(near, n)} to {_hundredths(far, n)} points {'better' if high > 0 else 'worse'}"


def signed_points(difference: float, n: int) -> str:
    """A difference of two shares of n pictures in percentage points: "+32 points", "−3 points", "0 points"."""
    size = _hundredths(abs(difference), n)
    sign = "" if difference == 0 else "+" if difference > 0 else "\u2212"
    return f"{sign}{_points(size)}"


def _points(number: str) -> str:
    return f"{number} {_behind('point', is_one=number == '1')}"


def _hundredths(share: float, n: int) -> str:
    """Whole hundredths, tenths of them from 1,000 pictures on; nothing is rounded to all or to nothing."""
    decimals = 0 if n < SHOWS_TENTHS else 1
    while 0 < share < 1 and round(100 * share, decimals) in (0, 100):
        decimals += 1
    return f"{100 * share:.{decimals}f}"
