"""Predictions → scores, intervals and frames; two arms → a comparison; an experiment → result.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.data import dataset
from core.data.near import copies
from core.disk import record
from core.disk.home import arm_directory
from core.errors import InputError
from core.plan.experiment import Arm, Experiment
from core.plan.experiments import read_experiment, read_split
from core.report.comparison import NAMES, Comparison, alone, below_the_line, compare, far_from_exact
from core.report.scores import Score, held_out, score
from core.words.said import Said, say
from core.words.sentences import sentence

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
            *(sentence(say("remark.stopped", arm=NAMES[arm])) for arm in stopped),
            *(
                sentence(say("remark.second-attempt", arm=NAMES[arm], attempt=Said.read(noted)))
                for arm, report in self.arms.items()
                if (noted := report.facts.get("second_attempt"))
            ),
            *below_the_line(self.scores),
            *(remark for arm, report in self.arms.items() if (remark := far_from_exact(arm, report.facts))),
        ]

    @property
    def scores(self) -> dict[Arm, Score]:
        """The score of each arm that has one."""
        return {arm: report.score for arm, report in self.arms.items()}


def read(experiment_id: str) -> Report:
    """Everything that the experiment's directory knows by now.

    Raises:
        InputError: There is no such experiment (any more), or its arms answered different pictures.
    """
    experiment = read_experiment(experiment_id)
    data = dataset.read(experiment.dataset) if experiment else None
    if experiment is None or data is None:
        raise InputError("experiment.gone")
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
