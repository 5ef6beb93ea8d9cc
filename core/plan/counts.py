"""Parameters of a network, counted from the catalogue of bases, without building it."""

from dataclasses import dataclass

from core.plan import bases
from core.plan.arm import Arm, Pooling


@dataclass(frozen=True)
class Counts:
    """Parameters of a whole network, base and head."""

    trained: int  # changed by gradient
    frozen: int  # all others: frozen blocks, BatchNorm where it stays, and its statistics


def parameter_counts(arm: Arm, *, n_classes: int) -> Counts:
    """What an arm trains and what it keeps, at the end of its last phase."""
    base = bases.base(arm.base)
    head = head_parameters(arm, n_classes=n_classes)
    if arm.is_scratch:
        trained = base.trained_parameters(0, trains_batch_norm=True)
    else:
        trained = base.trained_parameters(arm.frozen_blocks) if len(arm.phases) > 1 else 0
    return Counts(trained=head + trained, frozen=base.parameters - trained)


def head_parameters(arm: Arm, *, n_classes: int) -> int:
    """Weights and biases of the hidden layers and the output layer, and the scales of the normalisation."""
    base, head = bases.base(arm.base), arm.head
    places = base.map_side(arm.image_size) ** 2 if head.pooling is Pooling.FLATTEN else 1
    units = [places * base.channels, *head.hidden, output_units(n_classes)]
    dense = sum((before + 1) * after for before, after in zip(units, units[1:], strict=False))
    return dense + (units[0] if head.normalizes else 0)


def output_units(n_classes: int) -> int:
    """One sigmoid unit tells two classes apart; more have one softmax unit each."""
    return 1 if n_classes == 2 else n_classes
