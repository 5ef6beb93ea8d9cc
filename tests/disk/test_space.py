"""The disk: who takes what, the sentence, and every step on one that is full or read-only.

The steps need a small disk of their own, so they need root, who may mount one in memory.
"""

import errno
import importlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import identity
from core.data import dataset, ingest, split, uploads
from core.disk import space
from core.disk.cache import Cache, row_id
from core.disk.files import write_json
from core.disk.home import arm_directory, dataset_directory, new_id
from core.disk.status import State, Status, append_metrics, read_metrics, read_status, request_stop, write_status
from core.errors import EngineError, HeadstartError, InputError, ResourceError
from core.plan import predictions
from core.plan.experiments import create_experiment
from core.queue import children, job, jobs, leftovers, presence
from core.queue.children import Child
from core.queue.job import Job
from core.queue.kinds import Kind, Lane
from core.queue.work import Work
from core.settings import MEBIBYTE, ROOT, settings
from core.words.said import plain
from core.words.sentences import sentence
from core.worker import process
from tests.plans import ARMS, planned
from tests.stand_ins import experiment_of, store

BALLAST = "ballast"
KINDS = ("full", "read-only")


# ---- who takes what


def fill(path: Path, size_bytes: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size_bytes)


def test_usage_names_every_part_in_the_order_of_size(home):
    fill(home / "cache" / "k" / "rows.bin", 3_000_000)
    fill(home / "datasets" / "d" / "pictures" / "a.jpg", 2_000_000)
    fill(home / "queue.db", 1_000_000)
    parts = space.usage()
    assert [part.name for part in parts[:3]] == ["the cache", "pictures of data sets", "other files"]
    assert {part.name for part in parts} >= {"experiments", "predictions", "downloaded weights", "probes"}
    assert parts[0].size_bytes == pytest.approx(3_000_000, rel=0.01)


def test_a_picture_that_two_data_sets_share_counts_once(home):
    fill(home / "datasets" / "a" / "p.jpg", 1_000_000)
    (home / "datasets" / "b").mkdir()
    os.link(home / "datasets" / "a" / "p.jpg", home / "datasets" / "b" / "p.jpg")
    assert space.taken_bytes(home / "datasets") == pytest.approx(1_000_000, rel=0.01)


def test_a_home_that_does_not_exist_takes_nothing(home, monkeypatch):
    monkeypatch.setenv("HEADSTART_HOME", str(home / "new"))
    settings.cache_clear()
    assert sum(part.size_bytes for part in space.usage()) == 0
    assert space.free_bytes() > 0


# ---- the sentence


def test_the_sentence_says_where_how_much_is_free_what_takes_most_and_what_may_go(home, monkeypatch):
    fill(home / "cache" / "k" / "rows.bin", 3_000_000)
    fill(home / "datasets" / "d" / "a.jpg", 5_000_000)
    monkeypatch.setattr(space, "SMALL_SHARE", 0.0)
    space.recent_usage.cache_clear()
    with pytest.raises(ResourceError) as refused:
        space.check_free(home, 10**18, what=plain("This"))
    said = str(refused.value)
    assert said.startswith("This needs about 1000000000.0 GB of disk")
    assert f"free in {home}" in said
    assert f"pictures of data sets (5.0 MB in {home / 'datasets'}" in said
    assert f"the cache (3.0 MB in {home / 'cache'}; it may be removed whenever nothing trains)" in said
    assert "python -m core doctor" in said


def test_where_other_files_fill_the_disk_the_sentence_says_so(home, monkeypatch):
    monkeypatch.setattr(space, "SMALL_SHARE", 1.0)
    space.recent_usage.cache_clear()
    fill(home / "queue.db", 10_000)
    assert "the rest is other files" in sentence(space.full())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_an_error_of_the_disk_becomes_the_sentence(home, number):
    said = str(space.refusal(OSError(number, os.strerror(number), str(home / "datasets" / "x"))))
    assert said.startswith(f"Headstart must be able to write to {home}.")
    assert "Errno" not in said


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_what_may_not_be_written_is_a_refusal_at_home_and_a_fault_of_the_caller_elsewhere(home, tmp_path, number):
    assert "Change its owner" in str(space.refusal(OSError(number, "no", str(home / "x"))))
    assert space.refusal(OSError(number, "no", str(tmp_path / "users.zip"))) is None


