"""Small hosts: `python benchmarks/small.py [--megabytes 700 1000 …] [--sight container path none] [--json FILE]`

For each amount of memory the app's server is put into a control group that may use no more, with all that it starts,
and a browser outside goes from the sample to the report with the defaults. Where the page refuses the training, its
way out is taken. Prints what came of it, the peak of the group, the peak of the server and of the arms' processes
(anonymous memory, looked at twenty times a second), and how many processes the system killed for memory.

How much of the limit the app can see:

container   the group is mounted as the root of all groups, as in a container
path        the group's files can be read where /proc/self/cgroup says, as under systemd
none        no group's file can be read, as in some sandboxes: the machine looks as large as it is

Needs root, control groups of version 1 or 2, playwright and the program chromium.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import measure
import psutil
from playwright.sync_api import Page, TimeoutError, expect, sync_playwright

MEGABYTES = (700, 1000, 1250, 1800, 2700)
GROUPS = Path("/sys/fs/cgroup")
SIGHTS = {
    "container": 'mount --bind "{group}" "{root}"',
    "path": "true",
    "none": "mount -t tmpfs none /sys/fs/cgroup",
}
TRAINED_SECONDS = 1200
LOOK_SECONDS = 0.05


class Group:
    """A control group with a limit of memory. Use it with `with`: what is still in it is killed at the end."""

    def __init__(self, name: str, limit_bytes: int) -> None:
        is_two = (GROUPS / "cgroup.controllers").exists()
        self.root = GROUPS if is_two else GROUPS / "memory"
        self.path, self._limit = self.root / name, limit_bytes
        self._names = (
            {"limit": "memory.max", "peak": "memory.peak", "kills": "memory.events"}
            if is_two
            else {"limit": "memory.limit_in_bytes", "peak": "memory.max_usage_in_bytes", "kills": "memory.oom_control"}
        )

    def __enter__(self) -> "Group":
        self.path.mkdir()
        (self.path / self._names["limit"]).write_text(str(self._limit))
        with suppress(OSError):
            (self.path / "memory.swap.max").write_text("0")
        return self

    def __exit__(self, *_: object) -> None:
        deadline = time.monotonic() + 30
        while pids := self.pids:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise SystemExit(f"Expected the processes of {self.path} to end; {pids} did not.")
            time.sleep(0.1)
        self.path.rmdir()

    @property
    def pids(self) -> list[int]:
        return [int(line) for line in (self.path / "cgroup.procs").read_text().split()]

    @property
    def peak_bytes(self) -> int:
        return int((self.path / self._names["peak"]).read_text())

    @property
    def kills(self) -> int:
        said = (self.path / self._names["kills"]).read_text()
        return int(re.findall(r"^oom_kill (\d+)", said, re.MULTILINE)[0])

    def command(self, command: list[str], sight: str) -> list[str]:
        """What starts `command` in the group, which sees of it what `sight` says."""
        see = SIGHTS[sight].format(group=self.path, root=self.root)
        script = f'echo $$ > "{self.path}/cgroup.procs" && {see} && exec "$@"'
        return ["unshare", "--mount", "--propagation", "private", "bash", "-ec", script, "small", *command]


class Peaks:
    """The most anonymous memory that each kind of process had, looked at in a thread."""

    def __init__(self, group: Group, server: int, home: Path) -> None:
        self.bytes: dict[str, int] = {}
        self._group, self._server, self._home = group, server, home
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> dict[str, int]:
        self._is_over.set()
        self._thread.join()
        return self.bytes

    def _look(self) -> None:
        while not self._is_over.wait(LOOK_SECONDS):
            now: dict[str, int] = {}
            arms = self._arms()
            for pid in self._group.pids:
                kind = "server" if pid == self._server else arms.get(pid) or _kind(pid)
                now[kind] = now.get(kind, 0) + _anonymous(pid)
            now["all"] = sum(now.values())
            self.bytes |= {kind: max(size, self.bytes.get(kind, 0)) for kind, size in now.items()}

    def _arms(self) -> dict[int, str]:
        found = {}
        for path in self._home.glob("experiments/*/*/status.json"):
            with suppress(OSError, ValueError, KeyError, TypeError):
                found[json.loads(path.read_text())["process"]["pid"]] = path.parent.name
        return found


def _kind(pid: int) -> str:
    with suppress(psutil.Error):
        words = [word for word in psutil.Process(pid).cmdline() if word.startswith("core.")]
        return words[0].rpartition(".")[2] if words else "other"
    return "gone"


def _anonymous(pid: int) -> int:
    with suppress(OSError):
        said = re.findall(r"^RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        return 1024 * int(said[0]) if said else 0
    return 0


@contextmanager
def served(group: Group, sight: str, home: Path) -> Iterator[tuple[str, int]]:
    """The app's server in a group; gives its address and its pid."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = ["--server.headless=true", f"--server.port={port}", "--server.fileWatcherType=none"]
    command = group.command([sys.executable, "-m", "streamlit", "run", "app.py", *flags], sight)
    environment = os.environ | {"HEADSTART_HOME": str(home)}
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=measure.ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    measure.wait_until(lambda: _is_up(address), "a server that answers")
    try:
        yield address, process.pid
    finally:
        process.kill()
        process.wait()


