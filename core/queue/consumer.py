"""The one process that works this host's queue off. `python -m core.queue.consumer`, started by `jobs.ensure_consumer`.

It survives the server for as long as there is work, and exits when neither was seen for `idle_seconds`. It only starts
processes, looks after them and ends them, so it stays small. Killed itself, it leaves the jobs' files; the next
consumer goes on from there: what had not begun starts, what still runs is followed, what died says so.
"""

import logging
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import NoReturn

from filelock import FileLock, Timeout
from huey import SqliteHuey
from huey.consumer import Consumer

from core import host
from core.data.uploads import discard
from core.disk import home, space
from core.disk.files import remove_partial
from core.disk.home import experiment_directory
from core.disk.status import State, read_status, stop_requests
from core.plan import attempt
from core.queue import children, job, jobs, leftovers
from core.queue.children import Child, ResultWriter
from core.queue.job import Job, Kind, Lane, Step
from core.queue.room import Room, need_bytes
from core.queue.standby import Reserve
from core.settings import settings
from core.words.said import Said, say

TICK_SECONDS = 0.2
POLL_SECONDS = 0.05  # until a job that was submitted is begun, at most
HANDOVER_SECONDS = 5.0  # for an earlier consumer to be gone
HOUSE_SECONDS = 3600.0  # between two looks for what nobody uses any more
FREE = say("lower.host")
# Short jobs leave the GPUs' memory to those who train; JAX fails where it finds no GPU, unless it is told of none.
NO_GPU = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}

log = logging.getLogger(__name__)


def _failure(error: Exception) -> Said:
    """What is said of a job that an error in here has ended."""
    refusal = space.refusal(error)
    return refusal.said if refusal else say("job.not-carried-out", reason=str(error))


def slots() -> list[dict[str, str]]:
    """What each experiment at a time has in its environment: one GPU of its own, or on a CPU one slot of no kind."""
    if not host.device().has_gpu:
        return [{}]
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = chosen.split(",") if chosen else [str(number) for number in range(_count_gpus())]
    return [{"CUDA_VISIBLE_DEVICES": gpu.strip()} for gpu in gpus]


def _count_gpus() -> int:
    """How many the driver lists; at least the one that was found."""
    command = [shutil.which("nvidia-smi") or "nvidia-smi", "-L"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=host.SECONDS, check=False).stdout
    return max(1, len(re.findall(r"^GPU \d+:", answer, re.MULTILINE)))


