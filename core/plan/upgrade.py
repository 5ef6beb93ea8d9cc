"""An experiment.json of an earlier version → the fields of today.

until arms were data  one base, head and training for both arms, and an "opponent" with what the from-scratch arm
                      has of its own; null for none
before that           no "batch_size" of the opponent, which had the transfer arm's; and without the fields that
                      came since, which have their defaults
"""

from collections.abc import Mapping
from typing import Any

from core.plan.arm import ArmKind, beside

OF_AN_ARM = ("base", "frozen_blocks", "image_size", "head", "training", "augmentation", "views", "seed")
USUAL_BATCH = 16


def upgraded(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an `Experiment`, whichever version wrote them."""
    if "arms" in fields:
        return dict(fields)
    kept = {name: value for name, value in fields.items() if name not in (*OF_AN_ARM, "opponent")}
    shared = {name: fields[name] for name in OF_AN_ARM if name in fields}
    transfer = {"name": "transfer", "kind": ArmKind.TRANSFER, **shared}
    opponent, training = fields.get("opponent"), fields.get("training", {})
    if opponent is None:
        return {**kept, "arms": [transfer]}
    if not (isinstance(opponent, Mapping) and isinstance(training, Mapping)):
        return {**kept, "arms": [transfer, opponent]}  # which is refused with the name of what is wrong
    same = {"batch_size": training.get("batch_size", USUAL_BATCH)}
    return {**kept, "arms": [transfer, beside(transfer, {**same, **opponent})]}
