"""Where an experiment stands, in words: what each arm does, how far it is, how long it will take. Needs no Keras."""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from core.disk.home import arm_directory
from core.disk.status import State, Status, read_status, stop_requests
from core.errors import InputError
from core.plan import attempt, bases, estimate
from core.plan.arm import Arm
from core.plan.experiment import Experiment
from core.plan.experiments import read_experiment, read_split
from core.plan.labels import ArmLabel, labels
from core.queue import jobs
from core.report.report import ArmReport
from core.settings import MEBIBYTE
from core.words.numbers import duration, measured, percent, percent_range, two_digits
from core.words.said import say
from core.words.sentences import sentence

LOG_LINES = 200
PARTS = {"train": "training", "validation": "validation", "test": "test"}
TITLES = {
    State.QUEUED: "Waiting for its turn",
    State.STARTING: "Starting: loading Keras, a few seconds",
    State.WEIGHTS: "Getting the pretrained weights",
    State.FEATURES: "The frozen blocks look at every picture once",
    State.FIT: "Training",
    State.SCORE: "Answering the test pictures",
    State.DONE: "Done",
    State.STOPPED: "Stopped",
    State.FAILED: "Failed",
}


@dataclass(frozen=True)
class ArmProgress:
    """One arm. `share` is how much of the present state is done, from 0 to 1."""

    arm: str  # its name
    label: ArmLabel
    state: State
    title: str
    share: float
    details: tuple[str, ...]  # numbers with their units, most wanted first
    place: tuple[str, ...]  # device and engine, once known
    message: str  # why it stopped or failed
    is_stopping: bool  # a stop was asked for and is not yet answered

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state.is_final


@dataclass(frozen=True)
class Standing:
    """A whole experiment. `position` is its place in the queue: 0 runs, 1 is next, None is not in it."""

    position: int | None
    arms: tuple[ArmProgress, ...]

    @property
    def is_over(self) -> bool:
        """Whether every arm is, and the result is written."""
        return self.position is None and all(arm.is_over for arm in self.arms)

    @property
    def is_submitted(self) -> bool:
        """Whether it waits, runs or has run."""
        return self.position is not None or any(arm.state is not State.QUEUED for arm in self.arms)

    @property
    def is_running(self) -> bool:
        """Whether it waits or runs."""
        return self.is_submitted and not self.is_over

    @property
    def title(self) -> str:
        """One line on all of it."""
        if self.is_over:
            ends = {arm.state for arm in self.arms}
            first = next(state for state in (State.FAILED, State.STOPPED, State.DONE) if state in ends)
            return {State.FAILED: "Training failed", State.STOPPED: "Training was stopped"}.get(
                first, "Training is done"
            )
        if not self.is_submitted:
            return "Ready to train"
        if self.position:
            return f"Waiting: number {self.position} in the queue"
        if all(arm.is_over for arm in self.arms):
            return "Writing the result"
        busy = next((arm for arm in self.arms if arm.state is not State.QUEUED and not arm.is_over), None)
        return f"Training: {busy.label.in_a_sentence}" if busy else "Training begins in a moment"


def read(experiment_id: str) -> Standing:
    """Where the experiment stands now.

    Raises:
        InputError: There is no such experiment (any more).
    """
    experiment = read_experiment(experiment_id)
    if experiment is None:
        raise InputError("experiment.gone")
    position = jobs.position(experiment_id)
    said = labels(experiment.arms)
    arms = (_arm(experiment_id, experiment, arm, said[arm.name]) for arm in experiment.arms)
    return Standing(position, tuple(arms))


def _arm(experiment_id: str, experiment: Experiment, arm: Arm, label: ArmLabel) -> ArmProgress:
    directory = arm_directory(experiment_id, arm.name)
    status = read_status(directory) or Status()
    is_stopping = stop_requests(directory) > 0 and not status.state.is_final
    share = min(1.0, status.done / status.total) if status.total else 0.0
    return ArmProgress(
        arm=arm.name,
        label=label,
        state=status.state,
        title=_title(status, arm, is_stopping=is_stopping),
        share=1.0 if status.state is State.DONE else share,
        details=_waits(experiment_id, experiment, arm) if status.state is State.QUEUED else _details(status, arm),
        place=tuple(text for text in (status.device, status.engine, _second(directory)) if text),
        message=status.message if status.state.is_final else "",
        is_stopping=is_stopping,
    )


