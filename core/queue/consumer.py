"""The one process that works this host's queue off. `python -m core.queue.consumer`, started by `presence`.

It survives the server for as long as there is work, and exits when neither was seen for `idle_seconds`. It only starts
processes, looks after them and ends them, so it stays small. Killed itself, it leaves the jobs' files; the next
consumer goes on from there: what had not begun starts, what still runs is followed, what died says so.
"""

import logging
import signal
import threading
import time
from pathlib import Path

from filelock import FileLock, Timeout

from core.disk import home
from core.disk.files import remove_partial
from core.queue import job, lanes, leftovers, presence
from core.queue.work import Work
from core.settings import settings

TICK_SECONDS = 0.2
POLL_SECONDS = 0.05  # until a job that was submitted is begun, at most
HANDOVER_SECONDS = 5.0  # for an earlier consumer to be gone
HOUSE_SECONDS = 3600.0  # between two looks for what nobody uses any more

log = logging.getLogger(__name__)


def main() -> None:
    """Work until there is neither work nor a server, or a signal says to end."""
    home.folder().mkdir(parents=True, exist_ok=True)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    only_one = FileLock(home.file("consumer.lock"))
    try:
        only_one.acquire(timeout=HANDOVER_SECONDS)
    except Timeout:
        return
    with presence.lock():
        presence.note_consumer()
        for folder in (home.folder(), home.jobs_directory()):  # where only who has the lock writes
            remove_partial(folder)
    work = Work(lanes.of_this_host())
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: ending.set())
    for duty in (_hand_out, _keep_house):
        threading.Thread(target=duty, args=[work, ending], daemon=True).start()
    _look_after(work, ending, home.file("consumer.lock"))
    work.leave()


def _hand_out(work: Work, ending: threading.Event) -> None:
    """Until then: what was submitted begins."""
    while not ending.wait(POLL_SECONDS):
        try:
            work.hand_out()
        except Exception:  # whatever is wrong with one job, the others still need this process
            log.exception("Could not hand out the jobs")
            ending.wait(HANDOVER_SECONDS)


def _look_after(work: Work, ending: threading.Event, lock: Path) -> None:
    """Until it is time to leave: stops and deletions reach what waits, and somebody needs this process."""
    mine, last_needed = lock.stat().st_ino, time.monotonic()
    while not ending.wait(TICK_SECONDS):
        try:
            if lock.stat().st_ino != mine:
                return
            work.sweep()
            work.reserve.tend(is_wanted=work.is_idle)
            if job.read_all() or presence.is_noted_alive("server"):
                last_needed = time.monotonic()
            elif time.monotonic() - last_needed > settings().idle_seconds and presence.sign_off():
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
