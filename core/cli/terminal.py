"""An experiment carried out for a terminal: by processes of its own, or by the consumer where one is at work.

Ctrl-C asks the arm that runs to stop and to be scored with its best epoch. A second one ends the whole experiment, a
third one leaves at once. What was written until then stays where the app finds it.
"""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, Self

from core.cli import bars
from core.cli.bars import Bar
from core.disk import home, record, space
from core.disk.home import arm_directory
from core.disk.status import State, Status, is_alive, read_status, request_stop, write_status
from core.errors import RunError, StopRequested
from core.plan import attempt
from core.queue import children, jobs, kinds, presence
from core.queue.standby import Reserve
from core.words.said import plain, say
from core.words.sentences import sentence

POLL_SECONDS = 0.05
LOOK_SECONDS = 1.0  # between two looks whether the consumer lives


class Runner(Protocol):
    """Carries out an experiment and shows how far it is."""

    def __enter__(self) -> Self:
        """Begin what can be begun before there is an experiment."""

    def __exit__(self, *_: object) -> None:
        """End what was begun, whatever happened."""

    def run(self, experiment_id: str, arms: Sequence[str]) -> None:
        """Train the arms, one after the other.

        Raises:
            RunError: One failed.
            StopRequested: One was stopped without scores.
        """


def runner() -> Runner:
    """The consumer's queue where one works for this home, so that two trainings do not share a processor."""
    return Queue() if presence.is_noted_alive("consumer") else Processes()


class Processes:
    """A process an arm, started by this one. The first is started at once, so that Keras is imported meanwhile."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._reserve = Reserve()
        self._later: Sequence[str] = ()

    def __enter__(self) -> Self:
        """Start a process that will be the first arm's."""
        self._reserve.tend(is_wanted=True)
        return self

    def __exit__(self, *_: object) -> None:
        """End a process that came to be no arm's."""
        self._reserve.close()

    def run(self, experiment_id: str, arms: Sequence[str]) -> None:
        """See `Runner`."""
        for number, arm in enumerate(arms):
            self._later = arms[number + 1 :]
            self._run(experiment_id, arm)

    def _run(self, experiment_id: str, arm: str) -> None:
        directory = arm_directory(experiment_id, arm).absolute()
        write_status(directory, Status())
        standby = None if attempt.is_without_openvino(directory) else self._reserve.take()
        child = children.start(directory, ("core.tasks.train", str(directory.parent), arm), {}, standby=standby)

        def ask(times: int) -> None:
            request_stop(directory)
            if times > 1:
                self._later = ()

        with _Progress(arm) as progress, _interrupts(ask):

            def look() -> bool:
                status = read_status(directory)
                progress.show(status)
                if self._later and status and status.state is State.SCORE:  # which leaves a core to the next imports
                    self._reserve.tend(is_wanted=True)
                return False

            try:
                child.follow(look)
            finally:
                if child.is_running:
                    child.signal(signal.SIGKILL)
                    child.follow(lambda: True)
                is_tried_again = child.is_tried_again(was_unwanted=False)
                if not is_tried_again:
                    child.settle(was_unwanted=False, remedy=kinds.LOWER)
            progress.show(read_status(directory))
        if is_tried_again:
            bars.say((read_status(directory) or Status()).message)
            self._run(experiment_id, arm)
            return
        _check(directory, arm)


class Queue:
    """The consumer, with the process that it has warm; experiments that were submitted before come first."""

    def __init__(self) -> None:
        """Nothing is to be begun."""
        self._looked = 0.0

    def __enter__(self) -> Self:
        """And nothing is here."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nor to be ended."""

    def run(self, experiment_id: str, arms: Sequence[str]) -> None:
        """See `Runner`."""
        directories = {arm: arm_directory(experiment_id, arm) for arm in arms}

        def ask(times: int) -> None:
            running = [arm for arm in arms if not _is_over(directories[arm])][:1]
            for arm in arms if times > 1 or jobs.position(experiment_id, is_server=False) else running:
                if not _is_over(directories[arm]):
                    request_stop(directories[arm])

        is_warm = is_alive(Status.model_validate(record.readable(home.file("standby.json"))))
        bars.say(
            "The app is at work for this home: " + ("its warm process trains." if is_warm else "its queue trains.")
        )
        with _interrupts(ask):
            try:
                jobs.submit_experiment(experiment_id, is_server=False)
                self._wait(experiment_id)
                for arm in arms:
                    self._follow(experiment_id, arm)
            finally:  # after an error the other arm is not wanted either
                for directory in directories.values():
                    if directory.is_dir() and not _is_over(directory):
                        request_stop(directory)

    def _wait(self, experiment_id: str) -> None:
        said = 0
        while ahead := jobs.ahead(experiment_id):
            if ahead != said:
                bars.say(sentence(say("command.waiting", n=ahead)))
                said = ahead
            self._pause(experiment_id)

    def _follow(self, experiment_id: str, arm: str) -> None:
        directory = arm_directory(experiment_id, arm)
        with _Progress(arm) as progress:
            while not _is_over(directory):
                if not directory.is_dir():
                    raise RunError("command.deleted", arm=arm)
                progress.show(read_status(directory))
                self._pause(experiment_id)
            progress.show(read_status(directory))
        _check(directory, arm)

    def _pause(self, experiment_id: str) -> None:
        time.sleep(POLL_SECONDS)
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            if not presence.is_noted_alive("consumer"):
                space.check_writable()  # else nobody could go on with it
            jobs.position(experiment_id, is_server=False)  # replaces a consumer that was killed


class _Progress:
    """A bar on stderr; where that is no terminal, a line whenever the state changes."""

    def __init__(self, arm: str) -> None:
        self._arm, self._state, self._bar = arm, State.QUEUED, Bar(f"{arm:9}")

    def __enter__(self) -> Self:
        self._bar.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.__exit__(*error)

    def show(self, status: Status | None) -> None:
        if status is None:
            return
        if self._bar.is_shown:
            self._bar.show(status.done, status.total, f"{self._arm:9} {status.state:8}")
        elif status.state is not self._state:
            bars.say(f"{self._arm}: {status.state}")
        self._state = status.state


@contextmanager
def _interrupts(ask: Callable[[int], object]) -> Iterator[None]:
    """Meanwhile Ctrl-C calls `ask` with how often it came, and ends this process the third time."""
    times = 0

    def interrupted(*_: object) -> None:
        nonlocal times
        times += 1
        if times > 2:
            raise KeyboardInterrupt
        bars.say("Stopping; once more to end all of it." if times == 1 else "Ending; once more to leave at once.")
        ask(times)

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _is_over(directory: Path) -> bool:
    status = read_status(directory)
    return status is not None and status.state.is_final


def _check(directory: Path, arm: str) -> None:
    """Raise what an arm that has ended without scores calls for."""
    status = read_status(directory) or Status()
    if status.state is State.FAILED:
        raise RunError("command.failed", arm=arm, reason=status.said, log=directory / "log.txt")
    if not (directory / "predictions.parquet").exists():
        raise StopRequested(status.said or plain(""))
