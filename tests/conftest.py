"""The only home of shared fixtures."""

import io
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image, ImageCms, ImageDraw
from plans import ARMS, planned
from playwright.sync_api import Browser, Page, sync_playwright

from core import host
from core.data import ingest
from core.data.pictures.augmentation import NO_AUGMENTATION
from core.data.pictures.depth import UNKNOWN
from core.data.pictures.recipe import labels
from core.disk.files import write_json
from core.disk.home import arm_directory, dataset_directory, new_id
from core.disk.record import read_json
from core.disk.status import State, Status, append_metrics, is_alive, write_status
from core.plan import facts
from core.plan.arm import Arm
from core.plan.experiments import create_experiment, read_split
from core.plan.facts import ArmFacts, ArmSeconds, Built, FitFacts, Prepared, ReloadCheck
from core.queue import presence
from core.report import result
from core.settings import ROOT, settings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several run at a time: one process for a file's tests, and one for all that look at one long training."""
    for item in items:
        group = "compared" if "_compared" in getattr(item, "fixturenames", ()) else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty HEADSTART_HOME of this test's own, in this process and in those that it starts."""
    for name in [name for name in os.environ if name.startswith("HEADSTART_")]:
        monkeypatch.delenv(name)  # the host's own settings are no business of a test
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HEADSTART_HOME", str(folder))
    monkeypatch.setenv("HEADSTART_STANDBY", "false")  # else each consumer would import Keras for nobody
    monkeypatch.setattr(host, "is_limit_known", lambda: True)  # also in a chroot, which sees no control groups
    settings.cache_clear()
    yield folder
    _end_consumer(folder)
    settings.cache_clear()


def _end_consumer(home: Path) -> None:
    """A consumer that a test has caused lives as long as its server, which is pytest: it is ended here."""
    noted = read_json(home / "consumer.json")
    if noted and is_alive(Status.model_validate(noted)):
        consumer = psutil.Process(noted["pid"])
        consumer.terminate()  # its children end with it
        psutil.wait_procs([consumer], timeout=10)
    for each in presence.CONSUMERS:
        each.poll()  # else Popen warns of it when pytest ends


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data for tests and benchmarks, which lies beside a developer's checkout."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"needs the folder {folder.name} beside the checkout")
    return folder


@pytest.fixture(scope="session")
def picture_of() -> Callable[..., bytes]:
    """A function that gives a picture file; another number, another picture."""

    def make(number: int, *, kind: str = "PNG", size: tuple[int, int] = (8, 8)) -> bytes:
        random, file = np.random.default_rng(number), io.BytesIO()
        Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).save(file, kind)
        return file.getvalue()

    return make


P3 = {b"rXYZ": (0.51512, 0.24120, -0.00105), b"gXYZ": (0.29198, 0.69225, 0.04189), b"bXYZ": (0.15710, 0.06657, 0.78407)}


@pytest.fixture(scope="session")
def photo_of() -> Callable[..., Image.Image]:
    """A function that gives a picture with things in it, sharp and soft, as photographs have; 512 by 384 px."""

    def make(number: int) -> Image.Image:
        random = np.random.default_rng((7, number))
        image = Image.fromarray(random.integers(60, 200, (4, 5, 3), dtype=np.uint8)).resize((512, 384))
        draw = ImageDraw.Draw(image)
        for _ in range(25):
            x, y, size = random.integers((-40, -40, 15), (500, 370, 120))
            colour = tuple(int(value) for value in random.integers(0, 256, 3))
            shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
            shape((x, y, x + size, y + size * random.uniform(0.4, 1.0)), fill=colour)
        return image

    return make


