import hashlib
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from core.disk.status import State, read_status, request_stop
from core.errors import ResourceError, StopRequested, WeightsError
from core.plan import bases, weights
from core.plan.bases import Base, WeightsFile
from core.settings import ASSETS, ROOT, settings

NUMBERS = 300_000
FETCH = """
import sys
from dataclasses import replace
from core.plan import bases
from core.plan import weights
row = bases.base("MobileNet")
file = bases.WeightsFile("tiny.h5", sys.argv[1], 1_200_000)
tiny = replace(row, weights=file, blocks=(replace(row.blocks[0], parameters=int(sys.argv[2])),))
print("ready", flush=True)
print(weights.sha256(weights.fetch(tiny)))
"""


def write_weights(path: Path, numbers: int = NUMBERS) -> bytes:
    """A file in the layout of Keras's own: two layers, one of them without weights."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"input_1", b"conv1"]
        file.create_group("input_1").attrs["weight_names"] = np.array([], dtype="S1")
        layer = file.create_group("conv1")
        layer.attrs["weight_names"] = [b"conv1/kernel:0"]
        layer["conv1/kernel:0"] = np.arange(numbers, dtype="float32")
    return path.read_bytes()


@pytest.fixture
def tiny(weight_server, tmp_path) -> Base:
    """A base whose weights the server of this test has."""
    weight_server.body = write_weights(tmp_path / "served.h5")
    row = bases.base("MobileNet")
    file = WeightsFile("tiny.h5", weight_server.url, len(weight_server.body))
    return replace(row, name="Tiny", weights=file, blocks=(replace(row.blocks[0], parameters=NUMBERS),))


@pytest.fixture
def checked(tiny, weight_server) -> Base:
    """The same with a published MD5."""
    return replace(tiny, weights=replace(tiny.weights, md5=hashlib.md5(weight_server.body).hexdigest()))


@pytest.fixture
def own_folder(tmp_path, monkeypatch) -> Path:
    """What HEADSTART_WEIGHTS names."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv("HEADSTART_WEIGHTS", str(folder))
    settings.cache_clear()
    return folder


def set_timeout(monkeypatch, seconds: float) -> None:
    monkeypatch.setenv("HEADSTART_WEIGHTS_TIMEOUT", str(seconds))
    settings.cache_clear()


def downloads() -> list[str]:
    """Visible files among the downloads: no lock, no left-over."""
    folder = weights.folder()
    return sorted(path.name for path in folder.glob("[!.]*")) if folder.is_dir() else []


def test_the_bundled_mobilenet_is_at_hand_and_is_the_file_that_is_documented():
    path = weights.fetch(bases.base("MobileNet"))
    assert path.parent == ASSETS / "weights"
    assert weights.sha256(path) in (path.parent / "README.md").read_text()


def test_a_base_without_a_file_is_not_on_this_host(tiny):
    assert not weights.is_on_host(tiny)


def test_a_users_own_file_wins_over_a_download_and_over_the_bundled_one(own_folder):
    row = bases.base("MobileNet")
    weights.folder().mkdir()
    (weights.folder() / row.weights.name).touch()
    assert weights.find(row) == weights.folder() / row.weights.name
    (own_folder / row.weights.name).touch()
    assert weights.find(row) == own_folder / row.weights.name


def test_a_whole_download_is_moved_into_place_and_not_fetched_again(tiny, weight_server):
    heard: list[tuple[int, int]] = []
    path = weights.fetch(tiny, progress=lambda done, total: heard.append((done, total)))
    assert path == weights.folder() / "tiny.h5"
    assert path.read_bytes() == weight_server.body
    assert weights.sha256(path) == hashlib.sha256(weight_server.body).hexdigest()
    assert heard[0][0] == 0
    assert heard[-1] == (len(weight_server.body), len(weight_server.body))
    assert weights.is_on_host(tiny)
    assert weights.fetch(tiny) == path
    assert weight_server.requests == 1
    assert downloads() == ["tiny.h5"]


