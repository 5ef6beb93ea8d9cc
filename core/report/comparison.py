"""Two arms on the same test pictures → which is better, by how much, and what must be said besides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.errors import InputError
from core.plan.experiment import Arm
from core.report.scores import Score, held_out, score
from core.report.verdict import Verdict, bootstrap, decide, mcnemar
from core.words import sentences
from core.words.names import IN_A_SENTENCE, shortened
from core.words.numbers import Interval
from core.words.said import Said, say

OPEN = {Verdict.NO_DIFFERENCE: "verdict.no-difference", Verdict.TOO_FEW: "verdict.too-few"}
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
        first_n, second_n, both = len(keys[0]), len(keys[1]), len(keys[0] & keys[1])
        raise InputError("report.other-pictures", n=first_n, n_other=second_n, n_both=both)


def sentence(transfer: Score, scratch: Score, interval: Interval, verdict: Verdict) -> str:
    """The verdict as one sentence that could be said aloud. `interval` is that of transfer minus scratch."""
    n = transfer.n
    if verdict is Verdict.SCRATCH:
        difference = share_of((-interval[1], -interval[0]), n)
        said = say("verdict.scratch", scratch=_of_pictures(scratch), transfer=_share(transfer), difference=difference)
        return sentences.sentence(said)
    values = {"transfer": _of_pictures(transfer), "scratch": _share(scratch), "difference": share_of(interval, n)}
    if verdict is Verdict.TRANSFER:
        return sentences.sentence(say("verdict.transfer", **values))
    kind = "verdict.same" if interval == (0.0, 0.0) else "verdict.open"
    return sentences.sentence(say(kind, **values, verdict=say(OPEN[verdict])))


def alone(scores: Mapping[Arm, Score]) -> str:
    """What can be said when not both arms have scores."""
    for arm, one in scores.items():
        interval = share_of(one.interval, one.n)
        said = say("verdict.alone", arm=NAMES[arm], accuracy=_of_pictures(one), interval=interval)
        return sentences.sentence(said)
    return sentences.sentence(say("verdict.nothing"))


def below_the_line(scores: Mapping[Arm, Score]) -> list[str]:
    """A sentence for each arm that is not shown to be better than always answering the largest class."""
    low = {arm: one for arm, one in scores.items() if not one.is_above_largest_class}
    return [sentences.sentence(_below_the_line(arm, one)) for arm, one in low.items()]


def _below_the_line(arm: Arm, one: Score) -> Said:
    largest, line = shortened(one.largest_class, IN_A_SENTENCE), {"share": one.largest_class_accuracy, "of": one.n}
    if one.accuracy <= one.largest_class_accuracy:
        return say("remark.below-the-line", arm=NAMES[arm], label=largest, line=line)
    interval = share_of(one.interval, one.n)
    return say("remark.on-the-line", arm=NAMES[arm], label=largest, line=line, interval=interval)


def far_from_exact(arm: Arm, facts: Mapping[str, Any]) -> str:
    """A sentence where the training saw outputs of the frozen part that are too far from those that are scored."""
    check = facts.get("fast_check")
    if not check or check["passed"]:
        return ""
    n, n_all = check["answers_differ"], check["pictures"]
    return sentences.sentence(say("remark.far-from-exact", arm=NAMES[arm], n=n, n_all=n_all))


def share_of(interval: Interval, n: int) -> dict[str, float]:
    """An interval of a share of n pictures as a value, for words that know what n pictures can tell."""
    return {"low": interval[0], "high": interval[1], "of": n}


def _share(one: Score) -> dict[str, float]:
    return {"share": one.accuracy, "of": one.n}


def _of_pictures(one: Score) -> Said:
    return say("verdict.of-pictures", accuracy=_share(one), n=one.n)