@pytest.fixture(scope="session")
def display_p3() -> bytes:
    """The colour profile of phones: that of sRGB with other primaries (SMPTE EG 432-1, adapted to D50)."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for number in range(struct.unpack(">I", profile[128:132])[0]):
        name, offset, _ = struct.unpack(">4sII", profile[132 + 12 * number : 144 + 12 * number])
        if name in P3:
            profile[offset + 8 : offset + 20] = struct.pack(">3i", *(round(65536 * value) for value in P3[name]))
    return bytes(profile)


D50 = b"XYZ " + bytes(4) + struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
DARK = b"curv" + bytes(4) + struct.pack(">IH", 1, 3 * 256)  # the values to the power of 3
PALE_INKS = [
    (round(255 - 60 * (c + m + y) - 75 * k), 128 + 50 * (m - c), 128 + 50 * (y - c))
    for c, m, y, k in np.ndindex(2, 2, 2, 2)
]
INKS_TO_LAB = (  # an "mft1": one matrix, straight curves, and a colour for each mixture of inks
    b"mft1"
    + bytes([*bytes(4), 4, 3, 2, 0])
    + struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).flat)
    + bytes([*range(256)] * 4 + [value for colour in PALE_INKS for value in colour] + [*range(256)] * 3)
)


def profile_of(space: bytes, connection: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    """An ICC profile, version 2.1 (ICC.1:1998-09): a header, a table of tags, the tags."""
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size, version, illuminant = start + len(body), 0x02100000, D50[8:]
    return (
        struct.pack(">III4s4s4s12x4s28x12s48x", size, 0, version, b"prtr", space, connection, b"acsp", illuminant)
        + table
        + body
    )


@pytest.fixture(scope="session")
def dark_grey() -> bytes:
    """A colour profile for grey that is darker than sRGB's."""
    return profile_of(b"GRAY", b"XYZ ", {b"wtpt": D50, b"kTRC": DARK})


@pytest.fixture(scope="session")
def pale_inks() -> bytes:
    """A colour profile for CMYK whose inks are paler than those that Pillow takes for granted."""
    return profile_of(b"CMYK", b"Lab ", {b"wtpt": D50, b"A2B0": INKS_TO_LAB})


@pytest.fixture
def zip_of(tmp_path: Path, picture_of: Callable[..., bytes]) -> Callable[..., Path]:
    """A function that writes a zip of names and bytes.

    A number stands for pictures: `{"cats/": 3}` for three, no two the same, `{"cats/a.png": 3}` for picture number 3.
    """

    def write(files: Mapping[str, bytes | int], name: str = "pictures.zip") -> Path:
        path, number = tmp_path / name, 1_000_000
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file, content in files.items():
                if isinstance(content, bytes):
                    archive.writestr(file, content)
                elif not file.endswith("/"):
                    archive.writestr(file, picture_of(content))
                else:
                    for position in range(content):
                        archive.writestr(f"{file}{position}.png", picture_of(number))
                        number += 1
        return path

    return write


COLOURS = ((200, 60, 50), (60, 170, 70), (60, 80, 200))


