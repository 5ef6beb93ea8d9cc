"""The queue of this host: submit, position, stop, delete. `consumer` is the process that works it off.

The jobs' files (`job`) are the queue, first come, first served. So a job survives the end of any process.
"""

import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from core.data import uploads
from core.disk import owner
from core.disk.files import write_json
from core.disk.home import arm_directory, checked_id
from core.disk.status import State, Status, read_status, request_stop, write_status
from core.errors import InputError, ResourceError
from core.plan import bases, weights
from core.plan.experiments import delete_experiment, owner_of, read_experiment
from core.queue import job, presence, removal
from core.queue.job import Job
from core.queue.kinds import RULES, Kind, Step
from core.words.said import say

DELETE_SECONDS = 12.0  # for a run to end before its directory is removed under it


def submit_experiment(experiment_id: str, workspace: str = "", *, is_server: bool = True) -> None:
    """Queue both arms of an experiment; once is enough, a second call while it waits or runs changes nothing.

    Args:
        experiment_id: Of an experiment that was not trained yet.
        workspace: The link of who asks; the command line has none.
        is_server: Whether a consumer shall stay, also without work, for as long as this process lives.

    Raises:
        InputError: There is no such experiment, it was trained already, or it or its pictures are another link's.
    """
    owner.check(owner_of(experiment_id), workspace)
    if experiment := read_experiment(experiment_id):
        uploads.check_use(experiment.dataset, workspace)
    _submit(Kind.EXPERIMENT, experiment_id, is_server=is_server)


def submit_ingest(dataset_id: str) -> None:
    """Queue the reading of an uploaded zip."""
    _submit(Kind.INGEST, dataset_id)


def submit_prediction(prediction_id: str) -> None:
    """Queue the answers to new pictures."""
    _submit(Kind.PREDICTION, prediction_id)


def submit_weights(base_name: str, workspace: str = "") -> None:
    """Queue the download of a base's weights; its status is in `weights.directory(base_name)`.

    Args:
        base_name: Whose.
        workspace: The link of who asks, who alone may stop it; everybody who sees the page may begin it.
    """
    directory = weights.directory(bases.base(base_name).name)
    directory.mkdir(parents=True, exist_ok=True)
    if job.read(job.name_of(Kind.WEIGHTS, base_name)) is None:  # else it is somebody else's
        write_json(directory / "request.json", {"workspace": workspace})
    _submit(Kind.WEIGHTS, base_name)


def submit_probe(directory: Path) -> None:
    """Queue the timing of a few batches: after all experiments, and ended as soon as one is submitted."""
    _submit(Kind.PROBE, str(directory.absolute()))


def position(experiment_id: str, *, is_server: bool = True) -> int | None:
    """0 while the experiment runs, n as the n-th in line, None when it is not in the queue.

    Whoever asks about one that is may rely on somebody working on it: a consumer that was killed is replaced.
    """
    line = [each for each in job.read_all() if each.kind is Kind.EXPERIMENT]
    if any(each.subject == experiment_id for each in line) and not presence.is_noted_alive("consumer"):
        with suppress(ResourceError, OSError):  # whoever waits asks again
            presence.have_consumer(is_server=is_server)
    if any(each.is_begun and each.subject == experiment_id for each in line):
        return 0
    waiting = [each.subject for each in line if not each.is_begun]
    return waiting.index(experiment_id) + 1 if experiment_id in waiting else None


def ahead(experiment_id: str) -> int:
    """How many experiments must end before this one begins: those that were submitted earlier, unless it runs."""
    line = [each for each in job.read_all() if each.kind is Kind.EXPERIMENT]
    own = next((each for each in line if each.subject == experiment_id and not each.is_begun), None)
    return line.index(own) if own else 0


