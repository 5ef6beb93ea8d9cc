"""A report as tables that a person reads: the classes, the cost, the proof."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from core.plan.facts import ArmFacts, QuickCheck, ReloadCheck
from core.report.report import Report
from core.report.scores import per_class
from core.words.names import natural
from core.words.numbers import measured
from core.words.said import Said
from core.words.sentences import sentence

GIBIBYTE = 2**30
CLASS_SCORES = {"precision": "precision", "recall": "recall", "f1": "F1"}


def classes(report: Report) -> pd.DataFrame:
    """A row a class: class, test pictures, and precision, recall and F1 of each scored arm."""
    names = natural(report.dataset.classes)
    tables = {one.label: per_class(one.predictions, names) for one in report.arms.values()}
    first = next(iter(tables.values()))
    columns = {"class": first["class"], "test pictures": first["support"]}
    for column, title in CLASS_SCORES.items():
        columns |= {f"{label.short}, {title}": table[column] for label, table in tables.items()}
    return pd.DataFrame(columns)


def cost(report: Report) -> pd.DataFrame:
    """A row a cost (column "what") with a column for each scored arm: times, parameters, epochs, memory."""
    rows: dict[str, Callable[[ArmFacts], str]] = {
        "Time in all": lambda facts: measured(facts.seconds.total),
        "of that, frozen part": lambda facts: measured(facts.seconds.features),
        "of that, training": lambda facts: measured(facts.seconds.train),
        "of that, scoring": lambda facts: measured(facts.seconds.evaluate),
        "Trained parameters": lambda facts: f"{facts.trained_parameters:,}",
        "Parameters not trained": lambda facts: f"{facts.frozen_parameters:,}",
        "Epochs run": lambda facts: f"{facts.epochs:,}",
        "Best epoch, kept": lambda facts: f"{facts.best_epoch:,}",
        "Picture size": lambda facts: f"{facts.image_size} × {facts.image_size} px",
        "Memory at most": lambda facts: f"{facts.peak_memory_bytes / GIBIBYTE:.1f} GB",
    }
    return _table(report, rows)


def proof(report: Report) -> pd.DataFrame:
    """A row a piece of evidence (column "what") with a column for each scored arm."""
    rows: dict[str, Callable[[ArmFacts], str]] = {
        "Pretrained weights, SHA-256": lambda facts: facts.weights_sha256 or "none, random at the start",
        "Frozen weights unchanged by the training": lambda facts: _unchanged(facts.frozen_unchanged),
        "The saved file, loaded again, answers the same": lambda facts: _reloaded(facts.reload_check),
        "The frozen part, quick against exact": lambda facts: _quick(facts.fast_check),
        "Seed": lambda facts: str(facts.seed),
        "Computed on": lambda facts: facts.device,
        "Engine of the frozen part": _engine,
        "Engine of the training": lambda facts: facts.engine,
        "Versions": lambda facts: ", ".join(f"{name} {version}" for name, version in facts.versions.items()),
    }
    return _table(report, rows)


def _table(report: Report, rows: Mapping[str, Callable[[ArmFacts], str]]) -> pd.DataFrame:
    columns = {one.label.short: [say(one.facts) for say in rows.values()] for one in report.arms.values()}
    return pd.DataFrame({"what": list(rows)} | columns)


def _unchanged(is_unchanged: bool | None) -> str:
    if is_unchanged is None:
        return "nothing is frozen"
    return "yes, every one of them" if is_unchanged else "no"


def _engine(facts: ArmFacts) -> str:
    found = facts.features_engine or "none: it is part of the training"
    reason = facts.openvino_failure
    if reason is None:
        return found
    took_over = "" if found.startswith("Keras") else "; for the scores Keras"  # after the quick outputs had succeeded
    return f"{found}{took_over}, because OpenVINO failed: {sentence(Said.read(reason))}"


def _quick(check: QuickCheck | None) -> str:
    if check is None:
        return "trained and scored on the same outputs"
    return f"{check.answers_differ:,} of {check.pictures:,} test pictures would be answered otherwise"


def _reloaded(check: ReloadCheck) -> str:
    said = "yes" if check.passed else "no"
    apart = np.format_float_positional(check.largest_difference, precision=1, unique=False, fractional=False, trim="-")
    return f"{said}: {check.pictures} pictures, probabilities at most {apart} apart"
