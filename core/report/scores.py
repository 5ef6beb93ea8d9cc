"""Predictions → scores: accuracy with its interval, confusion matrix, precision and recall of each class."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.data.labels.layout import TEST
from core.errors import RunError
from core.report.verdict import wilson
from core.words.numbers import Interval

Confusion = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Score:
    """How one arm did on the test part. `confusion[i, j]`: pictures of class i answered as class j."""

    accuracy: float
    interval: Interval  # Wilson, 95 %
    n: int
    correct: int
    confusion: Confusion
    largest_class: str  # of the test part
    largest_class_accuracy: float  # of always answering it

    @property
    def is_above_largest_class(self) -> bool:
        """Whether the arm is shown to beat the one answer that is right most often: its whole interval does."""
        return self.interval[0] > self.largest_class_accuracy


def held_out(predictions: pd.DataFrame) -> pd.DataFrame:
    """The rows of the test part, in order of picture and true class."""
    return predictions[predictions["part"] == TEST].sort_values(["picture", "true"], ignore_index=True)


def score(predictions: pd.DataFrame, classes: Sequence[str]) -> Score:
    """Score one arm's answers on the test part.

    Args:
        predictions: Columns picture, part, true, predicted.
        classes: All classes, in the order of the confusion matrix.

    Raises:
        RunError: There is no test picture among them.
    """
    rows = held_out(predictions)
    if rows.empty:
        raise RunError("report.no-answers")
    from sklearn.metrics import confusion_matrix  # here, for the server opens most pages without it: 50 MB

    return score_of(confusion_matrix(rows["true"], rows["predicted"], labels=list(classes)), classes)


def score_of(confusion: Confusion, classes: Sequence[str]) -> Score:
    """The score that a confusion matrix on the test part amounts to."""
    n, correct = int(confusion.sum()), int(np.trace(confusion))
    support = confusion.sum(axis=1)
    return Score(
        accuracy=correct / n,
        interval=wilson(correct, n),
        n=n,
        correct=correct,
        confusion=confusion,
        largest_class=classes[int(np.argmax(support))],
        largest_class_accuracy=float(np.max(support) / n),
    )


def per_class(predictions: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Precision, recall, F1 and support (test pictures) of each class; 0 where a ratio has nothing to count."""
    from sklearn.metrics import precision_recall_fscore_support  # here: see `score`

    rows = held_out(predictions)
    columns = precision_recall_fscore_support(rows["true"], rows["predicted"], labels=list(classes), zero_division=0)
    return pd.DataFrame(dict(zip(("class", "precision", "recall", "f1", "support"), (classes, *columns), strict=True)))


def cell(predictions: pd.DataFrame, true: str, predicted: str) -> pd.DataFrame:
    """The test pictures behind one cell of the confusion matrix, the most confident answer first.

    Returns:
        Columns picture, true, predicted and probability (that of the answer).
    """
    rows = held_out(predictions)
    rows = rows[(rows["true"] == true) & (rows["predicted"] == predicted)]
    frame = rows[["picture", "true", "predicted"]].assign(probability=rows[f"p_{predicted}"])
    return frame.sort_values("probability", ascending=False, kind="stable", ignore_index=True)


def in_order(confusion: Confusion, classes: Sequence[str], shown: Sequence[str]) -> Confusion:
    """A confusion matrix whose rows and columns are `classes`, with the same ones in the order `shown`."""
    places = [classes.index(name) for name in shown]
    return confusion[np.ix_(places, places)]


def most_mixed_up(scores: Iterable[Score], classes: Sequence[str]) -> tuple[str, str]:
    """The (true class, answer) that the arms together confuse most often; without any, the first right cell."""
    wrong = np.sum([one.confusion for one in scores], axis=0)
    np.fill_diagonal(wrong, 0)
    true, answer = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
    return classes[int(true)], classes[int(answer)]
