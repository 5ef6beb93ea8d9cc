"""The jobs as the consumer carries them out: handed out to their lanes, brought through their steps, and closed."""

import logging
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from core.disk import home, space
from core.disk.home import experiment_directory
from core.disk.status import State, read_status, stop_requests
from core.plan import attempt
from core.queue import children, job
from core.queue.children import Child, ResultWriter
from core.queue.job import Job
from core.queue.kinds import Lane, Step
from core.queue.lanes import Environment, Lanes
from core.queue.room import Room
from core.queue.standby import Reserve
from core.words.said import Said, say

log = logging.getLogger(__name__)


class Work:
    """What all lanes share: the places, the standby, and one thread at a time deciding over a status."""

    def __init__(self, places: Mapping[Lane, Sequence[Environment]]) -> None:
        """Every place is free."""
        self.deciding = threading.Lock()
        self.reserve = Reserve(home.folder())
        self.room = Room()
        self._lanes = Lanes(places)
        self._carried: set[str] = set()  # the names of the jobs that have a thread, or an end that is not written yet
        self._unsaid: dict[str, tuple[Job, Said]] = {}  # jobs that are over, and what could not be written of them

    def hand_out(self) -> None:
        """Let what waits begin, in its order, where its lane has a place. One thread does this."""
        line = job.read_all(besides=self._carried)
        for waiting in sorted(line, key=lambda each: (-each.priority, each.submitted)):
            lane = waiting.lane
            environment = self._lanes.take(lane)
            if environment is not None:
                self._carried.add(waiting.name)
                threading.Thread(target=self._work_off, args=[waiting.name, lane, environment], daemon=True).start()

    def _work_off(self, name: str, lane: Lane, environment: Environment) -> None:
        try:
            self._carry_out(name, environment)
        finally:
            self._lanes.give_back(lane, environment)

    def _carry_out(self, name: str, environment: Environment) -> None:
        """Bring a job through its steps; whatever happens, it is over then."""
        with self.deciding:
            taken = job.read(name)
        if taken is None:  # stopped, deleted or just over
            self._carried.discard(name)
            return
        begun = taken.model_copy(update={"is_begun": True})
        failure = None
        try:
            with self.deciding:
                begun.write()
            needed = begun.rules.need_bytes(begun.subject)
            with self.room.taken(needed, is_unwanted=lambda: begun.is_discarded or _is_stopped(begun)):
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

    def _steps(self, begun: Job, environment: Environment) -> None:
        steps = begun.steps()
        with ResultWriter(_result_directory(begun)) as report:
            for number, step in enumerate(steps):
                self._run(begun, step, steps[number + 1 :], environment, report)
            if not begun.is_discarded:
                report.write()

    def _run(self, begun: Job, step: Step, later: list[Step], environment: Environment, report: ResultWriter) -> None:
        """Bring one process to its end, also one that an earlier consumer had started; twice where memory ran out."""
        while self._is_tried_again(begun, step, later, environment, report):
            log.warning("%s: memory ran out or it crashed, a second attempt begins", begun.name)

    def _is_tried_again(
        self, begun: Job, step: Step, later: list[Step], environment: Environment, report: ResultWriter
    ) -> bool:
        with self.deciding:
            child = _left_behind(begun, step) or self._begun(begun, step, environment)
        if child is None:
            return False

        def is_unwanted() -> bool:
            for each in later:
                with self.deciding:
                    children.is_settled(each.directory)  # tells it, if it was stopped
            if begun.rules.is_training and _is_scoring(step):  # which leaves a core to what comes next
                if later:
                    self.reserve.tend(is_wanted=True)
                else:
                    report.prepare()
            return begun.is_discarded or (begun.rules.gives_way and _is_training_waiting())

        try:
            begun.model_copy(update={"step": step.directory.name, "process": child.identity}).write()
            was_unwanted = child.follow(is_unwanted)
        finally:
            if child.is_running:  # after an error in here: nobody else would look after it
                child.signal(signal.SIGKILL)
        with self.deciding:
            if begun.rules.is_training and child.is_tried_again(was_unwanted=was_unwanted):
                begun.write()  # no process works on it
                return True
            child.settle(was_unwanted=was_unwanted, remedy=begun.rules.remedy)
        return False

    def _begun(self, begun: Job, step: Step, environment: Environment) -> Child | None:
        """The step's process, just started; None where none is wanted."""
        if begun.is_discarded or children.is_settled(step.directory):
            return None
        is_for_standby = begun.rules.is_training and not attempt.is_without_openvino(step.directory)
        spare = self.reserve.take() if is_for_standby else None
        return children.start(step.directory, step.arguments, environment, spare)

    def sweep(self) -> None:
        """Let stops and deletions reach the jobs that still wait for a worker."""
        for each in job.read_all():
            with self.deciding:
                waiting = job.read(each.name)
                if waiting is None or waiting.is_begun or waiting.name in self._carried:
                    continue
                settled = [children.is_settled(step.directory) for step in waiting.steps()]
                if waiting.is_discarded or all(settled):
                    _tidy(waiting)
                    waiting.remove()

    @property
    def is_idle(self) -> bool:
        """Whether a further experiment would begin at once."""
        return self._lanes.has_place(Lane.EXPERIMENTS)

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
    for step in over.steps():
        over.rules.tidy(step.directory)


def _result_directory(of: Job) -> Path | None:
    """Where its arms are compared, if it has any."""
    return experiment_directory(of.subject) if of.rules.is_training else None


def _summarise(over: Job) -> None:
    """Have the arms that were scored compared, unless that was done."""
    directory = _result_directory(over)
    if directory and not over.is_discarded and not (directory / "result.json").exists():
        with ResultWriter(directory) as report:
            report.write()


def _is_training_waiting() -> bool:
    return any(each.rules.is_training and not each.is_begun for each in job.read_all())


def _failure(error: Exception) -> Said:
    """What is said of a job that an error in here has ended."""
    refusal = space.refusal(error)
    return refusal.said if refusal else say("job.not-carried-out", reason=str(error))