def test_a_download_with_the_published_md5_is_accepted(checked):
    assert weights.fetch(checked).is_file()


def test_a_broken_download_is_begun_again(checked, weight_server):
    weight_server.answers = ["half", "half"]
    assert weights.fetch(checked).read_bytes() == weight_server.body
    assert weight_server.requests == 3
    assert downloads() == ["tiny.h5"]


def test_a_download_that_always_breaks_off_names_the_file_its_address_and_the_folder(tiny, weight_server):
    weight_server.answers = ["half"] * 3
    with pytest.raises(WeightsError, match="broke off 3 times") as caught:
        weights.fetch(tiny)
    assert all(part in str(caught.value) for part in ("tiny.h5", weight_server.url, str(weights.folder())))
    assert downloads() == []


def test_a_download_with_another_hash_is_refused_and_nothing_stays(checked, weight_server):
    weight_server.body = weight_server.body[:-1] + b"x"
    with pytest.raises(WeightsError, match="expected MD5 .* found "):
        weights.fetch(checked)
    assert weight_server.requests == 1
    assert downloads() == []


def test_a_page_in_place_of_the_file_is_refused_where_no_hash_is_published(tiny, weight_server):
    weight_server.body = b"<html>Please sign in to this network</html>"
    with pytest.raises(WeightsError, match="a file of another kind"):
        weights.fetch(tiny)
    assert downloads() == []


def test_a_download_with_other_shapes_is_refused_where_no_hash_is_published(tiny, weight_server, tmp_path):
    weight_server.body = write_weights(tmp_path / "other.h5", 7)
    with pytest.raises(WeightsError, match="expected 300,000 numbers, found 7"):
        weights.fetch(tiny)
    assert downloads() == []


def test_a_missing_file_on_the_server_is_said(tiny, weight_server):
    weight_server.answers = ["missing"]
    with pytest.raises(WeightsError, match="status 404"):
        weights.fetch(tiny)


def test_a_silent_server_is_given_up_after_the_time_limit(tiny, weight_server, monkeypatch):
    set_timeout(monkeypatch, 0.3)
    weight_server.answers = ["silent"]
    with pytest.raises(WeightsError, match=r"silent for 0\.3 seconds"):
        weights.fetch(tiny)
    assert weight_server.requests == 1
    assert downloads() == []


def test_without_a_server_the_message_says_what_to_do_by_hand(tiny, own_folder):
    gone = replace(tiny, weights=replace(tiny.weights, url="http://127.0.0.1:9/tiny.h5"))
    with pytest.raises(WeightsError, match="no connection to the server") as caught:
        weights.fetch(gone)
    assert all(part in str(caught.value) for part in ("tiny.h5", "http://127.0.0.1:9/tiny.h5", str(own_folder)))


def test_a_stop_ends_a_silent_download_at_once_and_leaves_nothing(tiny, weight_server):
    weight_server.answers = ["silent"]
    asked: list[float] = []

    def stopped() -> bool:
        if weight_server.requests and not asked:
            asked.append(time.monotonic())
        return bool(asked)

    with pytest.raises(StopRequested):
        weights.fetch(tiny, stopped=stopped)
    assert time.monotonic() - asked[0] < 1.0
    assert downloads() == []


def test_a_full_disk_is_said_before_the_download(tiny, weight_server, monkeypatch):
    monkeypatch.setenv("HEADSTART_MIN_FREE_BYTES", str(2**60))
    settings.cache_clear()
    with pytest.raises(ResourceError, match="Free some disk"):
        weights.fetch(tiny)
    assert weight_server.requests == 0


def test_a_users_own_file_may_have_another_hash(checked, weight_server, own_folder):
    write_weights(own_folder / "tiny.h5")
    with (own_folder / "tiny.h5").open("ab") as file:
        file.write(b"another hash")
    assert weights.fetch(checked) == own_folder / "tiny.h5"
    assert weight_server.requests == 0


