"""The queue of this host: submit, position, stop, delete. `consumer` is the process that works it off.

The jobs' files (`job`) are the truth about what waits and what runs; huey's queue in SQLite hands their names to
the consumer's workers, first come, first served. So a job survives the end of any process.
"""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock
from huey import SqliteHuey

from core import identity
from core.data import uploads
from core.disk import home, owner, record, space
from core.disk.files import write_json
from core.disk.home import arm_directory, checked_id
from core.disk.status import State, Status, read_status, request_stop, write_status
from core.errors import DamagedError, InputError, ResourceError
from core.identity import Identity
from core.plan import bases, weights
from core.plan.experiments import delete_experiment, owner_of, read_experiment
from core.queue import job, removal
from core.queue.job import Job, Kind, Lane, Step
from core.settings import ROOT, settings

DELETE_SECONDS = 12.0  # for a run to end before its directory is removed under it

_consumers: list[subprocess.Popen[bytes]] = []  # that this process has started


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
    if any(each.subject == experiment_id for each in line) and not is_noted_alive("consumer"):
        with suppress(ResourceError, OSError):  # whoever waits asks again
            _have_consumer(is_server=is_server)
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
    nouns = {Kind.EXPERIMENT: "training", Kind.INGEST: "upload", Kind.PREDICTION: "prediction"}
    line = [each for each in job.read_all() if each.subject not in besides]
    waiting = [each.kind for each in line if each.kind is Kind.EXPERIMENT or not each.is_begun]
    return {noun: waiting.count(kind) for kind, noun in nouns.items()}


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
        ensure_consumer()


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
        ensure_consumer()
        deadline = time.monotonic() + DELETE_SECONDS
        while job.read(name) and time.monotonic() < deadline:
            time.sleep(0.05)
    delete_experiment(experiment_id)
    if experiment:
        removal.remove_unused(experiment.dataset)


def _submit(kind: Kind, subject: str, *, is_server: bool = True) -> None:
    with lock():
        new = Job(kind=kind, subject=subject, submitted=job.next_submitted())
        if job.read(new.name) is None:
            steps = new.steps()
            _refuse_impossible(new, steps)
            try:
                for step in steps:
                    (step.directory / "cancel").unlink(missing_ok=True)
                    write_status(step.directory, Status())
                new.write()
                enqueue(new)
            except BaseException:  # nobody would carry it out
                with suppress(OSError):
                    new.remove()
                raise
    _have_consumer(is_server=is_server)


def _refuse_impossible(new: Job, steps: list[Step]) -> None:
    if not steps or not all(step.directory.is_dir() for step in steps):
        raise InputError(
            f"Expected the files of this {new.kind} on this host; found none. Were they deleted? Begin anew."
        )
    before = [read_status(step.directory) or Status() for step in steps]
    if new.kind is Kind.EXPERIMENT and any(status.state is not State.QUEUED for status in before):
        raise InputError("Expected an experiment that was not trained yet; this one was. Configure a new one.")


@contextmanager
def lock() -> Iterator[None]:
    """One process at a time changes what waits and who works; held for milliseconds."""
    home.jobs_directory().mkdir(parents=True, exist_ok=True)
    with FileLock(home.file("jobs.lock")):
        yield


def enqueue(waiting: Job) -> None:
    """Hand a job's name to its lane."""
    queue, take = open_lane(waiting.lane, _by_the_consumer)
    try:
        take(waiting.name, priority=waiting.priority)
    finally:
        queue.storage.close()


def open_lane(lane: Lane, work: Callable[[str], None]) -> tuple[SqliteHuey, Any]:
    """A lane's queue and its one task, which calls `work` with a job's name. Close it by `queue.storage.close()`."""

    def take(name: str) -> None:
        work(name)

    try:
        queue = _opened(lane)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):  # it is busy, or its disk is full
            raise
        for path in home.folder().glob("queue.db*"):  # damaged; the jobs' files are the truth
            path.unlink(missing_ok=True)
        queue = _opened(lane)
    return queue, queue.task()(take)


def _opened(lane: Lane) -> SqliteHuey:
    """The lane's queue, once it is seen that it can be read."""
    path = home.file("queue.db")
    with closing(sqlite3.connect(path)) as looked:  # huey leaves a file open that is none of SQLite's
        looked.execute("PRAGMA journal_mode=wal")
    queue = SqliteHuey(lane.value, filename=str(path), results=False, fsync=True, strict_fifo=True)
    try:
        queue.storage.queue_size()
    except sqlite3.Error:
        queue.storage.close()
        raise
    return queue


def _by_the_consumer(name: str) -> None:
    raise NotImplementedError(f"{name} is the consumer's to carry out")


def ensure_consumer() -> None:
    """Have a consumer at work for as long as this process lives; cheap when there is one."""
    _consumers[:] = [each for each in _consumers if each.poll() is None]  # else one that has ended stays a zombie
    with lock():
        _note("server", os.getpid())
        _start_consumer()


def _have_consumer(*, is_server: bool) -> None:
    """Have one at work for as long as this process lives, or else as long as there is work."""
    if is_server:
        ensure_consumer()
    else:
        with lock():
            _start_consumer()


def _start_consumer() -> None:
    """Unless there is one."""
    if is_noted_alive("consumer"):
        return
    space.check_writable()  # one that cannot write would end at once
    with home.file("consumer.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "core.queue.consumer"],
            cwd=ROOT,
            env={**os.environ, **settings().places()},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _consumers.append(process)
    _note("consumer", process.pid)


def is_noted_alive(role: str) -> bool:
    """Whether the process that was noted last as "server" or "consumer" lives."""
    try:
        noted = record.read_as(Identity, _note_path(role))
    except DamagedError:
        return False
    return noted is not None and noted.is_alive


def note_consumer() -> None:
    """Let this process be the consumer that the others look for."""
    _note("consumer", os.getpid())


def sign_off() -> bool:
    """Let this process be the consumer no more, unless there is work or a server again."""
    with lock():
        if job.read_all() or is_noted_alive("server"):
            return False
        _note_path("consumer").unlink(missing_ok=True)
        return True


def _note(role: str, pid: int) -> None:
    value = identity.of(pid).model_dump()
    if record.readable(_note_path(role)) != value:
        write_json(_note_path(role), value)


def _note_path(role: str) -> Path:
    return home.file(f"{role}.json")
