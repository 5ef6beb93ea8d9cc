"""Experiments as tests want them: the usual one, but for what a test is about."""

from collections.abc import Mapping
from typing import Any

from core.plan import defaults
from core.plan.arm import Arm, ArmKind, beside
from core.plan.experiment import Experiment, validated

ARMS = ("transfer", "scratch")  # names of the usual experiment's


def planned(
    dataset: str = "0" * 32,
    *,
    base: str = "MobileNet",
    has_gpu: bool = False,
    n_train: int = 0,
    scratch: Mapping[str, Any] | None = None,
    is_alone: bool = False,
    **choices: object,
) -> Experiment:
    """An experiment with one arm of each kind.

    Args:
        dataset: Its id.
        base: Of both arms.
        has_gpu: As of `defaults.arm`.
        n_train: As of `defaults.arm`.
        scratch: What the arm from scratch has of its own: see `arm.beside`.
        is_alone: Leave the arm from scratch out.
        **choices: Fields of the transfer arm, which the other one shares, or of the experiment.
    """
    usual = {kind: defaults.arm(kind, base=base, has_gpu=has_gpu, n_train=n_train) for kind in ArmKind}
    own = {name: value for name, value in choices.items() if name in Arm.model_fields}
    transfer = usual[ArmKind.TRANSFER].model_dump() | own
    scratch = {"image_size": usual[ArmKind.SCRATCH].image_size} if scratch is None else scratch
    arms = [transfer] if is_alone else [transfer, beside(transfer, scratch)]
    of_all = {name: value for name, value in choices.items() if name not in own}
    return validated({"dataset": dataset, "arms": arms, **of_all})