@pytest.mark.parametrize("content", [b"no weights at all", None])
def test_a_users_unfit_file_is_named_and_neither_deleted_nor_replaced(tiny, weight_server, own_folder, content):
    path = own_folder / "tiny.h5"
    path.write_bytes(content or write_weights(own_folder / "tiny.h5", 5))
    before = path.read_bytes()
    with pytest.raises(WeightsError, match="own/tiny.h5 must hold the weights of Tiny"):
        weights.fetch(tiny)
    assert path.read_bytes() == before
    assert weight_server.requests == 0


def start_fetch(url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", FETCH, url, str(NUMBERS)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_at_once_fetch_the_file_once(weight_server, tmp_path):
    weight_server.body = write_weights(tmp_path / "served.h5")
    with start_fetch(weight_server.url) as first, start_fetch(weight_server.url) as second:
        ends = [process.communicate(timeout=60) for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0], ends
    assert {out.split()[-1] for out, _ in ends} == {hashlib.sha256(weight_server.body).hexdigest()}
    assert weight_server.requests == 1


def test_a_wait_for_another_process_can_be_stopped_and_its_left_over_is_removed_later(tiny, weight_server, wait_for):
    weight_server.answers = ["silent"]
    answers = iter([False, False, True])
    with start_fetch(weight_server.url) as other:
        try:
            wait_for(lambda: weight_server.requests)
            with pytest.raises(StopRequested):
                weights.fetch(tiny, stopped=lambda: next(answers))
        finally:
            other.kill()
    assert weight_server.requests == 1
    assert [name.endswith(".partial") for name in downloads()] == [True]
    weights.fetch(tiny)
    assert downloads() == ["tiny.h5"]


def test_a_file_that_appears_during_the_download_is_kept(tiny, weight_server):
    def put_by_hand(_done: int, _total: int) -> None:
        if weight_server.requests:
            path = weights.folder() / "tiny.h5"
            path.write_bytes(write_weights(path) + b"by hand")

    path = weights.fetch(tiny, progress=put_by_hand)
    assert path.read_bytes().endswith(b"by hand")


def test_the_process_of_fetch_now_reports_the_hash():
    subprocess.run([sys.executable, "-m", "core.tasks.fetch", "MobileNet"], cwd=ROOT, check=True, timeout=60)
    status = read_status(weights.directory("MobileNet"))
    assert status
    assert status.state is State.DONE
    assert weights.sha256(weights.fetch(bases.base("MobileNet"))) in status.message


def test_the_process_of_fetch_now_says_why_it_failed(own_folder):
    (own_folder / bases.base("VGG16").weights.name).write_bytes(b"broken")
    command = [sys.executable, "-m", "core.tasks.fetch", "VGG16"]
    assert subprocess.run(command, cwd=ROOT, check=False, timeout=60).returncode == 1
    status = read_status(weights.directory("VGG16"))
    assert status
    assert status.state is State.FAILED
    assert "must hold the weights of VGG16" in status.message


def test_the_process_of_fetch_now_stops_while_it_waits(wait_for):
    place = weights.directory("Xception")
    place.mkdir(parents=True)
    with weights._alone(weights.folder() / bases.base("Xception").weights.name, lambda: False):
        command = [sys.executable, "-m", "core.tasks.fetch", "Xception"]
        with subprocess.Popen(command, cwd=ROOT) as process:
            wait_for(lambda: (status := read_status(place)) and status.total)
            request_stop(place)
            assert process.wait(timeout=3) == 0
    status = read_status(place)
    assert status
    assert status.state is State.STOPPED
    assert status.total == bases.base("Xception").weights.size_bytes


@pytest.mark.slow
def test_the_numbers_of_a_published_layout_are_counted(shared):
    row = bases.base("VGG16")
    assert weights.parameters(shared / "weights" / row.weights.name) == row.parameters
