import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable

import psutil

from core.disk.status import State, is_alive, request_stop
from core.settings import ROOT
from core.worker import process

CHILD = """
import sys, time
from pathlib import Path
from core.worker.process import Watch
with Watch(Path(sys.argv[1])):
    Path(sys.argv[1], "ready").touch()
    time.sleep(60)
"""
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]], start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


def wait_for(claim: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_first_status_names_this_very_process():
    status = process.started()
    assert status.state is State.STARTING
    assert status.pid == os.getpid()
    assert is_alive(status)


def test_each_further_stop_request_is_reported_once(tmp_path):
    heard: list[int] = []
    with process.Watch(tmp_path, heard.append) as watch:
        assert not watch.is_stopped
        request_stop(tmp_path)
        wait_for(lambda: heard == [1])
        assert watch.is_stopped
        request_stop(tmp_path)
        wait_for(lambda: heard == [1, 2])
    assert heard == [1, 2]


def test_requests_up_to_the_level_are_not_reported_again(tmp_path):
    request_stop(tmp_path)
    heard: list[int] = []
    with process.Watch(tmp_path, heard.append, level=1):
        request_stop(tmp_path)
        wait_for(lambda: heard)
    assert heard == [2]


def test_a_process_ends_when_its_parent_is_gone(tmp_path):
    command = [sys.executable, "-c", PARENT, CHILD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        wait_for((tmp_path / "ready").exists)
        parent.send_signal(signal.SIGKILL)
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_process_whose_parent_died_before_it_could_ask_ends_and_says_nothing():
    code = "from core.worker import process; process.started(); print('worked')"
    own = {**os.environ, process.PARENT_VARIABLE: str(os.getppid())}  # any that is not who starts it
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=own, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (process.ORPHANED, b"")


def test_who_started_a_process_is_no_matter_of_those_that_it_starts():
    code = "import os; from core.worker import process; print(process.PARENT, process.PARENT_VARIABLE in os.environ)"
    own = {**os.environ, process.PARENT_VARIABLE: "7"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=own, capture_output=True, text=True, check=True)
    assert done.stdout == "7 False\n"


def test_a_module_counts_as_not_installed_for_a_while():
    code = """
    import sys
    from core.worker.process import without
    with without("wave"), without("json"):
        import json  # is there already
        try:
            import wave
        except ImportError:
            print("not installed")
    import wave
    """
    command = [sys.executable, "-c", "import json" + textwrap.dedent(code)]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "not installed\n"
