"""Twenty kills of whatever process, amid reading, training, comparing and predicting: each time all is in order soon.

Everything is real but the server: a stand-in for it keeps the queue busy and looks after the consumer as a page does.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import pyarrow.parquet
import pytest
from plans import ARMS

from core.disk.status import State, Status, is_alive, read_metrics, read_status
from core.plan import predictions
from core.queue import job, jobs, presence
from core.settings import ROOT, settings

ROLES = {"consumer": 4, "arm": 4, "server": 4, "ingest": 3, "predict": 2, "report": 2, "standby": 1}  # kills of each
SEED = 7
PATIENCE_SECONDS = 240.0  # for a process of some role to turn up, or for order to be restored, on a busy host
SERVER = """
import shutil, sys, time
from pathlib import Path
from zipfile import ZipFile
from core.data import ingest
from core.plan import predictions
from core.queue import job, jobs, presence
from core.disk.home import new_id
from core.plan.experiments import create_experiment, read_experiment, read_split
from core.queue.kinds import Kind

zipped, trained, picture = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])

def submit_ingest():
    own = zipped.with_name(f"{new_id()}.zip")
    shutil.copy(zipped, own)
    with ZipFile(own, "a") as archive:
        archive.comment = own.stem.encode()  # else it would not be read again
    jobs.submit_ingest(ingest.create(own, "Colours"))
    own.unlink()

def submit_prediction():
    jobs.submit_prediction(predictions.create(trained, [("new.png", picture.read_bytes())]))

def submit_experiment():
    again = read_experiment(trained).model_copy(update={"created": ""})
    jobs.submit_experiment(create_experiment(again, read_split(trained)))

work = {Kind.EXPERIMENT: submit_experiment, Kind.INGEST: submit_ingest, Kind.PREDICTION: submit_prediction}
while True:
    presence.ensure_consumer()
    present = {each.kind for each in job.read_all()}
    for kind in work:
        if kind not in present:
            work[kind]()
    time.sleep(0.2)
"""


class Living(NamedTuple):
    """A process of the home, as it was when it was looked at."""

    role: str
    pid: int
    parent: int


class House:
    """All processes of one home, as one who kills them sees them."""

    def __init__(self, home: Path, arguments: list[str], log: Path) -> None:
        self.home, self.killed = home, Counter[str]()
        self._arguments, self._log = arguments, log
        self._server: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Have a server at work, again if it was killed."""
        with self._log.open("ab") as log:
            command = [sys.executable, "-c", SERVER, *self._arguments]
            self._server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def close(self) -> None:
        """End the server; the consumer ends by itself once its work is done."""
        if self._server:
            self._server.kill()
            self._server.wait()

    def living(self) -> list[Living]:
        """All processes but the server."""
        arms = {status.pid for path, status in self.statuses() if path.parent.parent.name == "experiments"}
        return [found for each in psutil.process_iter() if (found := _living(each, self.home, arms))]

    def statuses(self) -> list[tuple[Path, Status]]:
        """Every directory that has one which is not final, with it."""
        patterns = ("datasets/*", "predictions/*", "experiments/*/*")
        paths = [path.parent for pattern in patterns for path in self.home.glob(f"{pattern}/status.json")]
        found = ((path, read_status(path)) for path in paths)
        return [(path, status) for path, status in found if status and not status.state.is_final]

    def kill(self, role: str) -> bool:
        """Kill one process of that role, if one lives."""
        if role == "server":
            assert self._server
            self.close()
            self.open()
        else:
            found = [each for each in self.living() if each.role == role]
            if not found:
                return False
            with suppress(ProcessLookupError):  # it may just have ended by itself
                os.kill(found[0].pid, signal.SIGKILL)
        self.killed[role] += 1
        return True

    def disorder(self) -> str:
        """What is not as it should be, in a word; empty when all is."""
        living = self.living()
        consumers = [each.pid for each in living if each.role == "consumer"]
        if len(consumers) != 1 or not presence.is_noted_alive("consumer"):
            return f"one consumer that is noted was expected; there are {consumers}"
        orphans = [each for each in living if each.role != "consumer" and each.parent not in consumers]
        if orphans:
            return f"without their consumer: {orphans}"
        forgotten = [path for path, status in self.statuses() if _is_forgotten(status)]
        return f"neither over nor worked on: {forgotten}" if forgotten else ""

    def torn(self) -> list[Path]:
        """Files that are there and cannot be read."""
        return [path for path in self.home.rglob("*") if not path.name.startswith(".") and not _is_whole(path)]


