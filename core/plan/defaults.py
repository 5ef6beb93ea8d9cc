"""The experiment of someone who changes nothing."""

import math

from core.plan import bases
from core.plan.arm import OWN, SCRATCH_IMAGE_SIZE_ON_CPU, Arm, ArmKind, Head, Optimizer, Training
from core.plan.experiment import Experiment


def experiment(dataset: str, *, base: str = "MobileNet", has_gpu: bool = False, n_train: int = 0) -> Experiment:
    """A transfer arm and the same network from scratch; the arguments as of `arm`."""
    arms = tuple(arm(kind, base=base, has_gpu=has_gpu, n_train=n_train) for kind in ArmKind)
    return Experiment(dataset=dataset, arms=arms)


def arm(kind: ArmKind, *, base: str = "MobileNet", has_gpu: bool = False, n_train: int = 0) -> Arm:
    """The arm of a kind, named by it: all blocks frozen and the base's own picture size, or all of it from scratch.

    Head and training were chosen by their validation loss on two data sets with MobileNet, 100 and 1,769 pictures for
    training: a hidden layer brings a point over none where there are many pictures; normalised features make rates and
    decay mean the same on every base; a strong decay of the head's weights never hurt.

    Args:
        kind: Where it begins.
        base: Name of a row of `bases.BASES`.
        has_gpu: Without a GPU an arm from scratch sees pictures of at most 128 px.
        n_train: Pictures for training, which decide the size of a batch.

    Raises:
        ExperimentError: There is no such base.
    """
    row = bases.base(base)
    usual = Training(
        epochs=30,
        batch_size=batch_size_for(n_train),
        learning_rate=2e-3,
        optimizer=Optimizer.ADAMW,
        weight_decay=2.0,
    )
    transfer = Arm(
        name=kind,
        kind=kind,
        base=row.name,
        frozen_blocks=0 if kind is ArmKind.SCRATCH else len(row.blocks),
        image_size=row.image_size,
        head=Head(normalizes=True, hidden=(256,)),
        training=usual,
    )
    if kind is ArmKind.TRANSFER:
        return transfer
    size = row.image_size if has_gpu else max(row.min_size, min(row.image_size, SCRATCH_IMAGE_SIZE_ON_CPU))
    own = {name: value for name, value in OWN.items() if name in Training.model_fields}
    return transfer.model_copy(update={"image_size": size}).with_training(**own)


def batch_size_for(n_train: int) -> int:
    """A power of two with about 28 steps an epoch: fewer learn too little in few epochs, more only take time."""
    steps = max(n_train, 1) / 28
    return int(min(256, max(16, 2 ** round(math.log2(steps)))))