def test_another_folder_that_is_full_is_named_instead_of_home(tmp_path):
    said = str(space.refusal(OSError(errno.ENOSPC, "full", str(tmp_path / "out" / "result.json"))))
    assert said.startswith(f"Headstart must be able to write to {tmp_path / 'out'}.")


def test_what_a_library_raises_after_it_could_not_write_is_seen_through():
    late = ValueError("cannot close the file while something is written to it")
    late.__context__ = OSError(errno.ENOSPC, "full")
    assert space.refusal(late)


@pytest.mark.parametrize("error", [ValueError("x"), FileNotFoundError(2, "x"), InputError("x")])
def test_other_errors_are_none_of_its_business(error):
    assert space.refusal(error) is None


# ---- a small disk


class SmallDisk:
    """A home of its own size. `spoil` makes it full or read-only, `mend` undoes that."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def spoil(self, kind: str) -> None:
        if kind == "full":
            fill_up(self.home)
        else:  # as a kernel does after an error; by hand it is possible only while nobody writes
            end_consumers()
            subprocess.run(["mount", "-o", "remount,ro", self.home], check=True)
        space.recent_usage.cache_clear()

    def mend(self) -> None:
        subprocess.run(["mount", "-o", "remount,rw", self.home], check=True)
        (self.home / BALLAST).unlink(missing_ok=True)

    @property
    def names(self) -> set[str]:
        """Everything on it, locks and logs apart, which are empty or small."""
        files = (path.relative_to(self.home).as_posix() for path in self.home.rglob("*") if path.is_file())
        return {name for name in files if not name.endswith((".lock", "log.txt", ".log")) and name != BALLAST}


def end_consumers() -> None:
    for each in presence.CONSUMERS:
        if each.poll() is None:
            each.kill()
        each.wait(20)


def fill_up(home: Path) -> None:
    """To the last byte."""
    with (home / BALLAST).open("ab", buffering=0) as file:
        for size in (MEBIBYTE, 4096, 1):
            with suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], SmallDisk]]:
    """A function that mounts a home of so many mebibytes; whatever happens, it is unmounted."""
    mounted: list[Path] = []

    def mount(mebibytes: int) -> SmallDisk:
        place = tmp_path / "small"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "headstart-test", place]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("needs root, and the right to mount a small disk")
        mounted.append(place)
        monkeypatch.setenv("HEADSTART_HOME", str(place))
        monkeypatch.setenv("HEADSTART_MIN_FREE_BYTES", "0")
        monkeypatch.setenv("HEADSTART_IDLE_SECONDS", "1")
        settings.cache_clear()
        return SmallDisk(place)

    yield mount
    end_consumers()
    for place in mounted:
        subprocess.run(["umount", "--lazy", place], check=True)


def said(call: Callable[..., object], *arguments: object) -> str:
    """What a page or the command line shows when `call` fails."""
    try:
        call(*arguments)
    except Exception as error:
        found = error if isinstance(error, HeadstartError) else space.refusal(error)
        assert found, f"not put in words: {error!r}"
        return str(found)
    raise AssertionError("nothing failed")


def assert_is_right(sentence: str, home: Path, kind: str = "full") -> None:
    """It says where, what was found and what to do."""
    assert str(home) in sentence
    assert {"full": "Free some disk", "read-only": "read-only"}[kind] in sentence
    assert "Errno" not in sentence


# ---- the steps before there is a process


def opened(**identifiers: str) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60)
    for name, value in identifiers.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


@pytest.mark.usefixtures("warm_server")
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_on_a_fresh_home_shows_the_sentence_and_works_when_there_is_room(small_disk, kind):
    small = small_disk(4)
    small.spoil(kind)
    app = opened()
    assert_is_right(app.error[0].value.replace("\\", ""), small.home, kind)
    assert app.button(key="sample")
    assert small.names == set()
    small.mend()
    app.run()
    assert not app.exception
    assert not app.error


@pytest.mark.usefixtures("warm_server")
@pytest.mark.parametrize("kind", KINDS)
def test_the_sample_on_such_a_disk_shows_the_sentence_and_leaves_nothing(small_disk, kind, wait_for):
    small = small_disk(30)
    app = opened()
    before = small.names
    small.spoil(kind)
    app.button(key="sample").click().run()
    assert not app.exception
    assert_is_right(app.error[-1].value.replace("\\", ""), small.home, kind)
    assert not {name for name in small.names - before if name.startswith(("datasets", "jobs"))}
    small.mend()
    app.button(key="sample").click().run()
    assert not app.exception
    wait_for(lambda: list(small.home.glob("datasets/*/manifest.parquet")), 60)


class Steps:
    """What a page or the command line does, one step after the other, and what it must leave when it fails."""

    def __init__(self, zipped: Path) -> None:
        self.zipped = zipped
        self.dataset_id = self.experiment_id = ""

    def create(self) -> None:
        self.dataset_id = ingest.create(self.zipped, "Noise")

    def ingest(self) -> None:
        ingest.ingest(self.dataset_id)

    def configure(self) -> None:
        data = dataset.read(self.dataset_id)
        assert data
        self.experiment_id = create_experiment(planned(data.id), split.split(data).frame)

    def submit(self) -> None:
        jobs.submit_experiment(self.experiment_id)

    def score(self) -> None:
        (arm_directory(self.experiment_id, "transfer") / "predictions.parquet").touch()

    def ask(self) -> None:
        predictions.create(self.experiment_id, [("a.png", picture(7))])

    def stop(self) -> None:
        request_stop(arm_directory(self.experiment_id, "transfer"))


def picture(number: int) -> bytes:
    import io

    from PIL import Image

    packed = io.BytesIO()
    noise = np.random.default_rng(number).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(packed, "PNG")
    return packed.getvalue()


ORDER = ("create", "ingest", "configure", "submit", "ask", "stop")


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", ORDER)
def test_a_step_on_such_a_disk_says_what_to_free_leaves_nothing_and_works_afterwards(small_disk, zip_of, step, kind):
    small, steps = small_disk(20), Steps(zip_of({"cat/": 12, "dog/": 12}))
    for earlier in ORDER[: ORDER.index(step)]:
        if earlier not in ("submit", "ask"):
            getattr(steps, earlier)()
    if step == "ask":
        steps.score()
    before = small.names
    small.spoil(kind)
    assert_is_right(said(getattr(steps, step)), small.home, kind)
    small.mend()
    gone = {"upload.zip"} if step == "ingest" else set()  # that must be uploaded again
    assert small.names - before <= {f"experiments/{steps.experiment_id}/transfer/cancel"}
    assert {Path(name).name for name in before - small.names} <= gone
    assert job.read_all() == []
    if step == "ingest" and not (dataset_directory(steps.dataset_id) / "upload.zip").exists():
        steps.create()
    getattr(steps, step)()


def test_a_disk_that_becomes_full_within_an_ingest_keeps_no_torn_picture(small_disk, zip_of):
    small = small_disk(3)
    files = {f"{label}/{number}.png": picture(number) for number, label in enumerate(("cat", "dog") * 12)}
    source = zip_of(files)
    steps = Steps(source)
    small_upload = dataset_directory(new_id())
    small_upload.mkdir(parents=True)
    (small_upload / "upload.zip").symlink_to(source)  # larger than the disk itself
    write_json(small_upload / "request.json", {"name": "x", "zip_sha256": "x"})
    steps.dataset_id = small_upload.name
    assert_is_right(said(steps.ingest), small.home)
    assert not (small_upload / "pictures").exists()
    assert dataset.read(small_upload.name) is None


@pytest.mark.parametrize("left", [0, 4096, 20_000, 60_000])
def test_a_picture_is_stored_whole_or_refused(small_disk, left):
    """Pillow writes a JPEG in one go and does not look at how much of it the disk has taken."""
    small = small_disk(2)
    fill_up(small.home)
    with (small.home / BALLAST).open("r+b") as ballast:
        ballast.truncate(ballast.seek(0, 2) - left)
    for number in range(8):
        with suppress(OSError):
            store(picture(number), small.home)
    whole = {path.stat().st_size for path in small.home.glob("*.jpg")}
    small.mend()
    for number in range(8):
        assert store(picture(number), small.home)
    assert whole <= {path.stat().st_size for path in small.home.glob("*.jpg")}


# ---- the cache


def write_rows() -> None:
    """What a run does with the frozen part's outputs, on a disk that becomes full meanwhile."""
    rows = 4000
    with Cache({"of": "rows"}, shape=(1024,), kind="float32") as cache:
        room = cache.reserve(rows)
        fill_up(settings().home)
        with (settings().home / BALLAST).open("r+b") as ballast:
            ballast.truncate(ballast.seek(0, 2) - MEBIBYTE)
        try:
            for number in range(rows):
                room.write(number, np.full(1024, number, np.float32))
                room.keep([number], [row_id(str(number))])
        except ResourceError as error:
            print(error)


