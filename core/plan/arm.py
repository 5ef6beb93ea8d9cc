"""One side of a comparison: what network is trained, on what it stands, and how; validated data, to and from JSON."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.data.pictures.augmentation import Augmentation
from core.plan import bases

MIN_IMAGE_SIZE = 32
MAX_IMAGE_SIZE = 512
MAX_HIDDEN = 3
MAX_UNITS = 4096
SCRATCH_IMAGE_SIZE_ON_CPU = 128
VIEWS = 4  # of each training picture, with augmentation
MAX_VIEWS = 8
FEW_PICTURES = 300  # for training, up to which views of them are worth their time unless somebody chose otherwise
SLUG = r"^[a-z0-9][a-z0-9-]{0,39}$"  # it names a folder


class ArmKind(StrEnum):
    """Where an arm begins: with the weights that its base learned on ImageNet, or with random ones."""

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


class Arm(_Frozen):
    """The plan of one arm. Its name is that of its folder, too."""

    name: str = Field(pattern=SLUG)
    kind: ArmKind
    base: str = "MobileNet"
    frozen_blocks: int = Field(ge=0, description="The first so many blocks of the base are frozen; 0 from scratch")
    image_size: int = Field(
        ge=MIN_IMAGE_SIZE, le=MAX_IMAGE_SIZE, description="Side in pixels of the square pictures that it sees"
    )
    head: Head = Head()
    training: Training = Training()
    augmentation: Augmentation = Augmentation()
    views: int | None = Field(
        None,
        ge=1,
        le=MAX_VIEWS,
        description="Of each training picture, where the frozen part runs once; None: automatic",
    )
    seed: int = Field(1, ge=0, lt=2**31)

    @model_validator(mode="after")
    def _fits_the_base(self) -> Self:
        base = bases.base(self.base)
        if self.frozen_blocks > len(base.blocks):
            raise ValueError(
                f"{base.name} has {len(base.blocks)} blocks to freeze. Received: frozen_blocks={self.frozen_blocks}"
            )
        if self.is_scratch and self.frozen_blocks:
            raise ValueError(
                f"From scratch every block is trained, for random weights are worth nothing as they are. "
                f"Received: frozen_blocks={self.frozen_blocks}"
            )
        if self.image_size < base.min_size:
            raise ValueError(
                f"{base.name} needs pictures of at least {base.min_size} px. Received: {self.image_size} px"
            )
        return self

    @property
    def is_scratch(self) -> bool:
        """Whether all its weights are random at the start."""
        return self.kind is ArmKind.SCRATCH

    @property
    def is_all_frozen(self) -> bool:
        """Whether only the head is trained."""
        return self.frozen_blocks == len(bases.base(self.base).blocks)

    @property
    def phases(self) -> tuple[int, ...]:
        """Epochs of each phase: (10, 20) for the head alone, then head and unfrozen blocks; one number for one phase.

        The head goes first, because the large gradients of an untrained head would undo what the blocks know.
        """
        epochs = self.training.epochs
        if self.is_scratch or self.is_all_frozen or epochs < 2:
            return (epochs,)
        first = max(1, epochs // 3)
        return first, epochs - first

    def n_views(self, n_train: int) -> int:
        """How many views of each training picture a cached frozen part sees; the first is the picture itself.

        Without a choice there are `VIEWS`, and on many pictures only that one: each view costs as much time as the
        picture itself, and brings the less, the more pictures there are. From scratch nothing is cached.
        """
        if self.is_scratch or not self.augmentation.is_on:
            return 1
        return self.views or (VIEWS if n_train <= FEW_PICTURES else 1)

    def with_training(self, **own: object) -> Self:
        """This arm with other values of its training."""
        return self.model_copy(update={"training": self.training.model_copy(update=own)})


OWN: dict[str, Any] = {  # of an arm from scratch beside a transfer arm, with which it shares the rest
    "epochs": 30,
    "learning_rate": 1e-3,
    "patience": 15,
    "batch_size": 16,
    "image_size": SCRATCH_IMAGE_SIZE_ON_CPU,
}


def beside(transfer: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the arm that a transfer arm is held against: the same network from scratch.

    Args:
        transfer: Fields of the transfer arm, which are shared.
        own: What replaces them, of the keys of `OWN`, which has what is missing.
    """
    given = transfer.get("training", {})
    shared = given.model_dump() if isinstance(given, Training) else dict(given)
    training = dict(OWN | dict(own))
    image_size = training.pop("image_size")
    place = {"name": "scratch", "kind": ArmKind.SCRATCH, "frozen_blocks": 0, "image_size": image_size}
    return {**transfer, **place, "training": shared | training}