def queued(*, besides: Collection[str | None] = ()) -> dict[str, int]:
    """How many trainings run or wait, and how many uploads and predictions wait: what comes next comes after them.

    Args:
        besides: Subjects that do not count, as they are the asker's own.
    """
    line = [each for each in job.read_all() if each.subject not in besides]
    waiting = [each.kind for each in line if each.rules.is_training or not each.is_begun]
    return {rules.noun: waiting.count(kind) for kind, rules in RULES.items() if rules.noun}


def queue_length() -> int:
    """How many experiments run or wait."""
    return sum(each.kind is Kind.EXPERIMENT for each in job.read_all())


def stop_arm(experiment_id: str, arm: str, workspace: str = "") -> None:
    """Ask an arm to stop and keep its best epoch; a further call while that is scored ends it without scores.

    One that waits never starts, and its state is stopped.

    Raises:
        InputError: The experiment belongs to another link than `workspace`.
    """
    owner.check(owner_of(experiment_id), workspace)
    _stop(arm_directory(experiment_id, arm))


def stop_all(experiment_id: str, workspace: str = "") -> None:
    """Stop every arm that has not ended; one that is being scored goes on, as a further stop would lose its scores.

    Raises:
        InputError: The experiment belongs to another link than `workspace`.
    """
    owner.check(owner_of(experiment_id), workspace)
    experiment = read_experiment(experiment_id)
    for arm in experiment.arms if experiment else ():
        status = read_status(arm_directory(experiment_id, arm.name))
        if status is not None and status.state is not State.SCORE:
            _stop(arm_directory(experiment_id, arm.name))


def stop_request(directory: Path, workspace: str = "") -> None:
    """Stop the reading of a data set or a prediction.

    Raises:
        InputError: It was asked for under another link than `workspace`.
    """
    owner.check(owner.of_request(directory), workspace)
    _stop(directory)


def stop_weights(base_name: str, workspace: str = "") -> None:
    """Stop the download of a base's weights. Where nobody is known who asked for it, everybody may.

    Raises:
        InputError: It was asked for under another link than `workspace`.
    """
    directory = weights.directory(bases.base(base_name).name)
    owner.check(owner.of_request(directory) or None, workspace)
    _stop(directory)


def _stop(directory: Path) -> None:
    status = read_status(directory)
    if status is not None and not status.state.is_final:
        request_stop(directory)
        presence.ensure_consumer()


def delete(experiment_id: str, workspace: str = "") -> None:
    """End an experiment that runs or waits, then remove its directory, and its data set's with the last one on it.

    Raises:
        InputError: It belongs to another link than `workspace`.
    """
    owner.check(owner_of(experiment_id), workspace)
    experiment = read_experiment(experiment_id)
    name = job.name_of(Kind.EXPERIMENT, checked_id(experiment_id))
    if unwanted := job.read(name):
        unwanted.discard()
        presence.ensure_consumer()
        deadline = time.monotonic() + DELETE_SECONDS
        while job.read(name) and time.monotonic() < deadline:
            time.sleep(0.05)
    delete_experiment(experiment_id)
    if experiment:
        removal.remove_unused(experiment.dataset)


def _submit(kind: Kind, subject: str, *, is_server: bool = True) -> None:
    with presence.lock():
        new = Job(kind=kind, subject=subject, submitted=job.next_submitted())
        if job.read(new.name) is None:
            steps = new.steps()
            _refuse_impossible(new, steps)
            try:
                for step in steps:
                    (step.directory / "cancel").unlink(missing_ok=True)
                    write_status(step.directory, Status())
                new.write()
            except BaseException:  # nobody would carry it out
                with suppress(OSError):
                    new.remove()
                raise
    presence.have_consumer(is_server=is_server)


def _refuse_impossible(new: Job, steps: list[Step]) -> None:
    if not steps or not all(step.directory.is_dir() for step in steps):
        raise InputError("experiment.no-files", job=say(f"job.{new.kind}"))
    before = [read_status(step.directory) or Status() for step in steps]
    if new.rules.is_training and any(status.state is not State.QUEUED for status in before):
        raise InputError("experiment.trained")
