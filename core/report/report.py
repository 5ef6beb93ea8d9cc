"""Predictions → scores, intervals and frames; two arms → a comparison; an experiment → result.json."""

import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.data import dataset
from core.data.labels.layout import PARTS, TEST
from core.data.near import copies
from core.disk import record
from core.disk.files import write_json
from core.disk.home import arm_directory, experiment_directory
from core.errors import InputError, RunError
from core.plan.experiment import Arm, Experiment
from core.plan.experiments import read_experiment, read_split
from core.report.verdict import Verdict, bootstrap, decide, mcnemar, wilson
from core.words.names import IN_A_SENTENCE, shortened
from core.words.numbers import Interval, percent, percent_range, points

SCHEMA = 1
NAMES = {Arm.TRANSFER: "Transfer learning", Arm.SCRATCH: "From scratch"}
SECONDS = ("ingest", "features", "train", "evaluate", "total")
PROOF = ("weights_sha256", "frozen_unchanged", "versions", "device")
COSTS = (
    "seconds",
    "epochs",
    "best_epoch",
    "trained_parameters",
    "frozen_parameters",
    "image_size",
    "peak_memory_bytes",
)
FACTS = (*PROOF, *COSTS, "engine", "reload_check", "seed")  # that arm.json always has
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")  # OWASP, "CSV injection"
LINE_END = "\r\n"  # RFC 4180; and the csv module quotes what has a character of it, so no cell can break into two
TABLE_CLASSES = 10  # a terminal has room for confusion matrices of so many

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


@dataclass(frozen=True, eq=False)
class ArmReport:
    """One arm that has scores: its answers on the test part, and what its process noted in arm.json."""

    predictions: pd.DataFrame
    score: Score
    facts: dict[str, Any]

    @property
    def is_stopped(self) -> bool:
        """Whether someone ended it early; then it is scored with its best epoch."""
        return bool(self.facts.get("stopped"))


@dataclass(frozen=True, eq=False)
class Report:
    """What is known of an experiment by now; an arm without scores is missing from `arms`."""

    experiment: Experiment
    dataset: dataset.Dataset
    arms: dict[Arm, ArmReport]
    comparison: Comparison | None
    leak: str = ""  # a sentence where test pictures have near-copies among those for training

    @property
    def sentence(self) -> str:
        """The verdict, or what one arm alone allows to say."""
        return self.comparison.sentence if self.comparison else alone(self.scores)

    @property
    def remarks(self) -> list[str]:
        """What a reader of the verdict must also know, a sentence each; often empty."""
        stopped = [arm for arm, report in self.arms.items() if report.is_stopped]
        return [
            *(f"{NAMES[arm]} was stopped early; its best epoch until then is scored." for arm in stopped),
            *(
                f"{NAMES[arm]}: {said}"
                for arm, report in self.arms.items()
                if (said := report.facts.get("second_attempt"))
            ),
            *below_the_line(self.scores),
            *(remark for arm, report in self.arms.items() if (remark := far_from_exact(arm, report.facts))),
        ]

    @property
    def scores(self) -> dict[Arm, Score]:
        """The score of each arm that has one."""
        return {arm: report.score for arm, report in self.arms.items()}


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
        raise RunError("Expected answers for the test pictures; found none. Train this arm again.")
    from sklearn.metrics import confusion_matrix  # here, for the server opens most pages without it: 50 MB

    return _score(confusion_matrix(rows["true"], rows["predicted"], labels=list(classes)), classes)


def _score(confusion: Confusion, classes: Sequence[str]) -> Score:
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


def read(experiment_id: str) -> Report:
    """Everything that the experiment's directory knows by now.

    Raises:
        InputError: There is no such experiment (any more), or its arms answered different pictures.
    """
    experiment = read_experiment(experiment_id)
    data = dataset.read(experiment.dataset) if experiment else None
    if experiment is None or data is None:
        raise InputError(
            "Expected the link of an experiment on this host; found none. Was it deleted? Start a new one."
        )
    found = ((arm, _read_arm(experiment_id, arm, data.classes)) for arm in experiment.arms)
    arms = {arm: report for arm, report in found if report is not None}
    both = len(arms) == 2
    comparison = compare(arms[Arm.TRANSFER].predictions, arms[Arm.SCRATCH].predictions, data.classes) if both else None
    return Report(experiment, data, arms, comparison, copies.leak(data.near, read_split(experiment_id)))


def _read_arm(experiment_id: str, arm: Arm, classes: Sequence[str]) -> ArmReport | None:
    directory = arm_directory(experiment_id, arm)
    facts = record.read_object(directory / "arm.json", FACTS)
    if facts is None or not (directory / "predictions.parquet").exists():
        return None
    answers = [f"p_{label}" for label in classes]
    columns = ("picture", "part", "true", "predicted", *answers)
    predictions = held_out(record.read_frame(directory / "predictions.parquet", columns))
    return ArmReport(predictions, score(predictions, classes), facts)


