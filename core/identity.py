"""Which process it is: the system gives a pid again, so when it began belongs to it, counted by what no clock moves.

On Linux these are the ticks since the boot, and the boot's own id. The wall clock would not do: when it is stepped, as
by the first answer of a time server, the time at which a process began moves with it.
"""

import os
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

PROC = Path("/proc")
BOOT = "sys/kernel/random/boot_id"
DEAD = ("Z", "X", "x")  # it has ended, and nobody has asked how
STATE, STARTED = 0, 19  # among what /proc/<pid>/stat says behind the name: its fields 3 and 22
TOLERANCE_SECONDS = 1.0


class Identity(BaseModel):
    """One process of this host, for as long as the host is up."""

    model_config = ConfigDict(frozen=True)

    pid: int
    boot: str = ""
    ticks: int | None = None  # between that boot and its start
    created: float | None = Field(  # Unix time of its start; where there are no ticks, and in files of earlier versions
        None, validation_alias=AliasChoices("created", "pid_created")
    )

    @property
    def is_alive(self) -> bool:
        """Whether this very process still runs. One that has ended and was not waited for does not."""
        if self.ticks is None:
            return self._is_alive_by_the_clock
        found = _stat(self.pid)
        return found is not None and found.state not in DEAD and (boot(), found.ticks) == (self.boot, self.ticks)

    @property
    def _is_alive_by_the_clock(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            is_same = self.created is None or abs(process.create_time() - self.created) < TOLERANCE_SECONDS
            return is_same and bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.Error:  # there is none, or it is somebody else's
            return False


class Identified(BaseModel):
    """A base for what is noted of work: `process` is the one that does it."""

    process: Identity | None = None

    @model_validator(mode="before")
    @classmethod
    def _understand_earlier_versions(cls, values: Any) -> Any:
        """They had its fields among the others."""
        if isinstance(values, dict) and values.get("pid") is not None and "process" not in values:
            return {**values, "process": Identity.model_validate(values)}
        return values

    @property
    def pid(self) -> int | None:
        """Of the process, None without one."""
        return self.process.pid if self.process else None


def of(pid: int) -> Identity:
    """The process that has this pid now.

    Raises:
        psutil.NoSuchProcess: There is none.
    """
    found, present = _stat(pid), boot()
    if found and present:
        return Identity(pid=pid, boot=present, ticks=found.ticks)
    return Identity(pid=pid, created=psutil.Process(pid).create_time())


def own() -> Identity:
    """This process."""
    return of(os.getpid())


class _Stat(NamedTuple):
    state: str
    ticks: int


def _stat(pid: int) -> _Stat | None:
    """What Linux says of a process; None without it."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text[text.rindex(")") + 1 :].split()  # the name before may hold spaces and brackets
    return _Stat(fields[STATE], int(fields[STARTED]))


def boot() -> str:
    """The id of the host's present boot; empty where the system has none, or hides it."""
    try:
        return (PROC / BOOT).read_text(encoding="ascii").strip()
    except OSError:
        return ""
