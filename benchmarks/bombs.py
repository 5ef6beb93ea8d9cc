"""Small files that take much memory or time to decode: `python benchmarks/bombs.py [--kinds KIND …] [--alone]`

This process stands for the server: it creates data sets and predictions and submits them to a real consumer. Each kind
of picture goes in by both doors, alone and ten at once (ten pictures in one upload, and ten uploads); a second later
another visitor takes the sample. Prints by how much this process grew meanwhile, the most that all decoders together
held, seconds until the sample was ready and until everything was over, and what became of the picture.
"""

import argparse
import io
import os
import shutil
import struct
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import measure
import psutil
from PIL import Image

from core.data import ingest
from core.disk.home import dataset_directory
from core.disk.record import read_json
from core.disk.status import Status, read_status
from core.plan import predictions
from core.words.said import Said
from core.words.sentences import sentence

SIZE = (7000, 7140)  # just below the 50 megapixels that are read
SCANS = 20_000
LOOK_SECONDS = 0.05
SHORT = ("--epochs", "1", "--baseline-epochs", "1", "--image-size", "96")


def saved(mode: str, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, SIZE).save(file, kind, **options)
    return file.getvalue()


def many_scans() -> bytes:
    """A grey progressive JPEG that refines the same coefficients again and again."""
    whole = saved("L", "JPEG", progressive=True)
    scan = b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 1, 5, 0x02)
    return whole[: whole.rindex(b"\xff\xda")] + scan * SCANS + b"\xff\xd9"


def run_lengths() -> bytes:
    """A BMP of 8 bits, each line a few runs."""
    width, height = SIZE
    runs = b"".join(bytes([min(255, width - at), 0]) for at in range(0, width, 255))
    data = (runs + b"\0\0") * height + b"\0\1"
    begin = 14 + 40 + 1024
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(data), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", begin + len(data), 0, 0, begin) + header + bytes(1024) + data


KINDS: dict[str, Callable[[], bytes]] = {
    "webp": lambda: saved("RGB", "WEBP", lossless=True),
    "webp-alpha": lambda: saved("RGBA", "WEBP", lossless=True),
    "tiff-float": lambda: saved("F", "TIFF", compression="tiff_adobe_deflate"),
    "tiff-float-lzw": lambda: saved("F", "TIFF", compression="tiff_lzw"),
    "tiff-cmyk": lambda: saved("CMYK", "TIFF", compression="tiff_adobe_deflate"),
    "tiff-fax": lambda: saved("1", "TIFF", compression="group4"),
    "png": lambda: saved("RGB", "PNG"),
    "png-alpha": lambda: saved("RGBA", "PNG"),
    "png-16": lambda: saved("I;16", "PNG"),
    "gif": lambda: saved("P", "GIF"),
    "bmp-runs": run_lengths,
    "jpeg-progressive": lambda: saved("RGB", "JPEG", progressive=True, subsampling=0),
    "jpeg-scans": many_scans,
}


class Peak:
    """The most that decoders hold together while a `with` block runs, and by how much this process grows, in MB."""

    def __init__(self) -> None:
        self.decoders_mb = 0.0
        self._own = psutil.Process()
        self._before = self._highest = self._own.memory_info().rss

    def __enter__(self) -> "Peak":
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def own_mb(self) -> float:
        return float(self._highest - self._before) / 1e6

    def _look(self) -> None:
        while not self._is_over.wait(LOOK_SECONDS):
            self._highest = max(self._highest, self._own.memory_info().rss)
            held = sum(_rss(child) for child in self._own.children(recursive=True))
            self.decoders_mb = max(self.decoders_mb, held / 1e6)