@pytest.fixture(scope="session")
def colours_zip(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that writes a zip of `n` noisy pictures in each of two or three colours: easy to tell apart."""

    def write(n_classes: int, n: int, *, side: int = 40) -> Path:
        path = tmp_path_factory.mktemp("colours") / "colours.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for label, colour in zip(("earth", "grass", "water")[:n_classes], COLOURS, strict=False):
                for number in range(n):
                    noise = np.random.default_rng((number, *colour)).integers(-50, 50, (side, side, 3))
                    file = io.BytesIO()
                    Image.fromarray((noise + np.array(colour)).astype(np.uint8)).save(file, "PNG")
                    archive.writestr(f"{label}/{number}.png", file.getvalue())
        return path

    return write


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """A function that puts a data set into the home and returns its id; what it is made of is read once for all tests.

    Its arguments: a name for that, a function that writes the zip, the data set's name, and whose link brings it.
    """

    read: dict[object, Path] = {}

    def put(key: object, write: Callable[[], Path], name: str, *, workspace: str = "") -> str:
        if key not in read:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("HEADSTART_HOME", str(tmp_path_factory.mktemp("ingested")))
                settings.cache_clear()
                made = ingest.create(write(), name)
                ingest.ingest(made)
                read[key] = dataset_directory(made)
            settings.cache_clear()
        dataset_id = new_id()
        directory = dataset_directory(dataset_id)
        request = read_json(shutil.copytree(read[key], directory) / "request.json") or {}
        write_json(directory / "request.json", {**request, "workspace": workspace})
        return dataset_id

    return put


@pytest.fixture(scope="session")
def new_experiment(colours_zip: Callable[..., Path], ingested: Callable[..., str]) -> Callable[..., str]:
    """A function that configures an experiment on pictures in two or three colours, ready to be trained.

    What `planned` takes may be chosen; without a choice pictures are 32 px wide and the epochs few and exact.
    """
    from core.data import dataset  # here, for most tests need neither
    from core.data.split import split

    def write(n_classes: int = 2, n: int = 12, *, side: int = 40, **choices: object) -> str:
        dataset_id = ingested((n_classes, n, side), lambda: colours_zip(n_classes, n, side=side), "Colours")
        data = dataset.read(dataset_id)
        plain = {
            "image_size": 32,
            "training": {"epochs": 2, "patience": None},
            "augmentation": NO_AUGMENTATION.model_dump(),
            "scratch": {"epochs": 2, "patience": None, "image_size": 32},
        }
        return create_experiment(planned(dataset_id, **{**plain, **choices}), split(data).frame)

    return write


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """A function that starts `python -m MODULE ARGUMENTS`, as the app does, and ends it after the test if need be."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(module: str, *arguments: object, **environment: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", module, *map(str, arguments)]
        with (tmp_path / "log.txt").open("ab") as log:
            own = {**os.environ, **environment}
            started.append(subprocess.Popen(command, cwd=ROOT, env=own, stdout=log, stderr=log, start_new_session=True))
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(30)


@dataclass(frozen=True)
class Compared:
    """What `python -m core compare` left behind."""

    home: Path
    out: Path  # the folder of result.json
    experiment_id: str
    printed: str

    def arm(self, arm: str) -> Path:
        """The directory of one arm."""
        return self.home / "experiments" / self.experiment_id / arm


@pytest.fixture(scope="session")
def _compared(colours_zip: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Compared:
    home, out = tmp_path_factory.mktemp("compared"), tmp_path_factory.mktemp("out") / "new" / "folder"
    options = {"freeze": 12, "epochs": 3, "baseline-epochs": 2, "image-size": 32, "dropout": 0.1, "seed": 5, "out": out}
    flags = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "core", "compare", str(colours_zip(3, 12)), *flags]
    own = {name: value for name, value in os.environ.items() if not name.startswith("HEADSTART_")}
    own["HEADSTART_HOME"] = str(home)
    done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Compared(home, out, next((home / "experiments").iterdir()).name, done.stdout)


@pytest.fixture
def compared(_compared: Compared, monkeypatch: pytest.MonkeyPatch) -> Compared:
    """Two trained arms, three classes, two of MobileNet's blocks unfrozen: really trained, once for all tests.

    HEADSTART_HOME is theirs; a test may add to it, but must change nothing in it.
    """
    monkeypatch.setenv("HEADSTART_HOME", str(_compared.home))
    settings.cache_clear()
    return _compared


PICTURES = {"bird": 24, "flower": 20, "fruit": 20, "mammal": 36}


def _answers(split: pd.DataFrame, *, right: float, seed: int) -> pd.DataFrame:
    """Predictions on the test part that are right on the share `right` of each class, as near as can be."""
    random = np.random.default_rng(seed)
    classes = sorted(split["label"].unique())
    rows = split[split["part"] == "test"].sort_values(["label", "picture"], ignore_index=True)
    is_right = rows.groupby("label").cumcount() < (rows.groupby("label")["label"].transform("size") * right).round()
    wrong = [classes[(classes.index(label) + 1) % len(classes)] for label in rows["label"]]
    frame = rows.rename(columns={"label": "true"}).assign(predicted=rows["label"].where(is_right, wrong))
    confidence = random.uniform(0.6, 0.99, len(frame))
    for label in classes:
        others = (1 - confidence) / (len(classes) - 1)
        frame[f"p_{label}"] = np.where(frame["predicted"] == label, confidence, others)
    return frame