class Work:
    """What the workers of all lanes share: the slots, the standby, and one thread at a time deciding over a status."""

    def __init__(self, environments: list[dict[str, str]]) -> None:
        """Every slot is free."""
        self.deciding = threading.Lock()
        self.reserve = Reserve(home.folder())
        self.room = Room()
        self.queues: dict[Lane, SqliteHuey] = {}
        self._carried: set[str] = set()  # the names of the jobs that a worker has
        self._unsaid: dict[str, tuple[Job, Said]] = {}  # jobs that are over, and what could not be written of them
        self._slots: SimpleQueue[dict[str, str]] = SimpleQueue()
        for environment in environments:
            self._slots.put(environment)

    def experiment(self, name: str) -> None:
        """A worker's task in the lane of the experiments."""
        environment = self._slots.get()
        try:
            self.carry_out(name, environment)
        finally:
            self._slots.put(environment)

    def short(self, name: str) -> None:
        """A worker's task in the other lanes."""
        self.carry_out(name, NO_GPU)

    def carry_out(self, name: str, environment: dict[str, str]) -> None:
        """Bring a job through its steps; whatever happens, it is over then."""
        with self.deciding:
            taken = job.read(name)
            if taken is None or name in self._carried:  # stopped or deleted while it waited, or handed out twice
                return
            self._carried.add(name)
        begun = taken.model_copy(update={"is_begun": True})
        failure = None
        try:
            with self.deciding:
                begun.write()
            with self.room.taken(need_bytes(begun), is_unwanted=lambda: begun.is_discarded or _is_stopped(begun)):
                self._steps(begun, environment)
        except Exception as error:
            log.exception("%s", name)
            failure = _failure(error)
        self._close(begun, failure)

    def _close(self, over: Job, failure: Said | None) -> None:
        """Say of what has not ended that it failed, if it did, and let the job be over.

        Where that cannot be written the job stays until `say_unsaid` can.
        """
        try:
            if failure:
                self._fail(over.steps(), failure)
                _summarise(over)
            _tidy(over)
            over.remove()
            self._unsaid.pop(over.name, None)
            self._carried.discard(over.name)
        except OSError as error:
            self._unsaid[over.name] = over, failure or _failure(error)

    def say_unsaid(self) -> None:
        """Once the disk has room again: close the jobs whose end could not be written."""
        for over, failure in list(self._unsaid.values()):
            if not space.is_full():
                self._close(over, failure)

    def _steps(self, begun: Job, environment: dict[str, str]) -> None:
        steps = begun.steps()
        with ResultWriter(experiment_directory(begun.subject) if begun.kind is Kind.EXPERIMENT else None) as report:
            for number, step in enumerate(steps):
                self._run(begun, step, steps[number + 1 :], environment, report)
            if not begun.is_discarded:
                report.write()

    def _run(
        self, begun: Job, step: Step, later: list[Step], environment: dict[str, str], report: ResultWriter
    ) -> None:
        """Bring one process to its end, also one that an earlier consumer had started; twice where memory ran out."""
        while self._is_tried_again(begun, step, later, environment, report):
            log.warning("%s: memory ran out or it crashed, a second attempt begins", begun.name)

    def _is_tried_again(
        self, begun: Job, step: Step, later: list[Step], environment: dict[str, str], report: ResultWriter
    ) -> bool:
        with self.deciding:
            child = _left_behind(begun, step) or self._begun(begun, step, environment)
        if child is None:
            return False

        def is_unwanted() -> bool:
            for each in later:
                with self.deciding:
                    children.is_settled(each.directory)  # tells it, if it was stopped
            if begun.kind is Kind.EXPERIMENT and _is_scoring(step):  # which leaves a core to what comes next
                if later:
                    self.reserve.tend(is_wanted=True)
                else:
                    report.prepare()
            return begun.is_discarded or (begun.kind is Kind.PROBE and _is_experiment_waiting())

        try:
            begun.model_copy(update={"step": step.directory.name, "process": child.identity}).write()
            was_unwanted = child.follow(is_unwanted)
        finally:
            if child.is_running:  # after an error in here: nobody else would look after it
                child.signal(signal.SIGKILL)
        with self.deciding:
            if begun.kind is Kind.EXPERIMENT and child.is_tried_again(was_unwanted=was_unwanted):
                begun.write()  # no process works on it
                return True
            child.settle(was_unwanted=was_unwanted, remedy=children.LOWER if begun.kind is Kind.EXPERIMENT else FREE)
        return False

    def _begun(self, begun: Job, step: Step, environment: dict[str, str]) -> Child | None:
        """The step's process, just started; None where none is wanted."""
        if begun.is_discarded or children.is_settled(step.directory):
            return None
        is_for_standby = begun.kind is Kind.EXPERIMENT and not attempt.is_without_openvino(step.directory)
        spare = self.reserve.take() if is_for_standby else None
        return children.start(step.directory, step.arguments, environment, spare)

    def sweep(self) -> None:
        """Let stops and deletions reach the jobs that still wait for a worker."""
        for each in job.read_all():
            with self.deciding:
                waiting = job.read(each.name)
                if waiting is None or waiting.is_begun:
                    continue
                settled = [children.is_settled(step.directory) for step in waiting.steps()]
                if waiting.is_discarded or all(settled):
                    _tidy(waiting)
                    waiting.remove()

    def hand_out_lost(self) -> None:
        """Let a job that waits in no queue have its turn: whoever submitted it was killed before it had enqueued it."""
        if any(self._is_lost(each) for each in job.read_all()):
            with jobs.lock():  # nobody is about to enqueue it
                for lost in filter(self._is_lost, job.read_all()):
                    jobs.enqueue(lost)

    def _is_lost(self, waiting: Job) -> bool:
        is_held = waiting.is_begun or waiting.name in self._carried
        return not is_held and self.queues[waiting.lane].storage.queue_size() == 0

    @property
    def is_idle(self) -> bool:
        """Whether a further experiment would begin at once."""
        return not self._slots.empty()

    def _fail(self, steps: list[Step], failure: Said) -> None:
        with self.deciding:
            for step in steps:
                children.end(step.directory, State.FAILED, failure)

    def leave(self) -> NoReturn:
        """End this process and its children; what they leave is the next consumer's to put in words."""
        with self.deciding:
            for each in job.read_all():
                if each.process is not None:
                    child = Child(Path(), each.process)
                    if child.is_running:
                        child.signal(signal.SIGKILL)
            self.reserve.close()
            os._exit(0)