def test_a_disk_that_becomes_full_under_the_cache_ends_no_process_and_leaves_no_wrong_row(small_disk):
    small = small_disk(40)
    command = [sys.executable, "-c", "from tests.disk import test_space; test_space.write_rows()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ended by {signal.Signals(-done.returncode).name}" if done.returncode < 0 else done
    assert_is_right(done.stdout, small.home)
    small.mend()
    with Cache({"of": "rows"}, shape=(1024,), kind="float32") as cache:
        places, values = cache.find([row_id(str(number)) for number in range(4000)]), cache.values()
        for number in np.flatnonzero(places >= 0):
            assert (values[places[number]] == number).all()


# ---- the processes


def spoiled_before(function: str, kind: str, module: str, *arguments: str) -> None:
    """Run a process's `main`; just before it calls `function` its disk becomes full or read-only."""
    holder, _, name = function.rpartition(".")
    where = importlib.import_module(holder)
    real = getattr(where, name)

    def first(*given: object, **named: object) -> object:
        if not (settings().home / BALLAST).exists():
            SmallDisk(settings().home).spoil(kind)
        return real(*given, **named)

    setattr(where, name, first)
    sys.exit(process.carried_out(importlib.import_module(module).main, [*arguments]))


def ended(function: str, kind: str, module: str, directory: Path, log: Path, *arguments: object) -> Child:
    """The process, once it has ended. Its log is elsewhere, or the disk could not be made read-only by hand."""
    words = ", ".join(repr(str(each)) for each in (function, kind, module, *arguments))
    command = [sys.executable, "-c", f"from tests.disk import test_space; test_space.spoiled_before({words})"]
    with log.open("ab") as output:
        started = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
    child = Child(directory, identity.of(started.pid), started)
    child.follow(lambda: False)
    return child


def small_experiment(small: SmallDisk, zipped: Path) -> str:
    """One arm from scratch on few small pictures."""
    data = ingest.ingest(ingest.create(zipped, "Colours"))
    plain = {"epochs": 1, "patience": None}
    chosen = planned(data.id, image_size=32, frozen_blocks=0, training=plain, is_alone=True)
    assert small.home == settings().home
    return create_experiment(chosen, split.split(data).frame)


FULL_WITHIN = {
    "fit": "core.training.callbacks.best._save",
    "save": "core.training.score._save",
    "score": "core.training.score._frame",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", FULL_WITHIN)
def test_an_arm_whose_disk_becomes_full_says_so_leaves_nothing_and_can_be_trained_again(
    small_disk, colours_zip, step, kind, tmp_path
):
    small, log = small_disk(160), tmp_path / "process.txt"
    experiment_id = small_experiment(small, colours_zip(2, 12))
    directory = arm_directory(experiment_id, "transfer")
    child = ended(FULL_WITHIN[step], kind, "core.tasks.train", directory, log, directory.parent, "transfer")
    small.mend()
    assert child.process
    assert child.process.returncode == {"full": 1, "read-only": process.UNWRITTEN}[kind], log.read_text()
    child.settle(was_unwanted=False, remedy="")
    assert_has_failed(directory, small.home)
    left = {path.name for path in directory.iterdir()} - {"status.json", "metrics.jsonl"}
    assert not {name for name in left if "best" in name or "partial" in name}
    if kind == "full":
        assert left == set()
        (directory / "metrics.jsonl").unlink(missing_ok=True)
        write_status(directory, Status())
        again = ended("core.disk.space.usage", kind, "core.tasks.train", directory, log, directory.parent, "transfer")
        assert again.process
        assert again.process.returncode == 0, log.read_text()


def assert_has_failed(directory: Path, home: Path) -> None:
    status = read_status(directory)
    assert status
    assert status.state is State.FAILED
    assert status.message.startswith(f"Headstart must be able to write to {home}. Found ")
    assert "Free some disk" in status.message


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", ["answers", "result"])
def test_answers_and_result_on_such_a_disk_say_so_and_can_be_had_afterwards(
    small_disk, compared, step, kind, picture_of, tmp_path
):
    small = small_disk(300)
    shutil.copytree(compared.home, small.home, dirs_exist_ok=True)
    directory = small.home / "experiments" / compared.experiment_id
    if step == "answers":
        directory = predictions.directory(predictions.create(compared.experiment_id, [("a.png", picture_of(1))]))
        child = ended(
            "core.tasks.predict._answers", kind, "core.tasks.predict", directory, tmp_path / "log.txt", directory
        )
        small.mend()
        child.settle(was_unwanted=False, remedy="")
        assert_has_failed(directory, small.home)
        assert predictions.read(directory.name) is None
        return
    (directory / "result.json").unlink()
    small.spoil(kind)
    with pytest.raises(OSError, match="result|report") as refused, children.ResultWriter(directory) as report:
        report.write()
    assert_is_right(said(lambda: (_ for _ in ()).throw(refused.value)), small.home, kind)
    small.mend()
    with children.ResultWriter(directory) as report:
        report.write()
    assert (directory / "result.json").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_new_pictures_on_such_a_disk_are_refused_with_the_sentence_and_none_is_left_torn(
    small_disk, finished_experiment, kind, tmp_path
):
    small = small_disk(30)
    directory = predictions.directory(
        predictions.create(finished_experiment(), [("a.png", picture(1)), ("b.png", picture(2))])
    )
    child = ended("core.tasks.predict._depth", kind, "core.tasks.predict", directory, tmp_path / "log.txt", directory)
    small.mend()
    child.settle(was_unwanted=False, remedy="")
    assert_has_failed(directory, small.home)
    assert not list((directory / "pictures").glob("*"))


@pytest.mark.slow
@pytest.mark.parametrize("mebibytes", [1, 2, 3])
def test_a_network_for_which_there_is_no_room_is_not_half_converted(small_disk, mebibytes):
    """OpenVINO says that a stream failed, not why."""
    small = small_disk(mebibytes)
    code = "from tests.disk import test_space; test_space.convert()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "is the disk full" in done.stdout.splitlines()[-1]  # Keras computes then
    assert small.names == set()


def convert() -> None:
    """A network of 3.7 MB."""
    import keras

    from core.network import conversion

    pixels = keras.Input((32, 32, 3))
    maps = keras.layers.Conv2D(64, 3)(pixels)
    network = keras.Model(pixels, keras.layers.Dense(16)(keras.layers.Flatten()(maps)))
    try:
        conversion._convert(network, settings().home)
    except EngineError as error:
        print(error)


# ---- what is said of it, and what goes by itself


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_doctor_says_that_nothing_can_be_written_and_lists_what_takes_most_all_the_same(small_disk, kind):
    small = small_disk(4)
    command = [sys.executable, "-m", "core", "doctor"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0
    small.spoil(kind)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert_is_right(done.stderr, small.home, kind)
    assert "all of it" in done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_what_expires_on_such_a_disk_goes_as_far_as_it_can_and_the_log_says_why_in_a_sentence(small_disk, kind, caplog):
    small = small_disk(4)
    with Cache({"of": "rows"}, shape=(2,), kind="float32"):
        pass
    old = small.home / "predictions" / ("1" * 32)
    old.mkdir(parents=True)
    for path in (*small.home.glob("cache/*/key.json"), old):
        os.utime(path, (0, 0))
    small.spoil(kind)
    leftovers.remove()
    assert bool(list(small.home.glob("cache/*"))) == old.exists() == (kind == "read-only")
    assert all(not record.exc_info for record in caplog.records)
    assert (str(small.home) in caplog.text) == (kind == "read-only"), "what went has made room"
    small.mend()
    leftovers.remove()
    assert not old.exists()
    assert not list(small.home.glob("cache/*"))


# ---- the consumer


@pytest.mark.usefixtures("stand_in")
def test_the_end_of_a_process_that_could_not_be_written_is_said_when_there_is_room(small_disk, wait_for):
    small = small_disk(4)
    work = Work({Lane.EXPERIMENTS: [{}]})
    (small.home / "jobs").mkdir()
    one = experiment_of(transfer="works until told", scratch="works")
    Job(kind=Kind.EXPERIMENT, subject=one, submitted=1).write()
    name, directory = job.read_all()[0].name, arm_directory(one, "transfer")
    work.hand_out()
    wait_for(lambda: (read_status(directory) or Status()).state is State.FIT)
    (directory / "go").touch()
    small.spoil("full")
    assert not work.is_idle
    wait_for(lambda: work.is_idle, 30)
    work.hand_out()
    assert work.is_idle, "what is over does not begin again"
    work.say_unsaid()
    assert job.read(name), "nobody would say it any more"
    small.mend()
    work.say_unsaid()
    status = read_status(directory)
    assert status
    assert status.state is State.FAILED
    assert str(small.home) in status.message
    assert job.read_all() == []


@pytest.mark.usefixtures("stand_in")
def test_a_job_that_cannot_be_begun_fails_with_the_sentence(small_disk, wait_for):
    small = small_disk(4)
    work = Work({Lane.EXPERIMENTS: [{}]})
    (small.home / "jobs").mkdir()
    one = experiment_of()
    Job(kind=Kind.EXPERIMENT, subject=one, submitted=1).write()
    small.spoil("full")
    work.hand_out()
    wait_for(lambda: work.is_idle)
    small.mend()
    work.say_unsaid()
    for arm in ARMS:
        status = read_status(arm_directory(one, arm))
        assert status
        assert status.state is State.FAILED
        assert_is_right(status.message, small.home)
    assert job.read_all() == []


def test_a_process_that_the_system_ended_for_its_disk_is_said_to_be(tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    started = subprocess.Popen([sys.executable, "-c", "import os; os.kill(os.getpid(), 7)"])
    child = Child(place, identity.of(started.pid), started)
    child.follow(lambda: False)
    child.settle(was_unwanted=False, remedy="Lower the batch size.")
    status = read_status(place)
    assert status
    assert "SIGBUS" in status.message
    assert "Free some disk" in status.message


def test_a_torn_line_of_metrics_is_taken_back(small_disk):
    small = small_disk(2)
    append_metrics(small.home, phase=1, epoch=1, seconds=1.0)
    while True:  # until the file's last page is full as well
        small.spoil("full")
        try:
            for epoch in range(2, 200):
                append_metrics(small.home, phase=1, epoch=epoch, seconds=1.0)
        except OSError:
            break
    lines = len(read_metrics(small.home))
    small.mend()
    append_metrics(small.home, phase=1, epoch=lines + 1, seconds=2.0)
    assert list(read_metrics(small.home)["epoch"]) == list(range(1, lines + 2))


def test_the_same_data_set_is_held_on_a_read_only_disk(small_disk, zip_of):
    small = small_disk(20)
    steps = Steps(zip_of({"cat/": 12, "dog/": 12}))
    steps.create()
    steps.ingest()
    small.spoil("read-only")
    with uploads.held(steps.dataset_id):
        uploads.note_use(steps.dataset_id)
    assert dataset.read(steps.dataset_id)
    small.mend()
