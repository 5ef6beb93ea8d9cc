"""The choice by which an experiment's split was drawn."""

from dataclasses import fields

from core.data.split import SplitChoice
from core.plan.experiment import Experiment


def choice(experiment: Experiment) -> SplitChoice:
    """How its data set was divided, so that it can be divided so again."""
    return SplitChoice(**{field.name: getattr(experiment, f"split_{field.name}") for field in fields(SplitChoice)})
