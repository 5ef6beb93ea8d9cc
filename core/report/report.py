"""Predictions → scores, intervals and frames; two arms → a comparison; an experiment → result.json."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from core.data import dataset
from core.data.near import copies
from core.disk import record
from core.disk.home import arm_directory
from core.errors import InputError
from core.plan import facts
from core.plan.arm import Arm, ArmKind
from core.plan.experiment import Experiment
from core.plan.experiments import read_experiment, read_split
from core.plan.facts import ArmFacts
from core.plan.labels import ArmLabel, labels
from core.report.comparison import Comparison, alone, below_the_line, compare, far_from_exact, margin, margin_alone
from core.report.scores import Score, held_out, score
from core.words.said import say
from core.words.sentences import sentence


@dataclass(frozen=True, eq=False)
class ArmReport:
    """One arm that has scores: its answers on the test part, and what its process noted in arm.json."""

    arm: Arm
    label: ArmLabel
    predictions: pd.DataFrame
    score: Score
    facts: ArmFacts


@dataclass(frozen=True, eq=False)
class Report:
    """What is known of an experiment by now; an arm without scores is missing from `arms`.

    `comparison` is of the first transfer arm and the first from scratch, once both have scores.
    """

    experiment: Experiment
    dataset: dataset.Dataset
    arms: dict[str, ArmReport]  # by name, in the order of the experiment
    comparison: Comparison | None
    leak: str = ""  # a sentence where test pictures have near-copies among those for training

    @property
    def sentence(self) -> str:
        """The verdict, or what one arm alone allows to say."""
        return self.comparison.sentence if self.comparison else alone(self.scores)

    @property
    def margin(self) -> str:
        """The interval that belongs to the verdict, in a sentence; nothing without one score or a pair."""
        if self.comparison:
            return margin(self.comparison.interval, self.comparison.transfer.n)
        return margin_alone(next(iter(self.scores.values()))) if len(self.scores) == 1 else ""

    @property
    def basis(self) -> str:
        """What all of it rests on; nothing without scores."""
        sizes = [*dict.fromkeys(one.facts.image_size for one in self.arms.values())]
        for one in self.scores.values():
            return sentence(say("basis.sizes", n=one.n, sizes=sizes) if len(sizes) > 1 else say("basis", n=one.n))
        return ""

    @property
    def remarks(self) -> list[str]:
        """What a reader of the verdict must also know, a sentence each; often empty."""
        arms = self.arms.values()
        return [
            *(sentence(say("remark.stopped", arm=one.label.text)) for one in arms if one.facts.stopped),
            *(
                sentence(say("remark.second-attempt", arm=one.label.text, attempt=one.facts.second_attempt))
                for one in arms
                if one.facts.second_attempt
            ),
            *below_the_line(self.scores),
            *(remark for one in arms if (remark := far_from_exact(one.label, one.facts))),
        ]

    @property
    def scores(self) -> dict[ArmLabel, Score]:
        """The score of each arm that has one."""
        return {one.label: one.score for one in self.arms.values()}

    def first(self, kind: ArmKind) -> ArmReport | None:
        """What is known of the first arm of a kind, if it has scores."""
        arm = self.experiment.first(kind)
        return self.arms.get(arm.name) if arm else None


def read(experiment_id: str) -> Report:
    """Everything that the experiment's directory knows by now.

    Raises:
        InputError: There is no such experiment (any more), or its arms answered different pictures.
    """
    experiment = read_experiment(experiment_id)
    data = dataset.read(experiment.dataset) if experiment else None
    if experiment is None or data is None:
        raise InputError("experiment.gone")
    said = labels(experiment.arms)
    found = (_read_arm(experiment_id, arm, said[arm.name], data.classes) for arm in experiment.arms)
    known = Report(
        experiment,
        data,
        {one.arm.name: one for one in found if one is not None},
        comparison=None,
        leak=copies.leak(data.near, read_split(experiment_id)),
    )
    return replace(known, comparison=_comparison(known))


def _comparison(known: Report) -> Comparison | None:
    transfer, scratch = (known.first(kind) for kind in ArmKind)
    if not (transfer and scratch):
        return None
    return compare(transfer.predictions, scratch.predictions, known.dataset.classes)


def _read_arm(experiment_id: str, arm: Arm, label: ArmLabel, classes: Sequence[str]) -> ArmReport | None:
    directory = arm_directory(experiment_id, arm.name)
    known = facts.read(directory)
    if known is None or not (directory / "predictions.parquet").exists():
        return None
    answers = [f"p_{label}" for label in classes]
    columns = ("picture", "part", "true", "predicted", *answers)
    predictions = held_out(record.read_frame(directory / "predictions.parquet", columns))
    return ArmReport(arm, label, predictions, score(predictions, classes), known)