def _rss(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss if "core.data.pictures.decoder" in process.cmdline() else 0
    except psutil.Error:
        return 0


def zip_of(picture: bytes, number: int) -> bytes:
    """Ordinary pictures in two classes, and `number` of that one; what follows its end makes other files of it."""
    with zipfile.ZipFile(measure.ROOT / "assets" / "sample" / "sample.zip") as sample:
        names = [name for name in sample.namelist() if name.endswith(".jpg")]
        ordinary = [sample.read(name) for name in names[:12]]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for position, data in enumerate(ordinary):
            archive.writestr(f"{'ab'[position % 2]}/{position}.jpg", data)
        for position in range(number):
            archive.writestr(f"a/bomb{position}.png", picture + b"\0" * position)
    return file.getvalue()


def uploads(pictures: list[list[bytes]]) -> list[Path]:
    from core.queue import jobs

    created = [ingest.create(io.BytesIO(zip_of(each[0], len(each))), "bombs") for each in pictures]
    for one in created:
        jobs.submit_ingest(one)
    return [dataset_directory(one) for one in created]


def questions(experiment_id: str, pictures: list[list[bytes]]) -> list[Path]:
    from core.queue import jobs

    named = [[(f"{n}", data + b"\0" * n) for n, data in enumerate(each)] for each in pictures]
    created = [predictions.create(experiment_id, each) for each in named]
    for one in created:
        jobs.submit_prediction(one)
    return [predictions.directory(one) for one in created]


def seconds_until(*directories: Path, begun: float) -> float:

    def is_over() -> bool:
        return all((status := read_status(each)) and status.state.is_final for each in directories)

    while not is_over():
        time.sleep(LOOK_SECONDS)
    return time.monotonic() - begun


def said(directory: Path) -> str:
    """What became of the last picture."""
    from core.data import dataset

    if made := dataset.read(directory.name) if directory.parent.name == "datasets" else None:
        names = [name for problem in made.problems for name in problem.names if name.startswith("a/bomb")]
        return names[-1].partition(": ")[2] if names else "read"
    refused = (read_json(directory / "pictures.json") or {}).get("refused")
    status = read_status(directory) or Status()
    return sentence(Said.read(refused[-1]["reason"])) if refused else status.message or "read"


def row(name: str, submit: Callable[[], list[Path]]) -> None:
    from core.queue import jobs
    from core.settings import SAMPLE

    with Peak() as peak:
        begun = time.monotonic()
        directories = submit()
        time.sleep(1)
        asked = time.monotonic()
        sample = ingest.create(SAMPLE, "Sample")
        jobs.submit_ingest(sample)
        ready = seconds_until(dataset_directory(sample), begun=asked)
        shutil.rmtree(dataset_directory(sample))  # else the next one would be linked to it, and not be read
        over = seconds_until(*directories, begun=begun)
    print(
        f"{name:34}{peak.own_mb:8.0f}{peak.decoders_mb:10.0f}{ready:10.1f}{over:8.1f}  {said(directories[0])}",
        flush=True,
    )


@contextmanager
def home() -> Iterator[str]:
    """A home of its own with a trained experiment, and a consumer that ends with it; the experiment's id."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # the consumer may just be writing
        own = {"HEADSTART_HOME": f"{folder}/home", "HEADSTART_STANDBY": "false", "HEADSTART_IDLE_SECONDS": "1"}
        os.environ.update(own)
        few = Path(folder) / "few.zip"
        few.write_bytes(zip_of(b"", 0))
        run = measure.compare(few, Path(folder) / "home", *SHORT)
        from core.queue import presence

        try:
            yield run.directory.name
        finally:
            for consumer in presence.CONSUMERS:
                consumer.terminate()
                consumer.wait(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS))
    parser.add_argument("--alone", action="store_true", help="only one picture at a time")
    chosen = parser.parse_args()
    print(measure.machine())
    with home() as experiment_id:
        print(f"{'':34}{'server':>8}{'decoders':>10}{'sample':>10}{'all':>8}")
        print(f"{'':34}{'+MB':>8}{'MB':>10}{'s':>10}{'s':>8}")
        for kind in chosen.kinds:
            picture = KINDS[kind]()
            print(f"{kind}, {len(picture) / 1e3:,.0f} kB")
            shapes = {"one": [[picture]], "ten in one": [[picture] * 10], "ten uploads of one": [[picture]] * 10}
            for shape, pictures in list(shapes.items())[: 1 if chosen.alone else None]:
                row(f"  Upload, {shape}", partial(uploads, pictures))
                row(f"  Predict, {shape}", partial(questions, experiment_id, pictures))


if __name__ == "__main__":
    main()
