import io
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image
from stand_ins import store

from core.data.pictures import decoding
from core.data.pictures.decoding import Decoding
from core.data.pictures.picture import Stored
from core.settings import ROOT, settings
from core.words.said import Said, say
from core.words.sentences import sentence


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pictures"
    made.mkdir()
    return made


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that sets HEADSTART_… variables."""

    def limit(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"HEADSTART_{name.upper()}", str(value))
        settings.cache_clear()

    return limit


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def of_many_scans(number: int, side: int = 2000) -> bytes:
    """A grey progressive JPEG that refines the same coefficients again and again; each scan is read in full."""
    whole = saved(Image.new("L", (side, side), 128), "JPEG", progressive=True)
    ends = whole.rindex(b"\xff\xda")
    scan = b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 1, 5, 0x02)
    return whole[:ends] + scan * number + b"\xff\xd9"


def outcomes(folder: Path, *pictures: bytes) -> list[Stored | str]:
    with Decoding(folder) as processes:
        done = [future.result() for future in [processes.submit(each) for each in pictures]]
    return [sentence(each) if isinstance(each, Said) else each for each in done]


def decoders() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "core.data.pictures.decoder" in child.cmdline()]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_stores_what_it_would_without_a_process(folder, tmp_path, picture_of, kind):
    data = picture_of(1, kind=kind, size=(700, 500))
    (made,) = outcomes(folder, data)
    assert made == store(data, tmp_path)
    assert (folder / made.file).read_bytes() == (tmp_path / made.file).read_bytes()
    assert [path.name for path in folder.iterdir()] == [made.file]


def test_answers_come_for_the_picture_that_was_asked_about(folder, picture_of):
    data = [picture_of(number, size=(20 + number, 10)) if number % 3 else b"broken" for number in range(60)]
    made = outcomes(folder, *data)
    assert [each if isinstance(each, str) else each.width for each in made] == [
        20 + number if number % 3 else "it is text" for number in range(60)
    ]


def test_a_file_of_the_largest_size_is_read_after_small_ones(folder, picture_of):
    tail = bytes(settings().max_entry_bytes - 1_000_000)
    made = outcomes(folder, *(picture_of(number) for number in range(8)), picture_of(8, kind="JPEG") + tail)
    assert all(isinstance(each, Stored) for each in made)


def test_a_picture_that_takes_too_long_is_refused_with_its_limit_and_the_next_one_goes_on(folder, limits, picture_of):
    limits(picture_seconds=0.5)
    begun = time.monotonic()
    slow, *others = outcomes(folder, of_many_scans(20_000), *(picture_of(number) for number in range(9)))
    assert slow == "it takes longer than 0.5 s to decode"
    assert all(isinstance(other, Stored) for other in others)
    assert time.monotonic() - begun < 10


def test_many_slow_pictures_do_not_take_their_full_time_each(folder, limits):
    limits(picture_seconds=1)
    made = outcomes(folder, *(of_many_scans(20_000 + number) for number in range(12)))
    assert made[0] == "it takes longer than 1 s to decode"
    assert made[-1] == "it takes longer than 0.2 s to decode"


def test_a_picture_that_needs_too_much_memory_is_refused_by_its_header(folder, limits, picture_of):
    limits(picture_bytes=20_000_000)
    large, other = outcomes(folder, saved(Image.new("RGB", (3000, 2000)), "PNG"), picture_of(1))
    assert large.startswith("it would need ")
    assert large.endswith(" MB to decode; at most 20 MB are used here")
    assert isinstance(other, Stored)


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 50}, {"lossless": True, "exif": b"Exif\0\0MM"}])
def test_a_webp_is_refused_before_it_has_taken_memory_and_read_where_it_may_take_it(
    folder, limits, picture_of, options
):
    blank = saved(Image.new("RGB", (3000, 2500)), "WEBP", **options)
    assert isinstance(outcomes(folder, picture_of(1), picture_of(2), picture_of(3), blank)[-1], Stored)
    limits(picture_bytes=60_000_000)
    with Decoding(folder, workers=1) as processes:
        assert sentence(processes.submit(blank).result()).startswith("it would need 1")
        (child,) = decoders()
        assert child.memory_info().rss < 45_000_000


def test_what_was_refused_for_lack_of_time_or_memory_is_told_apart_from_what_is_damaged(folder, limits):
    limits(picture_bytes=20_000_000)
    for data, was_short in ((b"broken", False), (saved(Image.new("RGB", (3000, 2000)), "PNG"), True)):
        with Decoding(folder) as processes:
            processes.submit(data).result()
        assert processes.was_short is was_short


KINDS = {
    "webp": lambda image: saved(image, "WEBP", lossless=True),
    "webp with alpha": lambda image: saved(image.convert("RGBA"), "WEBP", lossless=True),
    "png": lambda image: saved(image, "PNG"),
    "png with alpha": lambda image: saved(image.convert("RGBA"), "PNG"),
    "png of 16 bits": lambda image: saved(image.convert("L").convert("I;16"), "PNG"),
    "png of one colour to see through": lambda image: saved(image.convert("P"), "PNG", transparency=0),
    "gif": lambda image: saved(image.convert("P"), "GIF"),
    "float tiff": lambda image: saved(image.convert("F"), "TIFF", compression="tiff_adobe_deflate"),
    "float tiff by LZW": lambda image: saved(image.convert("F"), "TIFF", compression="tiff_lzw"),
    "cmyk tiff": lambda image: saved(image.convert("CMYK"), "TIFF", compression="tiff_adobe_deflate"),
    "tiff in one strip": lambda image: saved(image, "TIFF", compression="tiff_lzw", tiffinfo={278: image.height}),
    "turned tiff": lambda image: saved(image, "TIFF", tiffinfo={274: 6}),
    "fax": lambda image: saved(image.convert("1"), "TIFF", compression="group4"),
    "bmp": lambda image: saved(image, "BMP"),
    "jpeg": lambda image: saved(image, "JPEG"),
    "progressive jpeg": lambda image: saved(image, "JPEG", progressive=True, subsampling=0),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_large_picture_takes_no_more_memory_than_its_header_lets_expect(folder, kind):
    """A process of its own whose peak is read when it has ended."""
    program = """
