"""What a process says of itself while it works on a directory, and how it is asked to stop.

    status.json    where it stands
    metrics.jsonl  a line an epoch; it only grows, and its readers ignore a torn last line
    cancel         a line for each time that a stop was asked for

Every file has one writer, `cancel` apart. Readers need no Keras.
"""

import errno
import json
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, model_validator

from core.disk import record
from core.disk.files import write_json
from core.errors import DamagedError
from core.identity import Identified
from core.words.said import Said, plain
from core.words.sentences import sentence

if TYPE_CHECKING:  # see `files`
    import pandas as pd

METRICS = ["phase", "epoch", "seconds", "loss", "accuracy", "val_loss", "val_accuracy"]


class State(StrEnum):
    """Where a process stands; the last three are final."""

    QUEUED = "queued"
    STARTING = "starting"
    WEIGHTS = "weights"
    FEATURES = "features"
    FIT = "fit"
    SCORE = "score"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self in (State.DONE, State.STOPPED, State.FAILED)


class Status(Identified):
    """What `status.json` says. `done` of `total` are pictures, bytes or training steps of the present state."""

    model_config = ConfigDict(frozen=True)

    state: State = State.QUEUED
    device: str = ""
    engine: str = ""
    rate: float | None = None  # pictures a second
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    said: Said | None = None

    @model_validator(mode="before")
    @classmethod
    def _understand_earlier_words(cls, values: Any) -> Any:
        """Earlier versions wrote a finished sentence."""
        if isinstance(values, dict) and "message" in values:
            values = dict(values)
            message = values.pop("message")
            values["said"] = plain(message) if message else None
        return values

    @property
    def message(self) -> str:
        """What there is to be said, as a sentence; "" for nothing."""
        return sentence(self.said) if self.said else ""


def write_status(directory: Path, status: Status) -> None:
    """Write `directory/status.json`."""
    write_json(directory / "status.json", status.model_dump(mode="json"))


def read_status(directory: Path) -> Status | None:
    """What `directory/status.json` says, or None where there is none. One that is damaged says that it failed."""
    try:
        return record.read_as(Status, directory / "status.json")
    except DamagedError as error:
        return Status(state=State.FAILED, said=error.said)


def append_metrics(directory: Path, **values: object) -> None:
    """Add one epoch, with the keys of `METRICS`, to `directory/metrics.jsonl`."""
    line = json.dumps({key: values.get(key) for key in METRICS})
    with (directory / "metrics.jsonl").open("ab", buffering=0) as file:
        before, written = file.tell(), file.write(f"{line}\n".encode())
        if written < len(line) + 1:  # a disk that is full takes what it has room for
            file.truncate(before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), file.name)


def read_metrics(directory: Path) -> "pd.DataFrame":
    """A row an epoch with the columns `METRICS`; empty before the first epoch's end.

    `phase` is 1 (head alone, or all that trains) or 2 (head and unfrozen blocks), `epoch` counts from 1 through both,
    `seconds` runs from the first step of the fit to the end of the epoch.
    """
    import pandas as pd

    try:
        text = (directory / "metrics.jsonl").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        text = ""
    whole = text[: text.rfind("\n") + 1]
    return pd.DataFrame([row for row in map(_epoch, whole.splitlines()) if row], columns=METRICS)


def _epoch(line: str) -> dict[str, Any]:
    """What `append_metrics` wrote as one line; nothing of one that is damaged: the others can still be drawn."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def request_stop(directory: Path) -> None:
    """Ask the process of `directory` to stop. Each further call writes one more mark: a stop while scoring."""
    with (directory / "cancel").open("a", encoding="utf-8") as file:
        file.write("stop\n")


def stop_requests(directory: Path) -> int:
    """How often a stop was asked for."""
    try:
        return len((directory / "cancel").read_text(encoding="utf-8").splitlines())
    except FileNotFoundError:
        return 0


def is_alive(status: Status) -> bool:
    """Whether the very process that `status` names still runs."""
    return status.process is not None and status.process.is_alive