def _write_arm(experiment_id: str, arm: Arm, *, right: float, is_stopped: bool) -> None:
    """Everything that an arm's process leaves behind, but for a network that could be loaded."""
    directory, is_transfer = arm_directory(experiment_id, arm.name), not arm.is_scratch
    for epoch in range(1, 13):
        loss, seconds = 1.4 * 0.8**epoch + (0.1 if is_transfer else 0.6), epoch * (0.5 if is_transfer else 4.0)
        values = {
            "loss": loss,
            "val_loss": loss + 0.01 * epoch,
            "accuracy": 1 - loss / 2,
            "val_accuracy": 0.96 - loss / 2,
        }
        append_metrics(directory, phase=1, epoch=epoch, seconds=seconds, **values)
    answers = _answers(read_split(experiment_id), right=right, seed=int(is_transfer))
    seconds = {"features": 1.5, "train": 6.0, "evaluate": 2.5, "total": 10.0}
    built = Built(
        weights_sha256="ab" * 32 if is_transfer else None,
        seconds=ArmSeconds(**seconds if is_transfer else seconds | {"features": 0.0, "train": 48.0, "total": 50.5}),
    )
    prepared = facts.then(
        Prepared,
        built,
        views=4 if is_transfer else None,
        features_engine="OpenVINO bf16" if is_transfer else None,
        frozen_before="cd" * 32 if is_transfer else "",
    )
    known = facts.then(
        ArmFacts,
        facts.then(FitFacts, prepared, fit_rate=90.0, tracing_seconds=0.5, best_epoch=9),
        epochs=12,
        trained_parameters=4_100 if is_transfer else 3_211_076,
        frozen_parameters=3_228_864 if is_transfer else 0,
        frozen_unchanged=True if is_transfer else None,
        reload_check=ReloadCheck(pictures=25, largest_difference=2e-6, passed=True),
        seed=arm.seed,
        versions={"keras": "3.15.1", "tensorflow": "2.21.0", "python": "3.11.7"},
        device="CPU, 2 cores",
        engine="OpenVINO bf16" if is_transfer else "TensorFlow float32",
        image_size=arm.image_size,
        stopped=is_stopped,
        peak_memory_bytes=900_000_000,
    )
    classes = [column.removeprefix("p_") for column in answers if column.startswith("p_")]
    write_json(directory / "labels.json", labels(classes, UNKNOWN, image_size=arm.image_size))
    facts.write(directory, known, answers)
    (directory / "model.keras").write_bytes(b"stands for a network")
    (directory / "log.txt").write_text("epoch 12 of 12\n", encoding="utf-8")
    state = State.STOPPED if is_stopped else State.DONE
    write_status(directory, Status(state=state, device="CPU, 2 cores", done=12, total=12))


@pytest.fixture
def finished_experiment(zip_of: Callable[..., Path], ingested: Callable[..., str]) -> Callable[..., str]:
    """A function that writes a whole experiment, as its processes would have, and returns its id.

    Its options: `classes` (pictures a class), `arms` that have scores, `right` (share of right answers an arm),
    `stopped` (arms that someone ended early), `of_arms` (other plans than the usual two), and what `planned` takes:
    `is_alone=True` or `workspace`, say.
    """
    from core.data import dataset  # here, for most tests need neither, and the second takes a while to import
    from core.data.split import split

    def write(
        classes: Mapping[str, int] = PICTURES,
        *,
        arms: tuple[str, ...] = ARMS,
        right: Mapping[str, float] = {"transfer": 0.9, "scratch": 0.5},
        stopped: tuple[str, ...] = (),
        of_arms: tuple[Arm, ...] = (),
        **choices: object,
    ) -> str:
        files = {f"{label}/": count for label, count in classes.items()}
        dataset_id = ingested(tuple(files.items()), lambda: zip_of(files), "Noise")
        data = dataset.read(dataset_id)
        chosen = planned(dataset_id, dataset_name=data.name, **choices)
        chosen = chosen.model_copy(update={"arms": of_arms}) if of_arms else chosen
        experiment_id = create_experiment(chosen, split(data).frame)
        for arm in chosen.arms:
            if arm.name in (right if of_arms else arms):
                _write_arm(experiment_id, arm, right=right[arm.name], is_stopped=arm.name in stopped)
        result.write_result(experiment_id)
        return experiment_id

    return write