def _living(process: psutil.Process, home: Path, arms: set[int | None]) -> Living | None:
    """What it is, if it is one of this home's. A standby that has its order has become an arm."""
    try:
        module = next((word for word in process.cmdline()[:4] if word.startswith("core.")), "").rpartition(".")[2]
        if not module or process.environ().get("HEADSTART_HOME") != str(home):
            return None
        role = "arm" if module == "train" or process.pid in arms else module
        return None if process.status() == psutil.STATUS_ZOMBIE else Living(role, process.pid, process.ppid())
    except psutil.Error:  # it has ended meanwhile
        return None


def _is_forgotten(status: Status) -> bool:
    """Whether nobody works on what was begun; what waits is handed out in its turn, which the end of all shows."""
    return status.state is not State.QUEUED and not is_alive(status)


def _is_whole(path: Path) -> bool:
    try:
        if path.suffix == ".json":
            json.loads(path.read_bytes())
        elif path.suffix == ".parquet":
            pyarrow.parquet.read_table(path)
        elif path.name == "metrics.jsonl":
            read_metrics(path.parent)
    except FileNotFoundError:  # removed meanwhile
        return True
    except (ValueError, OSError):
        return False
    return True


def finished(folder: Path) -> set[str]:
    """Names of the directories whose work was brought to its good end."""
    statuses = ((path.parent, read_status(path.parent)) for path in folder.glob("*/status.json"))
    return {path.name for path, status in statuses if status and status.state is State.DONE}


@pytest.fixture
def house(
    home: Path,
    tmp_path: Path,
    colours_zip: Callable[..., Path],
    new_experiment: Callable[..., str],
    picture_of: Callable[..., bytes],
    wait_for: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[House]:
    """A home with one trained experiment, and a server that keeps it busy."""
    for name, value in {"STANDBY": "true", "STANDBY_MIN_FREE_BYTES": "0", "IDLE_SECONDS": "1"}.items():
        monkeypatch.setenv(f"HEADSTART_{name}", value)
    settings.cache_clear()
    short = {"epochs": 1, "patience": None}
    trained = new_experiment(training=short, scratch={**short, "image_size": 32})
    jobs.submit_experiment(trained)
    wait_for(lambda: jobs.position(trained) is None, 2 * PATIENCE_SECONDS)
    assert len(predictions.scored_arms(trained)) == len(ARMS)
    picture = tmp_path / "new.png"
    picture.write_bytes(picture_of(1))
    one = House(home, [str(colours_zip(2, 150)), trained, str(picture)], tmp_path / "server.log")
    one.open()
    yield one
    one.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)  # on a host that is busy with other things as well it takes long
def test_twenty_kills_leave_all_in_order(house: House, wait_for: Callable[..., None]):
    rolls = random.Random(SEED)
    roles = [role for role, times in ROLES.items() for _ in range(times)]
    rolls.shuffle(roles)
    for number, role in enumerate(roles):
        print(f"{number}: {role}, {time.monotonic():.1f} s")  # pytest shows it when the test fails
        time.sleep(rolls.uniform(0.0, 0.5))  # not a wait for anything: another moment of the work each time
        wait_for(lambda role=role: house.kill(role), PATIENCE_SECONDS)
        before = {path.name for path in (house.home / "datasets").iterdir()}
        wait_for(lambda: not house.disorder(), PATIENCE_SECONDS)
        assert not house.torn()
        wait_for(lambda before=before: finished(house.home / "datasets") - before, PATIENCE_SECONDS)
    assert house.killed == ROLES

    house.close()  # no more work comes: what waits comes to its end, with nobody but the consumer left
    wait_for(lambda: not job.read_all(), 2 * PATIENCE_SECONDS)
    wait_for(lambda: not house.living(), PATIENCE_SECONDS)
    assert not [status for _, status in house.statuses() if status.state is not State.QUEUED]
    assert not house.torn()
    _assert_that_the_next_work_is_done(house, wait_for)


def _assert_that_the_next_work_is_done(house: House, wait_for: Callable[..., None]) -> None:
    """A last experiment and a last prediction, undisturbed."""
    folders = [house.home / "experiments", house.home / "predictions"]
    before = [{path.name for path in folder.iterdir()} for folder in folders]
    house.open()
    wait_for(lambda: finished(folders[1]) - before[1], PATIENCE_SECONDS)

    def is_trained() -> bool:
        new = [path for path in folders[0].iterdir() if path.name not in before[0]]
        return any((path / "result.json").exists() and finished(path) == {*ARMS} for path in new)

    wait_for(is_trained, 2 * PATIENCE_SECONDS)
