"""Two arms on the same test pictures → which is better, by how much, and what must be said besides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.errors import InputError
from core.plan.experiment import Arm
from core.report.scores import Score, held_out, score
from core.report.verdict import Verdict, bootstrap, decide, mcnemar
from core.words.names import IN_A_SENTENCE, shortened
from core.words.numbers import Interval, percent, percent_range, points

NAMES = {Arm.TRANSFER: "Transfer learning", Arm.SCRATCH: "From scratch"}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Both arms on the same test pictures. `difference` is transfer minus scratch, as a share from -1 to 1."""

    transfer: Score
    scratch: Score
    difference: float
    interval: Interval  # paired bootstrap, 95 %
    p_value: float  # McNemar, exact
    verdict: Verdict
    sentence: str


def compare(transfer: pd.DataFrame, scratch: pd.DataFrame, classes: Sequence[str]) -> Comparison:
    """Hold two arms' answers on the same test pictures against each other.

    McNemar's exact test decides; the interval of the difference is a paired bootstrap over the pictures, seeded.

    Args:
        transfer: The transfer arm's predictions.
        scratch: The from-scratch arm's predictions.
        classes: All classes, in the order of the confusion matrices.

    Raises:
        InputError: The arms answered different pictures, or the pictures carry different labels.
        RunError: There is no test picture among them.
    """
    first, second = held_out(transfer), held_out(scratch)
    _check_same_pictures(first, second)
    scores = score(first, classes), score(second, classes)
    right = [(rows["true"] == rows["predicted"]).to_numpy(dtype=bool) for rows in (first, second)]
    difference = scores[0].accuracy - scores[1].accuracy
    interval, p_value = bootstrap(*right), mcnemar(*right)
    verdict = decide(difference, interval, p_value, n=len(first))
    said = sentence(*scores, interval, verdict)
    return Comparison(*scores, difference, interval, p_value, verdict, said)


def _check_same_pictures(first: pd.DataFrame, second: pd.DataFrame) -> None:
    keys = [set(zip(frame["picture"], frame["true"], strict=True)) for frame in (first, second)]
    if keys[0] != keys[1]:
        raise InputError(
            f"Expected both arms to answer the same test pictures with the same labels. Found {len(keys[0])} and "
            f"{len(keys[1])}, of which {len(keys[0] & keys[1])} agree. Compare two arms of one experiment."
        )


def sentence(transfer: Score, scratch: Score, interval: Interval, verdict: Verdict) -> str:
    """The verdict as one sentence that could be said aloud. `interval` is that of transfer minus scratch."""
    n = transfer.n
    if verdict is Verdict.SCRATCH:
        opening = f"Training from scratch is right on {_of_pictures(scratch)}, transfer learning on "
        return f"{opening}{percent(transfer.accuracy, n)}: {points(-interval[1], -interval[0], n)} (95\xa0%)."
    opening = f"Transfer learning is right on {_of_pictures(transfer)}, from scratch on {percent(scratch.accuracy, n)}"
    if verdict is Verdict.TRANSFER:
        return f"{opening}: {points(*interval, n)} (95\xa0%)."
    if interval == (0.0, 0.0):
        return f"{opening}: {verdict}, both are right on the same pictures."
    return f"{opening}: {verdict} (transfer learning {points(*interval, n)}, 95\xa0%)."


def alone(scores: Mapping[Arm, Score]) -> str:
    """What can be said when not both arms have scores."""
    for arm, one in scores.items():
        sure = f"{percent_range(one.interval, one.n)} with 95\xa0% confidence"
        return f"{NAMES[arm]} is right on {_of_pictures(one)} ({sure}). There is no other arm's score to compare with."
    return "There are no scores yet, so there is nothing to compare."


def below_the_line(scores: Mapping[Arm, Score]) -> list[str]:
    """A sentence for each arm that is not shown to be better than always answering the largest class."""
    return [_below_the_line(arm, one) for arm, one in scores.items() if not one.is_above_largest_class]


def _below_the_line(arm: Arm, one: Score) -> str:
    largest, line = shortened(one.largest_class, IN_A_SENTENCE), percent(one.largest_class_accuracy, one.n)
    always = f"always answering “{largest}” would be right on {line}"
    if one.accuracy <= one.largest_class_accuracy:
        return f"{NAMES[arm]} is not above the line: {always}."
    return (
        f"{NAMES[arm]} is not shown to be above the line: {always}, "
        f"which lies within its interval of {percent_range(one.interval, one.n)}."
    )


def far_from_exact(arm: Arm, facts: Mapping[str, Any]) -> str:
    """A sentence where the training saw outputs of the frozen part that are too far from those that are scored."""
    check = facts.get("fast_check")
    if not check or check["passed"]:
        return ""
    return (
        f"{NAMES[arm]} was trained on quick outputs of its frozen part, with which {check['answers_differ']:,} of "
        f"{check['pictures']:,} test pictures would be answered otherwise. The scores are those of the exact ones."
    )


def _of_pictures(one: Score) -> str:
    return f"{percent(one.accuracy, one.n)} of {one.n:,} test picture{'' if one.n == 1 else 's'}"