import resource, sys
from pathlib import Path
from core.data.pictures import pixels
data, asked = Path(sys.argv[1]).read_bytes(), []
import numpy
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
pixels.small(data, max_pixels=50_000_000, side=512, admit=asked.append)
print(asked[0], 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) + len(data))
"""
    path = folder / "picture"
    path.write_bytes(KINDS[kind](Image.radial_gradient("L").resize((4000, 3000)).convert("RGB")))
    ran = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True, cwd=ROOT)
    expected, found = map(int, ran.stdout.split())
    assert found < 1.1 * expected + 12_000_000


def test_a_process_that_is_killed_costs_one_picture_only(folder, limits, wait_for, picture_of):
    limits(picture_seconds=30)
    with Decoding(folder) as processes:
        slow = [processes.submit(of_many_scans(20_000 + number)) for number in range(len(processes.pids))]
        wait_for(lambda: all(child.cpu_times().user > 0.3 for child in decoders()))
        for child in decoders():
            child.kill()
        assert {future.result() for future in slow} == {say("picture.out-of-memory")}
        assert isinstance(processes.submit(picture_of(1)).result(), Stored)


def test_leaves_no_process_behind_in_the_midst_of_a_picture(folder, wait_for):
    with Decoding(folder) as processes:
        processes.submit(of_many_scans(20_000))
        wait_for(lambda: any(child.cpu_times().user > 0.3 for child in decoders()))
        begun = time.monotonic()
    assert time.monotonic() - begun < 2
    assert not decoders()


def test_a_decoder_ends_with_the_process_that_started_it(tmp_path, wait_for):
    """Killed, so that it can tell nobody."""
    program = """
import sys
from pathlib import Path
from core.data.pictures.decoding import Decoding
processes = Decoding(Path(sys.argv[1]))
processes.submit(Path(sys.argv[2]).read_bytes())
print(*processes.pids, flush=True)
"""
    (tmp_path / "slow.jpg").write_bytes(of_many_scans(20_000))
    command = [sys.executable, "-c", program, tmp_path, tmp_path / "slow.jpg"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout
        children = [psutil.Process(int(pid)) for pid in started.stdout.readline().split()]
        wait_for(lambda: any(child.cpu_times().user > 0.3 for child in children))
        started.kill()
    wait_for(lambda: not any(child.is_running() for child in children), 5)


def test_one_large_picture_at_a_time_on_this_host(folder, home, limits, picture_of):
    from filelock import FileLock

    limits(picture_bytes=100_000_000)
    lock = FileLock(home / "large-picture.lock")
    large = saved(Image.fromarray(np.zeros((3000, 4000, 3), np.uint8)), "PNG")
    with Decoding(folder) as processes:
        with lock:
            waiting = processes.submit(large)
            assert isinstance(processes.submit(picture_of(1)).result(), Stored)  # small ones go on
            assert not waiting.done()
        assert isinstance(waiting.result(10), Stored)


def test_the_share_of_memory_is_an_eighth_within_bounds(monkeypatch, limits):
    for memory, share in ((2**29, 100 * 2**20), (2**30, 2**27), (2**32, 2**29), (2**36, 2**30)):
        monkeypatch.setattr(decoding.host, "memory_bytes", lambda memory=memory: memory)
        assert decoding.most_bytes() == share
    limits(picture_bytes=5)
    assert decoding.most_bytes() == 5


def test_a_decoder_imports_little():
    program = "import sys, core.data.pictures.decoder; print(*{name.partition('.')[0] for name in sys.modules})"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not {"numpy", "pandas", "pydantic", "psutil", "keras", "streamlit"} & set(ran.stdout.split())


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="needs Linux")
def test_the_system_ends_a_decoder_before_any_other_process(folder, wait_for):
    with Decoding(folder):
        for child in decoders():
            wait_for(lambda child=child: Path(f"/proc/{child.pid}/oom_score_adj").read_text().strip() == "1000")