def result(experiment_id: str) -> dict[str, Any]:
    """The experiment's outcome as JSON values, every key always there; an arm without scores is null.

    The data set goes by its content's fingerprint, and the link and the count of this host's experiments are left out,
    so that the file can be passed on.

    Raises:
        InputError: There is no such experiment (any more).
    """
    report = read(experiment_id)
    shared = {"dataset": report.dataset.fingerprint, "workspace": "", "number": 0}
    parts = read_split(experiment_id)["part"].value_counts()
    facts = next((arm.facts for arm in report.arms.values()), {})
    return {
        "schema": SCHEMA,
        "experiment": report.experiment.model_copy(update=shared).model_dump(mode="json"),
        "proof": {key: facts.get(key) for key in PROOF} | {"seed": report.experiment.seed},
        "dataset": {
            "images": int(parts.sum()),
            "classes": list(report.dataset.classes),
            "split": {part: int(parts.get(part, 0)) for part in PARTS},
        },
        "arms": {arm.value: _arm_entry(report, arm) for arm in Arm},
        "difference": _difference_entry(report.comparison),
    }


def _arm_entry(report: Report, arm: Arm) -> dict[str, Any] | None:
    if arm not in report.arms:
        return None
    one, facts = report.arms[arm].score, report.arms[arm].facts
    return {
        "accuracy": one.accuracy,
        "interval": list(one.interval),
        "confusion": one.confusion.tolist(),
        "epochs": facts["epochs"],
        "trained_parameters": facts["trained_parameters"],
        "seconds": _seconds(report, arm),
        "stopped": report.arms[arm].is_stopped,
    }


def _seconds(report: Report, arm: Arm) -> dict[str, float]:
    """The arm's phases; reading the pictures in counts once, in the arm that runs first."""
    noted = report.arms[arm].facts["seconds"]
    seconds = {key: float(noted.get(key, 0.0)) for key in SECONDS}
    ingest = report.dataset.seconds if arm is report.experiment.arms[0] else 0.0
    return seconds | {"ingest": ingest, "total": seconds["total"] - seconds["ingest"] + ingest}


def _difference_entry(comparison: Comparison | None) -> dict[str, Any] | None:
    if comparison is None:
        return None
    return {
        "accuracy": comparison.difference,
        "interval": list(comparison.interval),
        "p_value": comparison.p_value,
        "verdict": comparison.verdict.value,
    }


def write_result(experiment_id: str) -> Path:
    """Write the experiment's result.json and return its path."""
    path = experiment_directory(experiment_id) / "result.json"
    write_json(path, result(experiment_id))
    return path


def predictions_csv(experiment_id: str) -> str:
    """Both arms' answers on the test pictures as CSV: a row a picture and arm, with the pictures' own names.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    report = read(experiment_id)
    names = report.dataset.pictures[["picture", "label", "name"]].rename(columns={"label": "true"})
    frames = [arm_report.predictions.assign(arm=arm.value) for arm, arm_report in report.arms.items()]
    columns = ["name", "true", "arm", "predicted", *(f"p_{label}" for label in report.dataset.classes)]
    if not frames:
        return pd.DataFrame(columns=columns).to_csv(index=False, lineterminator=LINE_END)
    rows = pd.concat(frames).merge(names, on=["picture", "true"], how="left")[columns]
    rows = rows.sort_values(["name", "true"], kind="stable")
    texts = {column: rows[column].map(_no_formula) for column in columns[:4]}
    return rows.assign(**texts).to_csv(index=False, float_format="%.6f", lineterminator=LINE_END)


def _no_formula(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def table(result: Mapping[str, Any]) -> str:
    """`result` as plain text for a terminal: both arms side by side, small confusion matrices, the verdict."""
    classes = result["dataset"]["classes"]
    entries = {Arm(arm): entry for arm, entry in result["arms"].items() if entry}
    scores = {arm: _score(np.array(entry["confusion"]), classes) for arm, entry in entries.items()}
    blocks = [_arms_table(entries, scores)] if entries else []
    if len(classes) <= TABLE_CLASSES:
        blocks += [_confusion_table(NAMES[arm], one, classes) for arm, one in scores.items()]
    return "\n\n".join([*blocks, "\n".join([_verdict_of(result, scores), *below_the_line(scores)])])


def _verdict_of(result: Mapping[str, Any], scores: Mapping[Arm, Score]) -> str:
    difference = result["difference"]
    if difference is None:
        return alone(scores)
    low, high = difference["interval"]
    return sentence(scores[Arm.TRANSFER], scores[Arm.SCRATCH], (low, high), Verdict(difference["verdict"]))


def _arms_table(entries: Mapping[Arm, Mapping[str, Any]], scores: Mapping[Arm, Score]) -> str:
    columns = {}
    for arm, entry in entries.items():
        one = scores[arm]
        columns[NAMES[arm] + (" (stopped)" if entry["stopped"] else "")] = {
            "accuracy": percent(one.accuracy, one.n),
            "95\xa0% interval": percent_range(one.interval, one.n),
            "largest class alone": percent(one.largest_class_accuracy, one.n),
            "epochs": f"{entry['epochs']:,}",
            "trained parameters": f"{entry['trained_parameters']:,}",
            **{f"seconds, {key}": f"{value:.1f}" for key, value in entry["seconds"].items()},
        }
    return pd.DataFrame(columns).to_string()


def _confusion_table(name: str, one: Score, classes: Sequence[str]) -> str:
    frame = pd.DataFrame(one.confusion, index=list(classes), columns=list(classes))
    return f"{name}: a row is the true class, a column the answer\n{frame.to_string()}"


def load() -> None:
    """Import what reports alone need, a second's work, before there is one to be written."""
    for name in ("scipy.stats", "sklearn.metrics"):
        importlib.import_module(name)
