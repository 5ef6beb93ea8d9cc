"""The pages' time and the server's memory: `python benchmarks/server.py ZIP [--against CHECKOUT]`

For this checkout, and for another one beside it: a short comparison of the zip, then the server, then each page opened
by its address in a browser, in every round all pages of both in turn. Prints the median seconds until a page is drawn
and its script has ended, and the server's resident memory after all pages were open. Both use this Python; neither has
a standby, which would take memory of its own beside the server. Needs playwright and the program chromium.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import measure
import pandas as pd
import psutil
from playwright.sync_api import BrowserContext, sync_playwright

PAGES = ("upload", "configure", "train", "compare", "predict")
IS_DRAWN = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return app?.dataset.testScriptState === 'notRunning'
    && document.querySelector('[data-testid="stMain"] :is(h1, h2, h3)')
    && !document.querySelector('[data-testid="stSkeleton"], [data-stale="true"]');
}"""
SHORT = ("--epochs", "2", "--baseline-epochs", "1", "--image-size", "96")


class Server:
    """A checkout's server with one experiment. Use it with `with`."""

    def __init__(self, root: Path, zip_path: Path, home: Path) -> None:
        self._root, self._home = root, home
        run = measure.compare(zip_path, home, *SHORT, root=root)
        self._ids = f"dataset={run.result['experiment']['dataset']}&experiment={run.directory.name}"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._address = f"http://127.0.0.1:{free.getsockname()[1]}"

    def __enter__(self) -> "Server":
        port = self._address.rpartition(":")[2]
        flags = ["--server.headless=true", f"--server.port={port}", "--server.fileWatcherType=none"]
        own = {"HEADSTART_HOME": str(self._home), "HEADSTART_STANDBY": "0", "HEADSTART_IDLE_SECONDS": "1"}
        command = [sys.executable, "-m", "streamlit", "run", "app.py", *flags]
        with (self._home / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=self._root, env=os.environ | own, stdout=log, stderr=subprocess.STDOUT
            )
        measure.wait_until(self._is_up, "a server that answers")
        return self

    def __exit__(self, *_: object) -> None:
        consumers = self._process_tree()[1:]
        self._process.terminate()
        self._process.wait(30)
        psutil.wait_procs(consumers, timeout=30)  # it goes by itself, once there is no server

    def _process_tree(self) -> list[psutil.Process]:
        own = psutil.Process(self._process.pid)
        return [own, *own.children(recursive=True)]

    def _is_up(self) -> bool:
        try:
            return urllib.request.urlopen(f"{self._address}/_stcore/health").status == 200
        except OSError:
            return False

    def address(self, page: str) -> str:
        return f"{self._address}/{page}?{self._ids}"

    @property
    def megabytes(self) -> float:
        return self._process_tree()[0].memory_info().rss / 1e6


def seconds_to_draw(context: BrowserContext, address: str) -> float:
    page = context.new_page()
    begun = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_function(IS_DRAWN, timeout=60_000)
    seconds = time.perf_counter() - begun
    page.close()
    return seconds


def measured(servers: dict[str, Server], rounds: int) -> pd.DataFrame:
    """Rows: pages and memory; columns: checkouts."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        times = []
        for number in range(rounds + 1):
            for page in PAGES:
                for name, server in servers.items():
                    seconds = seconds_to_draw(context, server.address(page))
                    if number:  # at first the browser fetches the app itself
                        times.append({"page": page, "checkout": name, "seconds": seconds})
        browser.close()
    table = pd.DataFrame(times).pivot_table("seconds", "page", "checkout", "median", sort=False)
    table.loc["memory, MB"] = [servers[name].megabytes for name in table.columns]
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zip", type=Path)
    parser.add_argument("--against", type=Path, help="another checkout of this project")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    print(measure.machine(), flush=True)
    checkouts = {"this": measure.ROOT} | ({"other": chosen.against.resolve()} if chosen.against else {})
    with ExitStack() as stack:
        homes = {name: Path(stack.enter_context(tempfile.TemporaryDirectory())) for name in checkouts}
        made = {name: Server(root, chosen.zip, homes[name]) for name, root in checkouts.items()}
        servers = {name: stack.enter_context(server) for name, server in made.items()}
        table = measured(servers, chosen.rounds)
    if "other" in table:
        table["this / other"] = table["this"] / table["other"]
    print(table.to_string(float_format="{:.2f}".format))


if __name__ == "__main__":
    main()