def _left_behind(begun: Job, step: Step) -> Child | None:
    """The process that an earlier consumer started for this step, whether it lives or not.

    The job's file names it, or its own status, where that consumer was killed before it could note whom it had started.
    """
    status = read_status(step.directory)
    noted = begun.process if begun.step == step.directory.name else None
    process = noted or (status.process if status and not status.state.is_final else None)
    return Child(step.directory, process) if process else None


def _is_stopped(begun: Job) -> bool:
    """Whether none of its processes is wanted any more."""
    return all(stop_requests(step.directory) for step in begun.steps())


def _is_scoring(step: Step) -> bool:
    status = read_status(step.directory)
    return status is not None and status.state is State.SCORE


def _tidy(over: Job) -> None:
    """However it was ended, no upload stays, and no pictures of an ingest that did not come to its end."""
    if over.kind is Kind.PREDICTION:
        for step in over.steps():
            shutil.rmtree(step.directory / "uploads", ignore_errors=True)
    if over.kind is Kind.INGEST:
        for step in over.steps():
            if not (step.directory / "manifest.parquet").exists():
                discard(step.directory)


def _summarise(over: Job) -> None:
    """Have the arms that were scored compared, unless that was done."""
    directory = experiment_directory(over.subject) if over.kind is Kind.EXPERIMENT else None
    if directory and not over.is_discarded and not (directory / "result.json").exists():
        with ResultWriter(directory) as report:
            report.write()


def _is_experiment_waiting() -> bool:
    return any(each.kind is Kind.EXPERIMENT and not each.is_begun for each in job.read_all())


def main() -> None:
    """Work until there is neither work nor a server, or a signal says to end."""
    home.folder().mkdir(parents=True, exist_ok=True)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    only_one = FileLock(home.file("consumer.lock"))
    try:
        only_one.acquire(timeout=HANDOVER_SECONDS)
    except Timeout:
        return
    work = _start()
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: ending.set())
    threading.Thread(target=_keep_house, args=[work, ending], daemon=True).start()
    _look_after(work, ending, home.file("consumer.lock"))
    work.leave()


def _start() -> Work:
    environments = slots()
    work = Work(environments)
    lanes = (
        (Lane.EXPERIMENTS, work.experiment, len(environments)),
        (Lane.SHORT, work.short, settings().short_workers),
        (Lane.SAMPLE, work.short, 1),
    )
    consumers = []
    with jobs.lock():
        jobs.note_consumer()
        for folder in (home.folder(), home.jobs_directory()):  # where only who has the lock writes
            remove_partial(folder)
        for lane, task, workers in lanes:
            queue, _ = jobs.open_lane(lane, task)
            work.queues[lane] = queue
            queue.storage.flush_queue()
            consumers.append(_huey_consumer(queue, workers))
        for each in job.read_all():  # the files, not what the queue had, are the truth
            jobs.enqueue(each)
    for consumer in consumers:
        consumer.start()
    return work


def _huey_consumer(queue: SqliteHuey, workers: int) -> Consumer:
    return Consumer(
        queue, workers, periodic=False, initial_delay=POLL_SECONDS, max_delay=POLL_SECONDS, scheduler_interval=60
    )


def _look_after(work: Work, ending: threading.Event, lock: Path) -> None:
    """Until it is time to leave: stops and deletions reach what waits, and somebody needs this process."""
    mine, last_needed = lock.stat().st_ino, time.monotonic()
    while not ending.wait(TICK_SECONDS):
        try:
            if lock.stat().st_ino != mine:
                return
            work.sweep()
            work.hand_out_lost()
            work.reserve.tend(is_wanted=work.is_idle)
            if job.read_all() or jobs.is_noted_alive("server"):
                last_needed = time.monotonic()
            elif time.monotonic() - last_needed > settings().idle_seconds and jobs.sign_off():
                return
        except FileNotFoundError:  # somebody has removed the home folder
            return
        except Exception:  # whatever is wrong with one job, the others still need this process
            log.exception("Could not look after the jobs")
            ending.wait(HANDOVER_SECONDS)


def _keep_house(work: Work, ending: threading.Event) -> None:
    """Beside that: say what could not be written, and remove what nobody uses."""
    due = time.monotonic()
    while True:
        try:
            work.say_unsaid()
            if time.monotonic() >= due:
                due += HOUSE_SECONDS
                leftovers.remove()
        except Exception:
            log.exception("Could not keep house")
        if ending.wait(HANDOVER_SECONDS):
            return


if __name__ == "__main__":
    main()
