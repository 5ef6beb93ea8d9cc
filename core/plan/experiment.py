"""What the user configures, as validated data that goes to and from JSON."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.data.pictures.augmentation import Augmentation
from core.errors import ExperimentError
from core.plan import bases

MIN_IMAGE_SIZE = 32
MAX_IMAGE_SIZE = 512
MAX_HIDDEN = 3
MAX_UNITS = 4096
SCRATCH_IMAGE_SIZE_ON_CPU = 128
VIEWS = 4  # of each training picture, with augmentation
MAX_VIEWS = 8
FEW_PICTURES = 300  # for training, up to which views of them are worth their time unless somebody chose otherwise


class Arm(StrEnum):
    """The two sides of the comparison, in the order in which they run."""

    TRANSFER = "transfer"
    SCRATCH = "scratch"


class Pooling(StrEnum):
    """How the base's last feature map (height, width, channels) becomes a vector."""

    AVERAGE = "average"
    MAXIMUM = "maximum"
    FLATTEN = "flatten"


class Optimizer(StrEnum):
    """The rule that turns gradients into steps."""

    ADAM = "adam"
    ADAMW = "adamw"
    SGD = "sgd"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Head(_Frozen):
    """What is put on the base; the output layer follows from the number of classes."""

    pooling: Pooling = Pooling.AVERAGE
    normalizes: bool = Field(False, description="Scale each picture's pooled features to a root mean square of one")
    hidden: tuple[int, ...] = Field((), description="Units of each hidden layer")
    dropout: float = Field(0.2, ge=0.0, lt=1.0)

    @model_validator(mode="after")
    def _units_are_positive(self) -> Self:
        if len(self.hidden) > MAX_HIDDEN or any(not 1 <= units <= MAX_UNITS for units in self.hidden):
            raise ValueError(
                f"Expected at most {MAX_HIDDEN} hidden layers of 1 to {MAX_UNITS} units. Received: {list(self.hidden)}"
            )
        return self


class Training(_Frozen):
    """How one arm is fitted. The learning rate decays along a cosine over all epochs."""

    epochs: int = Field(60, ge=1, le=1000)
    batch_size: int = Field(16, ge=1, le=1024)
    learning_rate: float = Field(1e-3, gt=0.0, le=1.0)
    optimizer: Optimizer = Optimizer.ADAM
    weight_decay: float = Field(
        0.0, ge=0.0, le=100.0, description="Share of the head's weights taken off in a step, times the rate; AdamW only"
    )
    patience: int | None = Field(
        10, ge=1, description="Early stopping: epochs without a lower validation loss; None for none"
    )
    class_weights: bool = Field(
        False, description="Weigh classes by the inverse of their share of the training pictures"
    )


class Opponent(_Frozen):
    """What the from-scratch arm has of its own; the rest it shares with the transfer arm."""

    epochs: int = Field(30, ge=1, le=1000)
    learning_rate: float = Field(1e-3, gt=0.0, le=1.0)
    patience: int | None = Field(15, ge=1)
    batch_size: int = Field(16, ge=1, le=1024)
    image_size: int = Field(SCRATCH_IMAGE_SIZE_ON_CPU, ge=MIN_IMAGE_SIZE, le=MAX_IMAGE_SIZE)


