"""The outcome of an experiment as text for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.plan.arm import ArmKind
from core.plan.experiment import Experiment
from core.plan.labels import ArmLabel, labels
from core.report.comparison import alone, below_the_line, margin, sentence
from core.report.scores import Score, score_of
from core.report.verdict import Verdict
from core.words.numbers import percent, percent_range

TABLE_CLASSES = 10  # a terminal has room for confusion matrices of so many


def table(result: Mapping[str, Any]) -> str:
    """`result` as plain text for a terminal: the arms side by side, small confusion matrices, the verdict."""
    classes = result["dataset"]["classes"]
    said = labels(Experiment.model_validate(result["experiment"]).arms)
    entries = {label: entry for name, label in said.items() if (entry := result["arms"][name])}
    scores = {label: score_of(np.array(entry["confusion"]), classes) for label, entry in entries.items()}
    blocks = [_arms_table(entries, scores)] if entries else []
    if len(classes) <= TABLE_CLASSES:
        blocks += [_confusion_table(label.text, one, classes) for label, one in scores.items()]
    return "\n\n".join([*blocks, "\n".join([_verdict_of(result, scores), *below_the_line(scores)])])


def _verdict_of(result: Mapping[str, Any], scores: Mapping[ArmLabel, Score]) -> str:
    difference = result["difference"]
    if difference is None:
        return alone(scores)
    low, high = difference["interval"]
    transfer, scratch = (next(one for label, one in scores.items() if label.kind is kind) for kind in ArmKind)
    said = sentence(transfer, scratch, (low, high), Verdict(difference["verdict"]))
    return f"{said} {margin((low, high), transfer.n)}"


def _arms_table(entries: Mapping[ArmLabel, Mapping[str, Any]], scores: Mapping[ArmLabel, Score]) -> str:
    columns = {}
    for label, entry in entries.items():
        one = scores[label]
        columns[label.text + (" (stopped)" if entry["stopped"] else "")] = {
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
