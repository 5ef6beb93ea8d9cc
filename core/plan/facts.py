"""What an arm's process notes of its run, in the order in which it becomes known.

    <arm>/start.json  `Prepared`, when the fit begins: what a process needs that starts anew to score alone
    <arm>/arm.json    `ArmFacts`, when everything is scored; what later versions added may be missing in it

Values are frozen: a later stage is made of an earlier one, by `then`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from core.disk import record
from core.disk.files import write_frame, write_json
from core.plan.arm_files import SIGN
from core.words.said import Said, say

if TYPE_CHECKING:  # which takes long to import, and a page may need no frames
    import pandas as pd

START = "start.json"
FACTS = "arm.json"


def _read(stored: object) -> Said | None:
    return Said.read(stored) if stored else None


Kept = Annotated[Said | None, BeforeValidator(_read)]  # earlier versions wrote a finished sentence


class _Noted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


Stage = TypeVar("Stage", bound=_Noted)


class ArmSeconds(_Noted):
    """How long each phase took; 0 for one that did not happen."""

    start: float = 0.0  # until the network was built, Keras's import left out
    features: float = 0.0
    ingest: float = 0.0  # is the data set's, and here for its place in result.json
    train: float = 0.0
    evaluate: float = 0.0
    total: float = 0.0


class ReloadCheck(_Noted):
    """Whether the saved file, loaded again, answers like the trained network."""

    pictures: int
    largest_difference: float  # of a probability
    passed: bool


class QuickCheck(ReloadCheck):
    """How far answers on the quick outputs of the frozen part, which the fit saw, are from the exact ones."""

    answers_differ: int


class Built(_Noted):
    """Known once the network is there, with the weights that it begins with."""

    weights_sha256: str | None  # None: random
    seconds: ArmSeconds = ArmSeconds()


class Prepared(Built):
    """Known when the fit begins."""

    views: int | None = None  # of each training picture; None: the rows are pixels
    features_engine: str | None = None
    features_rate: float | None = None  # pictures a second; None: all of it was in the cache
    openvino_failure: Kept = None
    frozen_before: str = ""  # SHA-256 over the weights that must not change
    phase_change: int | None = None  # the first epoch of the second phase


class FitFacts(Prepared):
    """Known when the best epoch's weights are back in the network."""

    fit_rate: float | None = None  # training pictures a second; None: stopped within a batch
    tracing_seconds: float = 0.0  # of building graphs, which is no part of the rate
    best_epoch: int


class ArmFacts(FitFacts):
    """Known when the saved network was scored."""

    seconds: ArmSeconds
    epochs: int
    trained_parameters: int
    frozen_parameters: int
    frozen_unchanged: bool | None  # None: nothing is frozen
    reload_check: ReloadCheck
    fast_check: QuickCheck | None = None  # None: trained and scored on the same outputs
    seed: int
    versions: dict[str, str]
    device: str
    engine: str
    image_size: int
    stopped: bool = False  # by the user; the best epoch until then is scored
    second_attempt: Kept = None
    peak_memory_bytes: int


def then(stage: type[Stage], before: _Noted, **known: object) -> Stage:
    """The next stage: what was known `before`, and what is known now."""
    return stage(**(dict(before) | known))


def write_start(directory: Path, prepared: Prepared) -> None:
    """Keep what is known when the fit begins, in the arm's directory."""
    write_json(directory / START, prepared.model_dump(mode="json"))


def read_start(directory: Path) -> Prepared:
    """What `write_start` has kept.

    Raises:
        DamagedError: It cannot be read.
    """
    found = record.read_as(Prepared, directory / START)
    if found is None:
        raise record.damaged(directory / START, say("damage.no-file"))
    return found


def write(directory: Path, facts: ArmFacts, answers: "pd.DataFrame") -> None:
    """Write an arm's arm.json and, as the sign that all of it is there, its predictions.parquet.

    Args:
        directory: The arm's.
        facts: What is known of it.
        answers: Columns picture, part, true, predicted, and p_<class> for every class.
    """
    write_json(directory / FACTS, facts.model_dump(mode="json"))
    write_frame(directory / SIGN, answers)


def read(directory: Path) -> ArmFacts | None:
    """What is known of the arm of a directory; None until it is scored.

    Raises:
        DamagedError: Its arm.json cannot be read.
    """
    return record.read_as(ArmFacts, directory / FACTS)
