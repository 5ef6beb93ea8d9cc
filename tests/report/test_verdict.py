import numpy as np
import pytest

from core.report.verdict import Verdict, bootstrap, decide, holm, mcnemar, wilson
from core.words.numbers import percent, percent_range, points, signed_points


def paired(both: int, only_transfer: int, only_scratch: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Right answers of the two arms with so many pictures of each outcome."""
    transfer = np.repeat([True, True, False, False], [both, only_transfer, only_scratch, neither])
    scratch = np.repeat([True, False, True, False], [both, only_transfer, only_scratch, neither])
    return transfer, scratch


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_are_those_of_newcombe_1998_table_1(correct, n, low, high):
    assert wilson(correct, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_intervals_stay_between_none_and_all():
    assert wilson(26, 26)[1] == 1.0
    assert wilson(0, 26)[0] == 0.0


@pytest.mark.parametrize(
    ("only_transfer", "only_scratch", "p_value"),
    [(6, 0, 2 / 2**6), (0, 5, 2 / 2**5), (8, 1, 2 * (1 + 9) / 2**9), (3, 3, 1.0), (121, 59, 4.434446e-06)],
)
def test_mcnemar_counts_the_pictures_that_only_one_arm_gets_right(only_transfer, only_scratch, p_value):
    assert mcnemar(*paired(10, only_transfer, only_scratch, 4)) == pytest.approx(p_value, rel=1e-6)


def test_mcnemar_of_arms_that_never_disagree_shows_nothing():
    assert mcnemar(*paired(20, 0, 0, 5)) == 1.0


def test_the_bootstrap_gives_the_same_interval_every_time():
    assert bootstrap(*paired(16, 8, 1, 1)) == bootstrap(*paired(16, 8, 1, 1))


def test_the_bootstrap_is_near_the_normal_interval_on_many_pictures():
    only_transfer, only_scratch, n = 300, 200, 2000
    difference = (only_transfer - only_scratch) / n
    error = np.sqrt((only_transfer + only_scratch) / n - difference**2) / np.sqrt(n)
    expected = (difference - 1.96 * error, difference + 1.96 * error)
    assert bootstrap(*paired(1000, only_transfer, only_scratch, 500)) == pytest.approx(expected, abs=0.001)


def test_the_bootstrap_is_paired_so_agreement_narrows_it():
    agreeing, disagreeing = bootstrap(*paired(80, 10, 0, 10)), bootstrap(*paired(50, 30, 20, 0))
    assert agreeing[1] - agreeing[0] < disagreeing[1] - disagreeing[0]


def test_about_95_of_100_bootstrap_intervals_hold_the_true_difference():
    random, shares = np.random.default_rng(5), (0.55, 0.25, 0.10, 0.10)
    intervals = [bootstrap(*paired(*random.multinomial(150, shares))) for _ in range(300)]
    assert 0.91 <= np.mean([low <= 0.15 <= high for low, high in intervals]) <= 0.98


def test_changing_the_arms_changes_the_sign_alone():
    transfer, scratch = paired(16, 8, 1, 1)
    low, high = bootstrap(scratch, transfer)
    assert bootstrap(transfer, scratch) == pytest.approx((-high, -low), abs=0.04)  # a picture is 1 / 26


@pytest.mark.parametrize(
    ("difference", "interval", "p_value", "n", "verdict"),
    [
        (0.3, (0.15, 0.46), 0.003, 26, Verdict.TRANSFER),
        (-0.2, (-0.32, -0.08), 0.01, 100, Verdict.SCRATCH),
        (0.03, (0.001, 0.06), 0.049, 1000, Verdict.TRANSFER),
        (0.02, (-0.03, 0.07), 0.5, 400, Verdict.NO_DIFFERENCE),
        (0.05, (-0.05, 0.15), 0.4, 400, Verdict.NO_DIFFERENCE),  # just ± 0.10
        (0.08, (-0.06, 0.18), 0.2, 60, Verdict.TOO_FEW),
        (0.2, (-0.1, 0.5), 0.05, 20, Verdict.TOO_FEW),
    ],
)
def test_mcnemar_decides_and_else_the_width_of_the_interval(difference, interval, p_value, n, verdict):
    assert decide(difference, interval, p_value, n=n) is verdict


def test_a_handful_of_pictures_without_a_disagreement_is_too_few_however_narrow_the_interval():
    assert decide(0.0, (0.0, 0.0), 1.0, n=5) is Verdict.TOO_FEW
    assert decide(0.0, (0.0, 0.0), 1.0, n=300) is Verdict.NO_DIFFERENCE


@pytest.mark.parametrize(
    ("share", "n", "text"),
    [
        (24 / 26, 26, "92 %"),
        (1.0, 26, "100 %"),
        (0.0, 26, "0 %"),
        (379 / 380, 380, "99.7 %"),  # not all
        (1 / 900, 900, "0.1 %"),  # not none
        (0.94321, 5000, "94.3 %"),
        (0.99999, 100_000, "99.999 %"),
    ],
)
def test_percent_has_no_false_digits_and_rounds_nothing_to_all_or_none(share, n, text):
    assert percent(share, n).replace("\xa0", " ") == text


def test_a_range_of_percent_names_the_unit_once():
    assert percent_range((0.758, 0.979), 26).replace("\xa0", " ") == "76 to 98 %"


@pytest.mark.parametrize(
    ("low", "high", "n", "text"),
    [
        (0.18, 0.46, 26, "18 to 46 points better"),
        (0.0, 0.08, 100, "0 to 8 points better"),
        (0.004, 0.12, 300, "0.4 to 12 points better"),  # not "0": it was shown that one is better
        (-0.32, -0.08, 100, "8 to 32 points worse"),
        (-0.08, 0.0, 100, "0 to 8 points worse"),
        (-0.01, 0.04, 400, "1 point worse to 4 points better"),
        (0.0312, 0.0487, 20_000, "3.1 to 4.9 points better"),
    ],
)
def test_a_difference_is_said_in_points(low, high, n, text):
    assert points(low, high, n) == text


def test_a_difference_is_said_with_its_sign_and_unit():
    assert signed_points(0.316, 41) == "+32 points"
    assert signed_points(-0.01, 100) == "−1 point"
    assert signed_points(0.0, 41) == "0 points"


def test_several_p_values_are_corrected_as_holm_says():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.04]) == [0.04]
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