def _second(directory: Path) -> str:
    """What a second attempt does otherwise, or nothing where the first one is at work or was good."""
    second = attempt.read(directory)
    return sentence(say("attempt.place", cause=second.cause, change=second.change)) if second else ""


def _title(status: Status, arm: Arm, *, is_stopping: bool) -> str:
    if is_stopping and status.state is not State.SCORE:
        return "Will be left out" if status.state is State.QUEUED else "Stopping"
    if status.state is State.FIT and status.total:
        epoch, epochs, _, _ = _epoch(status, arm)
        return f"Training, epoch {epoch} of {epochs}"
    if status.state is State.FEATURES and status.message:
        return status.message.rstrip(".")
    return TITLES[status.state]


def _epoch(status: Status, arm: Arm) -> tuple[int, int, int, int]:
    """The present epoch of all, and the batch in it of all; `done` counts the batches of all epochs."""
    epochs = arm.training.epochs
    batches = max(1, status.total // epochs)
    done = min(max(status.done, 1), status.total) - 1
    return done // batches + 1, epochs, done % batches + 1, batches


def _details(status: Status, arm: Arm) -> tuple[str, ...]:
    if status.state.is_final:  # why a failed one failed is said at length elsewhere
        return (status.message,) if status.state is State.STOPPED else ()
    found = []
    if status.seconds_left is not None:
        found.append(f"about {duration(status.seconds_left)} left")
    if status.state is State.FIT and status.total:
        _, _, batch, batches = _epoch(status, arm)
        found.append(f"batch {batch} of {batches}")
    elif status.state is State.WEIGHTS and status.total:
        found.append(f"{status.done / MEBIBYTE:.0f} of {status.total / MEBIBYTE:.0f} MB")
    elif status.state in (State.FEATURES, State.SCORE) and status.total:
        found.append(f"{status.done:,} of {status.total:,} pictures")
    if status.rate:
        found.append(f"{two_digits(status.rate)} pictures a second")
    if status.state is State.FIT and status.message:  # in other states it is the title, or was
        found.append(status.message)
    return tuple(found)


def _waits(experiment_id: str, experiment: Experiment, arm: Arm) -> tuple[str, ...]:
    parts = read_split(experiment_id)["part"].value_counts()
    n = {f"n_{part}": int(parts.get(part, 0)) for part in ("train", "validation", "test")}
    seconds = estimate.estimate(experiment, **n)[arm.name].seconds
    return (f"at most {duration(seconds)}, by earlier runs" if seconds else "not timed on this host yet",)


def outcome(arm: ArmProgress, scored: ArmReport | None) -> ArmProgress:
    """`arm` with what came out of it in the place of what it does; unchanged while it works or without scores."""
    if scored is None or arm.state not in (State.DONE, State.STOPPED):
        return arm
    one, facts = scored.score, scored.facts
    details = (
        f"{percent_range(one.interval, one.n)} (95\xa0%)",
        f"best epoch {facts.best_epoch:,} of {facts.epochs:,}",
        f"{measured(facts.seconds.total)} in all".replace(" ", "\xa0"),
    )
    right = f"right on {percent(one.accuracy, one.n)} of {one.n:,} test pictures"
    end = "Stopped early" if scored.facts.stopped else TITLES[arm.state]
    return replace(arm, title=f"{end}: {right}", details=details, share=1.0)


def describe(experiment: Experiment, split: pd.DataFrame) -> str:
    """What is trained on what, in one line; `split` has a row a picture with its part."""
    lead = experiment.lead
    blocks, frozen = len(bases.base(lead.base).blocks), lead.frozen_blocks
    kept = "all blocks frozen" if frozen == blocks else f"{frozen} of {blocks} blocks frozen"
    parts = split["part"].value_counts()
    counts = ", ".join(f"{int(parts.get(part, 0)):,} {word}" for part, word in PARTS.items())
    return f"{lead.base}, {kept}; {experiment.dataset_name}: {counts} pictures"


def log(experiment_id: str, arm: str) -> str:
    """The last lines of what the arm's process printed; "" where there is nothing."""
    try:
        text = (arm_directory(experiment_id, arm) / "log.txt").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-LOG_LINES:])
