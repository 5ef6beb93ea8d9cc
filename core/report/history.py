"""The experiments of one link: what each of them is, how far it came, what it takes on disk."""

from dataclasses import dataclass
from datetime import datetime

from core.disk import record
from core.disk.home import arm_directory, experiment_directory
from core.disk.status import State, read_status
from core.plan.experiment import Experiment
from core.plan.experiments import experiments_of
from core.plan.labels import labels
from core.words.numbers import percent


@dataclass(frozen=True)
class HistoryEntry:
    """One experiment as a line of a list."""

    id: str
    created: datetime  # UTC
    dataset: str  # its name
    base: str
    outcome: str  # "94 % transfer, 62 % from scratch", or how far it is
    size_bytes: int  # of its own directory, the pictures aside


def entries(workspace: str) -> list[HistoryEntry]:
    """All experiments of a link, newest first; none without a link."""
    return [_entry(*each) for each in experiments_of(workspace)]


def _entry(experiment_id: str, experiment: Experiment) -> HistoryEntry:
    files = experiment_directory(experiment_id).rglob("*")
    return HistoryEntry(
        id=experiment_id,
        created=datetime.fromisoformat(experiment.created),
        dataset=experiment.dataset_name,
        base=experiment.lead.base,
        outcome=_outcome(experiment_id, experiment),
        size_bytes=sum(file.stat().st_size for file in files if file.is_file()),
    )


def _outcome(experiment_id: str, experiment: Experiment) -> str:
    states = [_state(experiment_id, arm.name) for arm in experiment.arms]
    if not all(state.is_final for state in states):
        is_waiting = all(state is State.QUEUED for state in states)
        return "waiting" if is_waiting else "in training"
    result = record.readable(experiment_directory(experiment_id) / "result.json")
    said, entries = labels(experiment.arms), result.get("arms", {})
    scored = {said[arm.name]: entry for arm in experiment.arms if (entry := entries.get(arm.name))}
    if not scored:
        return "failed" if State.FAILED in states else "stopped"
    n = sum(map(sum, next(iter(scored.values()))["confusion"]))
    return ", ".join(f"{percent(one['accuracy'], n)} {label.short_in_a_sentence}" for label, one in scored.items())


def _state(experiment_id: str, arm: str) -> State:
    status = read_status(arm_directory(experiment_id, arm))
    return status.state if status else State.QUEUED