def _is_up(address: str) -> bool:
    try:
        return bool(urllib.request.urlopen(f"{address}/_stcore/health").status == 200)
    except OSError:
        return False


def press(page: Page, key: str, *, seconds: float = 90) -> None:
    button = page.locator(f".st-key-{key} button[data-testid^=stBaseButton]:enabled").first
    button.click(timeout=seconds * 1000)


def walk(page: Page, address: str) -> str:
    """From the sample to the report, and what came of it."""
    page.goto(address)
    press(page, "sample")
    press(page, "configure")
    page.wait_for_selector(".st-key-train button", timeout=90_000)
    refused = ""
    if page.locator(".st-key-fit_host button").count():
        refused = f"refused ({page.locator('[data-testid=stAlert]').first.inner_text().strip()}), then "
        press(page, "fit_host")
    press(page, "train")
    page.wait_for_url(re.compile("/train"), timeout=90_000)
    press(page, "compare", seconds=TRAINED_SECONDS)
    page.wait_for_url(re.compile("/compare"), timeout=90_000)
    title = page.locator('[data-testid="stMain"] :is(h1, h2)').first
    expect(title).to_be_visible(timeout=90_000)
    return refused + "report: " + title.inner_text()


def measured(megabytes: int, sight: str) -> dict[str, Any]:
    """One walk."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        group = stack.enter_context(Group(f"headstart-{os.getpid()}-{megabytes}-{sight}", megabytes * 1_000_000))
        address, server = stack.enter_context(served(group, sight, home))
        peaks = Peaks(group, server, home)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        begun = time.monotonic()
        try:
            outcome = walk(page, address)
        except (TimeoutError, AssertionError) as error:
            outcome = f"did not get through: {' '.join(str(error).split())[:300]} {_alerts(page)}"
        seconds = time.monotonic() - begun
        browser.close()
        kinds = peaks.end()
        return {
            "megabytes": megabytes,
            "sight": sight,
            "outcome": outcome,
            "seconds": seconds,
            "group_peak": group.peak_bytes,
            "kills": group.kills,
            "peaks": kinds,
        }


def _alerts(page: Page) -> str:
    with suppress(Exception):
        return " / ".join(page.locator("[data-testid=stAlert]").all_inner_texts())
    return ""


def row(one: dict[str, Any]) -> str:
    """A line of a Markdown table."""
    peaks = one["peaks"]
    sizes = [one["group_peak"], *(peaks.get(kind, 0) for kind in ("all", "server", "transfer", "scratch"))]
    cells = [f"{one['megabytes']:,}", one["sight"], one["outcome"], f"{one['seconds']:.0f}"]
    return (
        "| "
        + " | ".join([*cells, *(f"{size / 1e6:,.0f}" if size else "–" for size in sizes), str(one["kills"])])
        + " |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, nargs="+", default=MEGABYTES)
    parser.add_argument("--sight", nargs="+", choices=SIGHTS, default=["container", "none"])
    parser.add_argument("--json", type=Path, help="where to write everything that was found")
    chosen = parser.parse_args()
    print(measure.machine(), flush=True)
    print("\n| memory, MB | limit seen | outcome | s | group | anonymous | server | transfer | scratch | killed |")
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    found = []
    for megabytes in chosen.megabytes:
        for sight in chosen.sight:
            found.append(measured(megabytes, sight))
            print(row(found[-1]), flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