@pytest.fixture(scope="session")
def wait_for() -> Callable[..., None]:
    """A function that waits until `claim()` is true, and fails when `seconds` have passed."""

    def wait(claim: Callable[[], object], seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not claim():
            assert time.monotonic() < deadline, f"still untrue after {seconds:g} seconds"
            time.sleep(0.02)

    return wait


class WeightServer(ThreadingHTTPServer):
    """Serves `body` on every path; `answers` says how the next requests fare, and "whole" is what comes after them.

    "half" breaks off in the middle, "silent" sends a part and then nothing, "missing" is a 404.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _WeightHandler)
        self.body = b""
        self.answers: list[str] = []
        self.requests = 0
        self.is_over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/weights.h5"

    def handle_error(self, *_: object) -> None:
        """A client that went away is part of the tests."""


class _WeightHandler(BaseHTTPRequestHandler):
    server: WeightServer

    def do_GET(self) -> None:
        self.server.requests += 1
        answer = self.server.answers.pop(0) if self.server.answers else "whole"
        self.send_response(404 if answer == "missing" else 200)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        is_whole = answer in ("whole", "missing")
        self.wfile.write(self.server.body if is_whole else self.server.body[: len(self.server.body) // 2])
        self.wfile.flush()
        if answer == "silent":
            self.server.is_over.wait()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def weight_server() -> Iterator[WeightServer]:
    """A server of weight files on this host; set its `body` and `answers`."""
    with WeightServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.is_over.set()
        server.shutdown()
        thread.join()


class AppServer:
    """`streamlit run` of a script, as a user starts it; the same address after a restart."""

    def __init__(self, script: Path, log: Path, wait_for: Callable[..., None]) -> None:
        self._script, self._log, self._wait_for = script, log, wait_for
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it and wait until it answers; returns its address."""
        options = {"server.port": self._port, "server.headless": "true", "server.fileWatcherType": "none"}
        flags = [f"--{name}={value}" for name, value in options.items()]
        command = [sys.executable, "-m", "streamlit", "run", str(self._script), *flags]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        self._wait_for(self._is_up, 60)
        return self.url

    def stop(self) -> None:
        """End it."""
        if self._process:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    @property
    def pid(self) -> int:
        """Of the server's process."""
        assert self._process, "the server is not running"
        return self._process.pid

    def _is_up(self) -> bool:
        assert self._process and self._process.poll() is None, self._log.read_text(encoding="utf-8")
        try:
            return httpx.get(f"{self.url}/_stcore/health").is_success
        except httpx.TransportError:
            return False


@pytest.fixture
def server_of(
    tmp_path: Path, wait_for: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Path], AppServer]]:
    """A function that gives a server of a script, not started yet; what it starts is ended after the test."""
    monkeypatch.setenv("HEADSTART_IDLE_SECONDS", "1")
    servers: list[AppServer] = []

    def make(script: Path = ROOT / "app.py") -> AppServer:
        servers.append(AppServer(script, tmp_path / "server.log", wait_for))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, headless; a test that needs it skips where there is none, but not in CI."""
    program = shutil.which("chromium")
    if program is None:
        missing = "needs the program chromium (Debian's package of that name); .ci/run installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty browser window of a user who was never here."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture
def warm_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `AppTest` run app.py for every page, as a server does once it has shown one.

    `AppTest` forgets before each run that app.py has called `st.navigation`, so a page would be run without it, go back
    through it by `st.rerun`, and lose the press of a button on the way.
    """
    from streamlit.runtime.pages_manager import PagesManager

    class Warm(PagesManager):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "uses_pages_directory", False)
    monkeypatch.setattr("streamlit.testing.v1.app_test.PagesManager", Warm)


