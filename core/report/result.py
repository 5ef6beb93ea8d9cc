"""An experiment's outcome as result.json, and its answers as a table of rows."""

import importlib
from pathlib import Path
from typing import Any

import pandas as pd

from core.data.labels.layout import PARTS
from core.disk.files import write_json
from core.disk.home import experiment_directory
from core.plan.arm import ArmKind
from core.plan.experiments import read_split
from core.report.comparison import Comparison, pairs
from core.report.report import ArmReport, Report, read

SCHEMA = 2
PROOF = {"weights_sha256", "frozen_unchanged", "seed", "versions", "device"}
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
    return {
        "schema": SCHEMA,
        "experiment": report.experiment.model_copy(update=shared).model_dump(mode="json"),
        "dataset": {
            "images": int(parts.sum()),
            "classes": list(report.dataset.classes),
            "split": {part: int(parts.get(part, 0)) for part in PARTS},
        },
        "arms": {name: _arm_entry(report, report.arms.get(name)) for name in _names(report)},
        "difference": _difference_entry(report.comparison),
        "pairs": _pair_entries(report),
    }


def _names(report: Report) -> list[str]:
    """Of the arms, with "transfer" and "scratch" always first, also where the experiment has none of that name."""
    return list(dict.fromkeys([*ArmKind, *(arm.name for arm in report.experiment.arms)]))


def _arm_entry(report: Report, one: ArmReport | None) -> dict[str, Any] | None:
    if one is None:
        return None
    arm, score, facts = one.arm, one.score, one.facts
    return {
        "label": one.label.text,
        "kind": arm.kind,
        "base": arm.base,
        "frozen_blocks": arm.frozen_blocks,
        "image_size": facts.image_size,
        "accuracy": score.accuracy,
        "interval": list(score.interval),
        "confusion": score.confusion.tolist(),
        "epochs": facts.epochs,
        "trained_parameters": facts.trained_parameters,
        "seconds": _seconds(report, one),
        "stopped": facts.stopped,
        "proof": facts.model_dump(mode="json", include=PROOF),
    }


def _seconds(report: Report, one: ArmReport) -> dict[str, float]:
    """The arm's phases; reading the pictures in counts once, in the arm that runs first."""
    noted = one.facts.seconds
    ingest = report.dataset.seconds if one.arm == report.experiment.arms[0] else 0.0
    seconds = {key: getattr(noted, key) for key in SECONDS}
    return seconds | {"ingest": ingest, "total": noted.total - noted.ingest + ingest}


def _pair_entries(report: Report) -> list[dict[str, Any]]:
    """Every pair of arms with scores, the p values corrected for their number."""
    return [
        {
            "a": pair.a,
            "b": pair.b,
            "accuracy": pair.difference,
            "interval": list(pair.interval),
            "p_value": pair.p_value,
            "p_holm": pair.p_holm,
            "verdict": pair.verdict,
        }
        for pair in pairs({name: one.predictions for name, one in report.arms.items()})
    ]


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
    """All arms' answers on the test pictures as CSV: a row a picture and arm, with the pictures' own names.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    report = read(experiment_id)
    names = report.dataset.pictures[["picture", "label", "name"]].rename(columns={"label": "true"})
    frames = [arm_report.predictions.assign(arm=name) for name, arm_report in report.arms.items()]
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
