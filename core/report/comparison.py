"""Two arms on the same test pictures → which is better, by how much, and what must be said besides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import pandas as pd

from core.errors import InputError
from core.plan.facts import ArmFacts
from core.plan.labels import ArmLabel
from core.report.scores import Score, held_out, score
from core.report.verdict import Verdict, bootstrap, decide, holm, mcnemar
from core.words.names import IN_A_SENTENCE, shortened
from core.words.numbers import Interval, percent, percent_range, points


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


@dataclass(frozen=True)
class PairedDifference:
    """Two arms of any number, by name, on the same test pictures. `difference` is a minus b."""

    a: str
    b: str
    n: int  # test pictures
    difference: float
    interval: Interval  # paired bootstrap, 95 %
    p_value: float  # McNemar, exact
    p_holm: float  # corrected for the number of pairs

    @property
    def verdict(self) -> str:
        """As of two arms alone, by the corrected p value: "vgg better", "no difference shown"."""
        found = decide(self.difference, self.interval, self.p_holm, n=self.n)
        return {Verdict.TRANSFER: f"{self.a} better", Verdict.SCRATCH: f"{self.b} better"}.get(found, found.value)

    def corrected(self, p_value: float) -> "PairedDifference":
        """The same pair with its p value corrected."""
        return replace(self, p_holm=p_value)


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
    scores = score(transfer, classes), score(scratch, classes)
    pair = _pair(("transfer", transfer), ("scratch", scratch))
    verdict = decide(pair.difference, pair.interval, pair.p_value, n=pair.n)
    said = sentence(*scores, pair.interval, verdict)
    return Comparison(*scores, pair.difference, pair.interval, pair.p_value, verdict, said)


def pairs(arms: Mapping[str, pd.DataFrame]) -> list[PairedDifference]:
    """Every pair of some arms' predictions on the same test pictures, in the order of the arms.

    With more than one pair some difference shows by chance alone more often than in one time of twenty, so what decides
    is the p value as Holm corrects it (1979, "A simple sequentially rejective multiple test procedure").

    Raises:
        InputError: The arms answered different pictures, or the pictures carry different labels.
    """
    found = [_pair(*two) for two in combinations(arms.items(), 2)]
    corrected = holm([one.p_value for one in found])
    return [one.corrected(p_value) for one, p_value in zip(found, corrected, strict=True)]


def _pair(one: tuple[str, pd.DataFrame], other: tuple[str, pd.DataFrame]) -> PairedDifference:
    first, second = held_out(one[1]), held_out(other[1])
    _check_same_pictures(first, second)
    right = [(rows["true"] == rows["predicted"]).to_numpy(dtype=bool) for rows in (first, second)]
    n, p_value = len(first), mcnemar(*right)
    difference = int(right[0].sum()) / n - int(right[1].sum()) / n
    return PairedDifference(one[0], other[0], n, difference, bootstrap(*right), p_value, p_value)


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


def alone(scores: Mapping[ArmLabel, Score]) -> str:
    """What can be said where there is no pair to compare: one arm's score, or that of each."""
    if len(scores) > 1:
        return " ".join(f"{label.text} is right on {_of_pictures(one)}." for label, one in scores.items())
    for label, one in scores.items():
        sure = f"{percent_range(one.interval, one.n)} with 95\xa0% confidence"
        return f"{label.text} is right on {_of_pictures(one)} ({sure}). There is no other arm's score to compare with."
    return "There are no scores yet, so there is nothing to compare."


def below_the_line(scores: Mapping[ArmLabel, Score]) -> list[str]:
    """A sentence for each arm that is not shown to be better than always answering the largest class."""
    return [_below_the_line(label, one) for label, one in scores.items() if not one.is_above_largest_class]


def _below_the_line(label: ArmLabel, one: Score) -> str:
    largest, line = shortened(one.largest_class, IN_A_SENTENCE), percent(one.largest_class_accuracy, one.n)
    always = f"always answering “{largest}” would be right on {line}"
    if one.accuracy <= one.largest_class_accuracy:
        return f"{label.text} is not above the line: {always}."
    return (
        f"{label.text} is not shown to be above the line: {always}, "
        f"which lies within its interval of {percent_range(one.interval, one.n)}."
    )


def far_from_exact(label: ArmLabel, facts: ArmFacts) -> str:
    """A sentence where the training saw outputs of the frozen part that are too far from those that are scored."""
    check = facts.fast_check
    if not check or check.passed:
        return ""
    return (
        f"{label.text} was trained on quick outputs of its frozen part, with which {check.answers_differ:,} of "
        f"{check.pictures:,} test pictures would be answered otherwise. The scores are those of the exact ones."
    )


def _of_pictures(one: Score) -> str:
    return f"{percent(one.accuracy, one.n)} of {one.n:,} test picture{'' if one.n == 1 else 's'}"
