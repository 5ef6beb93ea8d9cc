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
from core.words import sentences
from core.words.names import IN_A_SENTENCE, shortened
from core.words.numbers import Interval
from core.words.said import Said, say

CLEAR = 0.1  # of the pictures: a difference that is at least so large, with 95 % confidence, is a clear one


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
        first_n, second_n, both = len(keys[0]), len(keys[1]), len(keys[0] & keys[1])
        raise InputError("report.other-pictures", n=first_n, n_other=second_n, n_both=both)


def sentence(transfer: Score, scratch: Score, interval: Interval, verdict: Verdict) -> str:
    """The verdict in counts, as one would say it aloud. `interval` is that of transfer minus scratch."""
    outcome = say(f"outcome.{_outcome(interval, verdict)}")
    said = say("verdict.both", transfer=transfer.correct, scratch=scratch.correct, n=transfer.n, outcome=outcome)
    return sentences.sentence(said)


def _outcome(interval: Interval, verdict: Verdict) -> str:
    low, high = interval
    if verdict is Verdict.TRANSFER:
        return "clear-transfer" if low >= CLEAR else "transfer"
    if verdict is Verdict.SCRATCH:
        return "clear-scratch" if -high >= CLEAR else "scratch"
    if interval == (0.0, 0.0):
        return "same"
    return "no-difference" if verdict is Verdict.NO_DIFFERENCE else "too-few"


def margin(interval: Interval, n: int) -> str:
    """By how much, with 95 % confidence, which the verdict leaves out. `interval` is that of transfer minus scratch."""
    if interval == (0.0, 0.0):
        return sentences.sentence(say("margin.same"))
    return sentences.sentence(say("margin.difference", difference=share_of(interval, n)))


def alone(scores: Mapping[ArmLabel, Score]) -> str:
    """What can be said where there is no pair to compare: one arm's score, or that of each."""
    if len(scores) > 1:
        each = (say("verdict.one-of-many", arm=label.text, right=one.correct, n=one.n) for label, one in scores.items())
        return " ".join(map(sentences.sentence, each))
    for label, one in scores.items():
        return sentences.sentence(say("verdict.alone", arm=label.text, right=one.correct, n=one.n))
    return sentences.sentence(say("verdict.nothing"))


def margin_alone(one: Score) -> str:
    """How sure one arm's score is."""
    return sentences.sentence(say("margin.alone", interval=share_of(one.interval, one.n)))


def below_the_line(scores: Mapping[ArmLabel, Score]) -> list[str]:
    """A sentence for each arm that is not shown to be better than always answering the largest class."""
    low = {label: one for label, one in scores.items() if not one.is_above_largest_class}
    return [sentences.sentence(_below_the_line(label, one)) for label, one in low.items()]


def _below_the_line(label: ArmLabel, one: Score) -> Said:
    largest, line = shortened(one.largest_class, IN_A_SENTENCE), {"share": one.largest_class_accuracy, "of": one.n}
    if one.accuracy <= one.largest_class_accuracy:
        return say("remark.below-the-line", arm=label.text, label=largest, line=line)
    interval = share_of(one.interval, one.n)
    return say("remark.on-the-line", arm=label.text, label=largest, line=line, interval=interval)


def far_from_exact(label: ArmLabel, facts: ArmFacts) -> str:
    """A sentence where the training saw outputs of the frozen part that are too far from those that are scored."""
    check = facts.fast_check
    if not check or check.passed:
        return ""
    said = say("remark.far-from-exact", arm=label.text, n=check.answers_differ, n_all=check.pictures)
    return sentences.sentence(said)


def share_of(interval: Interval, n: int) -> dict[str, float]:
    """An interval of a share of n pictures as a value, for words that know what n pictures can tell."""
    return {"low": interval[0], "high": interval[1], "of": n}
