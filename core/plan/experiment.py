"""What the user configures, as validated data that goes to and from JSON."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from core.errors import ExperimentError
from core.plan.arm import Arm, ArmKind
from core.plan.upgrade import upgraded


class Experiment(BaseModel):
    """One comparison: a data set's split, and the arms that are trained on it, in the order in which they run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    arms: tuple[Arm, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _of_any_version(cls, fields: object) -> object:
        return upgraded(fields) if isinstance(fields, Mapping) else fields

    @field_validator("arms")
    @classmethod
    def _names_differ(cls, arms: tuple[Arm, ...]) -> tuple[Arm, ...]:
        names = [arm.name for arm in arms]
        if len({*names}) < len(names):
            raise ValueError(f"Expected arms of different names. Received: {', '.join(names)}")
        return arms

    def arm(self, name: str) -> Arm:
        """The arm of that name.

        Raises:
            ExperimentError: There is none.
        """
        found = next((arm for arm in self.arms if arm.name == name), None)
        if found is None:
            raise ExperimentError("experiment.no-arm", names=[arm.name for arm in self.arms], name=name)
        return found

    def first(self, kind: ArmKind) -> Arm | None:
        """The first arm of a kind, which is the one that a pair is made of; None without any."""
        return next((arm for arm in self.arms if arm.kind is kind), None)

    @property
    def lead(self) -> Arm:
        """The arm that the experiment is known by: the first of transfer, if there is one."""
        return self.first(ArmKind.TRANSFER) or self.arms[0]

    @property
    def scratch(self) -> Arm | None:
        """The first from-scratch arm, which the lead is held against; None without any."""
        return self.first(ArmKind.SCRATCH)

    def with_arm(self, changed: Arm) -> Self:
        """The experiment with `changed` in the place of the arm of that name."""
        arms = tuple(changed if arm.name == changed.name else arm for arm in self.arms)
        return self.model_copy(update={"arms": arms})

    def without(self, name: str) -> Self:
        """The experiment with one arm less."""
        return self.model_copy(update={"arms": tuple(arm for arm in self.arms if arm.name != name)})


def validated(fields: dict[str, Any]) -> Experiment:
    """An `Experiment` of `fields`, with pydantic's report turned into one sentence.

    Raises:
        ExperimentError: A field is impossible; the message names it, the rule and the value.
    """
    try:
        return Experiment.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = _place(first["loc"], fields)
        message = first["msg"].removeprefix("Value error, ")
        raise ExperimentError("experiment.wrong", place=where, rule=message, received=repr(first["input"])) from None


def _place(path: Sequence[int | str], fields: Mapping[str, Any]) -> str:
    """Where a field stands, in words of the forms: "training.epochs" of the transfer arm, "scratch.image_size"."""
    if path[:1] != ("arms",) or len(path) < 2:
        return ".".join(map(str, path))
    name = upgraded(fields)["arms"][int(path[1])].get("name")
    rest = ".".join(map(str, path[2:]))
    return f"{name}.{rest}" if rest and name != ArmKind.TRANSFER else rest