class Experiment(_Frozen):
    """One comparison: a data set's split, a base, what is frozen, a head, a training, an opponent."""

    dataset: str = Field(description="Id of the data set's directory")
    dataset_name: str = ""
    workspace: str = Field(
        "", description="The link it belongs to; no other one's page lists it, stops it or deletes it"
    )
    created: str = Field("", description="ISO 8601, UTC")
    number: int = Field(0, ge=0, description="Counts the experiments of a home: their order, whatever its clock says")
    split_seed: int = Field(1, ge=0)
    split_fractions: tuple[float, float, float] | None = Field(
        None, description="Of train, validation and test, if chosen"
    )
    split_keeps_together: bool = Field(True, description="Near-copies in one part")
    split_group: str = Field("", description="What else stays together, as `groups.Common` reads it")
    split_leaves_out: bool = Field(False, description="Of an own train folder, near-copies of what is in the others")
    split_fingerprint: str = Field("", description="SHA-256 over (picture, label, part)")
    base: str = "MobileNet"
    frozen_blocks: int = Field(ge=0, description="The first so many blocks of the base are frozen")
    image_size: int = Field(ge=MIN_IMAGE_SIZE, le=MAX_IMAGE_SIZE)
    head: Head = Head()
    training: Training = Training()
    augmentation: Augmentation = Augmentation()
    views: int | None = Field(
        None,
        ge=1,
        le=MAX_VIEWS,
        description="Of each training picture, where the frozen part runs once; None: automatic",
    )
    opponent: Opponent | None = Opponent()
    seed: int = Field(1, ge=0, lt=2**31)

    @model_validator(mode="after")
    def _fits_the_base(self) -> Self:
        base = bases.base(self.base)
        if self.frozen_blocks > len(base.blocks):
            raise ValueError(
                f"{base.name} has {len(base.blocks)} blocks to freeze. Received: frozen_blocks={self.frozen_blocks}"
            )
        for size in {self.image_size, self.opponent.image_size if self.opponent else self.image_size}:
            if size < base.min_size:
                raise ValueError(f"{base.name} needs pictures of at least {base.min_size} px. Received: {size} px")
        return self

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms in the order in which they run."""
        return (Arm.TRANSFER, Arm.SCRATCH) if self.opponent else (Arm.TRANSFER,)

    @property
    def is_all_frozen(self) -> bool:
        """Whether only the head is trained."""
        return self.frozen_blocks == len(bases.base(self.base).blocks)

    def n_views(self, n_train: int) -> int:
        """How many views of each training picture a cached frozen part sees; the first is the picture itself.

        Without a choice there are `VIEWS`, and on many pictures only that one: each view costs as much time as the
        picture itself, and brings the less, the more pictures there are.
        """
        if not self.augmentation.is_on:
            return 1
        return self.views or (VIEWS if n_train <= FEW_PICTURES else 1)

    def training_of(self, arm: Arm) -> Training:
        """The training of `arm`: the opponent's own epochs, rate and patience replace the shared ones."""
        if arm is Arm.TRANSFER:
            return self.training
        own = self._opponent().model_dump(include={"epochs", "learning_rate", "patience", "batch_size"})
        return self.training.model_copy(update=own)

    def image_size_of(self, arm: Arm) -> int:
        """Side in pixels of the square pictures that `arm` sees."""
        return self.image_size if arm is Arm.TRANSFER else self._opponent().image_size

    def frozen_blocks_of(self, arm: Arm) -> int:
        """Blocks that `arm` keeps as they are."""
        return self.frozen_blocks if arm is Arm.TRANSFER else 0

    def phases_of(self, arm: Arm) -> tuple[int, ...]:
        """Epochs of each phase: (10, 20) for the head alone, then head and unfrozen blocks; one number for one phase.

        The head goes first, because the large gradients of an untrained head would undo what the blocks know.
        """
        epochs = self.training_of(arm).epochs
        if arm is Arm.SCRATCH or self.is_all_frozen or epochs < 2:
            return (epochs,)
        first = max(1, epochs // 3)
        return first, epochs - first

    def _opponent(self) -> Opponent:
        if self.opponent is None:
            raise ExperimentError("experiment.no-scratch")
        return self.opponent


@dataclass(frozen=True)
class Counts:
    """Parameters of a whole network, base and head."""

    trained: int  # changed by gradient
    frozen: int  # all others: frozen blocks, BatchNorm where it stays, and its statistics


def parameter_counts(experiment: Experiment, arm: Arm, *, n_classes: int) -> Counts:
    """What an arm trains and what it keeps, at the end of its last phase; without building a network."""
    base = bases.base(experiment.base)
    head = head_parameters(experiment.head, base, image_size=experiment.image_size_of(arm), n_classes=n_classes)
    if arm is Arm.SCRATCH:
        trained = base.trained_parameters(0, trains_batch_norm=True)
    else:
        trained = base.trained_parameters(experiment.frozen_blocks) if len(experiment.phases_of(arm)) > 1 else 0
    return Counts(trained=head + trained, frozen=base.parameters - trained)


def head_parameters(head: Head, base: bases.Base, *, image_size: int, n_classes: int) -> int:
    """Weights and biases of the hidden layers and the output layer, and the scales of the normalisation."""
    places = base.map_side(image_size) ** 2 if head.pooling is Pooling.FLATTEN else 1
    units = [places * base.channels, *head.hidden, output_units(n_classes)]
    dense = sum((before + 1) * after for before, after in zip(units, units[1:], strict=False))
    return dense + (units[0] if head.normalizes else 0)


def output_units(n_classes: int) -> int:
    """One sigmoid unit tells two classes apart; more have one softmax unit each."""
    return 1 if n_classes == 2 else n_classes


def default(
    dataset: str, *, base: str = "MobileNet", has_gpu: bool = False, n_train: int = 0, **choices: object
) -> Experiment:
    """The experiment of someone who changes nothing: all blocks frozen, the base's own picture size.

    Head and training were chosen by their validation loss on two data sets with MobileNet, 100 and 1,769 pictures for
    training: a hidden layer brings a point over none where there are many pictures; normalised features make rates and
    decay mean the same on every base; a strong decay of the head's weights never hurt.

    Args:
        dataset: Id of the data set.
        base: Name of a row of `bases.BASES`.
        has_gpu: Without a GPU the opponent sees pictures of at most 128 px.
        n_train: Pictures for training, which decide the size of a batch.
        **choices: Fields of `Experiment` that replace a default.

    Raises:
        ExperimentError: A choice is impossible; the message says which.
    """
    row = bases.base(base)
    scratch_size = row.image_size if has_gpu else max(row.min_size, min(row.image_size, SCRATCH_IMAGE_SIZE_ON_CPU))
    fields: dict[str, object] = {
        "base": base,
        "frozen_blocks": len(row.blocks),
        "image_size": row.image_size,
        "head": Head(normalizes=True, hidden=(256,)),
        "training": Training(
            epochs=30,
            batch_size=batch_size_for(n_train),
            learning_rate=2e-3,
            optimizer=Optimizer.ADAMW,
            weight_decay=2.0,
        ),
        "opponent": Opponent(image_size=scratch_size),
    }
    return validated({"dataset": dataset, **fields, **choices})


def batch_size_for(n_train: int) -> int:
    """A power of two with about 28 steps an epoch: fewer learn too little in few epochs, more only take time."""
    steps = max(n_train, 1) / 28
    return int(min(256, max(16, 2 ** round(math.log2(steps)))))


def validated(fields: dict[str, object]) -> Experiment:
    """An `Experiment` of `fields`, with pydantic's report turned into one sentence.

    Raises:
        ExperimentError: A field is impossible; the message names it, the rule and the value.
    """
    from pydantic import ValidationError

    try:
        return Experiment.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise ExperimentError("experiment.wrong", place=where, rule=message, received=repr(first["input"])) from None
