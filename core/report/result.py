"""An experiment's outcome as result.json, and its answers as a table of rows."""

import importlib
from pathlib import Path
from typing import Any

import pandas as pd

from core.data.labels.layout import PARTS
from core.disk.files import write_json
from core.disk.home import experiment_directory
from core.plan.experiment import Arm
from core.plan.experiments import read_split
from core.report.comparison import Comparison
from core.report.report import PROOF, Report, read

SCHEMA = 1
SECONDS = ("ingest", "features", "train", "evaluate", "total")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")  # OWASP, "CSV injection"
LINE_END = "\r\n"  # RFC 4180; and the csv module quotes what has a character of it, so no cell can break into two


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


def load() -> None:
    """Import what reports alone need, a second's work, before there is one to be written."""
    for name in ("scipy.stats", "sklearn.metrics"):
        importlib.import_module(name)
