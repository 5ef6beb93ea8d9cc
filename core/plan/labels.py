"""What the arms are called, here alone: by their kind, and where several are of one kind, by what differs."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.plan import bases
from core.plan.arm import Arm, ArmKind

NAMES = {  # in full, and where there is room for little
    ArmKind.TRANSFER: ("Transfer learning", "Transfer"),
    ArmKind.SCRATCH: ("From scratch", "From scratch"),
}


@dataclass(frozen=True)
class ArmLabel:
    """The name of an arm, as sentences and figures need it."""

    kind: ArmKind
    difference: str = ""  # from other arms of its kind; empty where there is none

    @property
    def text(self) -> str:
        """ "Transfer learning", "Transfer learning, VGG16"."""
        return self._with_difference(NAMES[self.kind][0])

    @property
    def short(self) -> str:
        """ "Transfer": for the legend of a figure, or the head of a column."""
        return self._with_difference(NAMES[self.kind][1])

    @property
    def in_a_sentence(self) -> str:
        """ "transfer learning"."""
        return self._with_difference(NAMES[self.kind][0].lower())

    @property
    def short_in_a_sentence(self) -> str:
        """ "transfer", "from scratch"."""
        return self._with_difference(NAMES[self.kind][1].lower())

    @property
    def adjective(self) -> str:
        """ "From-scratch", before a noun."""
        return self._with_difference(NAMES[self.kind][1].replace(" ", "-"))

    def _with_difference(self, name: str) -> str:
        return f"{name}, {self.difference}" if self.difference else name


def labels(arms: Sequence[Arm]) -> dict[str, ArmLabel]:
    """The label of each arm of an experiment, by the arm's name."""
    return {arm.name: ArmLabel(arm.kind, _difference(arm, arms)) for arm in arms}


def _difference(arm: Arm, arms: Sequence[Arm]) -> str:
    """What tells an arm from the others of its kind, in a word or two; its name where that alone does."""
    kin = [other for other in arms if other.kind is arm.kind]
    if len(kin) < 2:
        return ""
    blocks = len(bases.base(arm.base).blocks)
    features = {
        arm.base: len({other.base for other in kin}),
        f"{arm.frozen_blocks} of {blocks} blocks frozen": len({other.frozen_blocks for other in kin}),
        f"{arm.image_size} px": len({other.image_size for other in kin}),
    }
    telling = [said for said, n_values in features.items() if n_values > 1]
    places = [(other.base, other.frozen_blocks, other.image_size) for other in kin]
    is_alone = places.count((arm.base, arm.frozen_blocks, arm.image_size)) == 1
    return ", ".join([*telling, *([] if is_alone else [arm.name])])
