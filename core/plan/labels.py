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
    kin = {kind: [arm for arm in arms if arm.kind is kind] for kind in ArmKind}
    told = {kind: _differences(own) for kind, own in kin.items()}
    return {arm.name: ArmLabel(arm.kind, told[arm.kind][arm.name]) for arm in arms}


def _differences(kin: Sequence[Arm]) -> dict[str, str]:
    """What tells each arm from the others of its kind, in few words; its name where all else is alike."""
    said: dict[str, list[str]] = {arm.name: [] for arm in kin}
    for feature in (_base, _blocks, _size, _name):
        words = {arm.name: feature(arm) for arm in kin}
        is_told = len({tuple(each) for each in said.values()}) == len(kin)
        if not is_told and len({*words.values()}) > 1:
            for name, each in said.items():
                each.append(words[name])
    return {name: ", ".join(each) for name, each in said.items()}


def _base(arm: Arm) -> str:
    return arm.base


def _blocks(arm: Arm) -> str:
    if not arm.frozen_blocks:
        return "all blocks trained"
    n_blocks = len(bases.base(arm.base).blocks)
    return "all blocks frozen" if arm.is_all_frozen else f"{arm.frozen_blocks} of {n_blocks} blocks frozen"


def _size(arm: Arm) -> str:
    return f"{arm.image_size} px"


def _name(arm: Arm) -> str:
    return arm.name