STAND_IN = """
import json, os, signal, sys, time
from pathlib import Path
import psutil

was_standby = sys.argv[2] == "core.tasks.standby"
if was_standby:
    if len(sys.argv) > 3:
        own = {"pid": os.getpid(), "pid_created": psutil.Process().create_time()}
        Path(sys.argv[3] + ".partial").write_text(json.dumps(own))
        os.replace(sys.argv[3] + ".partial", sys.argv[3])
    line = sys.stdin.readline()
    if not line:
        sys.exit()
    order = json.loads(line)
    os.environ.update(order["environment"])
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv[2:] = ["core.tasks.train", *order["arguments"]]
module, target = sys.argv[2], Path(sys.argv[3])
if module == "core.tasks.report":
    if not sys.stdin.readline():
        sys.exit()
    if (target / "kills").exists():
        (target / "kills").unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    (target / "result.json").write_text("{}")
    sys.exit()
if module == "core.tasks.train":
    target = target / sys.argv[4]
if module == "core.tasks.fetch":
    target = Path(os.environ["HEADSTART_HOME"], "weights", sys.argv[3])
with (target / "starts").open("a") as starts:
    gpu = os.environ.get("CUDA_VISIBLE_DEVICES")
    starts.write(json.dumps({"pid": os.getpid(), "gpu": gpu, "was_standby": was_standby}) + "\\n")
parent = os.getppid()

def tell(state, message=""):
    own = {"pid": os.getpid(), "pid_created": psutil.Process().create_time()}
    partial = target / "status.partial"
    partial.write_text(json.dumps({"state": state, "message": message, **own}))
    partial.replace(target / "status.json")

def stops():
    return len((target / "cancel").read_text().splitlines()) if (target / "cancel").exists() else 0

def until(claim, outlives_parent=False):
    while not claim():
        if os.getppid() != parent and not outlives_parent:
            os._exit(70)
        time.sleep(0.02)

def go():
    return (target / "go").exists()

part = (target / "part").read_text() if (target / "part").exists() else "works"
if part == "loads for long":
    until(go)
tell("starting")
if part == "works until told":
    tell("fit")
    until(lambda: go() or stops())
    if stops():
        tell("stopped", "by you")
        sys.exit()
if part == "outlives the consumer":
    tell("fit")
    until(go, outlives_parent=True)
if part == "is deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    tell("fit")
    until(go)
if part == "scores for long":
    tell("fit")
    until(stops)
    tell("score")
    until(go)
    tell("stopped", "scored")
    sys.exit()
if part == "is killed" or (part == "is killed once" and not (target / "attempt.json").exists()):
    tell("fit")
    os.kill(os.getpid(), signal.SIGKILL)
if part == "is refused memory once" and not (target / "attempt.json").exists():
    tell("fit")
    sys.exit(71)
if part == "crashes":
    print("Epoch 1")
    print("ValueError: no such layer", flush=True)
    sys.exit(3)
if part == "aborts" or (part == "aborts once" and not (target / "attempt.json").exists()):
    os.abort()
if part == "forgets":
    sys.exit(0)
(target / "predictions.parquet").touch()
tell("done")
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another interpreter for children: whatever module it is told to run, it plays a part instead, without Keras.

    The file `part` in the directory of its work names the part: "works" (at once, without the file), "works until told"
    (by a file `go`, or a stop), "loads for long", "is deaf" to stops, "outlives the consumer", "scores for long" after
    a stop, "is killed" each time, "is killed once", "is refused memory once", "crashes", "aborts", "aborts once",
    "forgets" to say its end. A consumer without work or server ends soon.
    Told to be a standby, it is ready at once and waits for its order. A report is killed once by a file `kills`.
    """
    script, interpreter = tmp_path / "stand_in.py", tmp_path / "python"
    script.write_text(STAND_IN)
    interpreter.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
    interpreter.chmod(0o755)
    monkeypatch.setenv("HEADSTART_PYTHON", str(interpreter))
    monkeypatch.setenv("HEADSTART_IDLE_SECONDS", "0.3")
    settings.cache_clear()
