"""Data sets of the same zip: what one was made of, and its pictures linked for another instead of read again."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.data import alternatives
from core.data.dataset import Dataset, read
from core.data.near import copies
from core.data.pictures.picture import is_whole
from core.data.storing import IngestProgress
from core.disk import record
from core.disk.home import dataset_directory
from core.disk.record import read_json
from core.errors import DamagedError
from core.settings import settings

RULES = 8  # to be raised when the same zip is read or stored in another way
LIMITS = ("max_entries", "max_picture_pixels", "max_entry_bytes", "max_total_bytes", "max_ratio", "stored_side")


def make_empty(folder: Path) -> Path:
    """The folder, made anew."""
    shutil.rmtree(folder, ignore_errors=True)  # of an ingest that was killed
    folder.mkdir()
    return folder


def made_of(directory: Path) -> dict[str, object]:
    """What an ingest depends on: the zip's bytes and the rules by which they are read."""
    request = read_json(directory / "request.json") or {}
    limits = settings().model_dump(include=set(LIMITS))
    reading = request.get("reading")  # that was chosen; None is the likeliest
    return {"zip_sha256": request.get("zip_sha256"), "rules": RULES, "reading": reading, **limits}


def of_the_same_zip(directory: Path) -> Iterator[Dataset]:
    """Data sets of this home that were made of the same; somebody may delete them at any time."""
    wanted = made_of(directory)
    for path in directory.parent.glob("*/dataset.json") if wanted["zip_sha256"] else ():
        if record.readable(path).get("made_of") == wanted:
            with suppress(DamagedError):  # then the zip is read
                if known := read(path.parent.name):
                    yield known


def link(known: Dataset, folder: Path, progress: IngestProgress) -> bool:
    """Put what all ways of another data set need beside and into `folder`: stored pictures, the ways, pairs.

    False when they are going away or damaged, or the disk is full.
    """
    source, target = dataset_directory(known.id), folder.parent
    try:
        moves = [(source / "pictures" / file, folder / file) for file in _files(known)]
        if known.unlabelled:
            (target / "unlabelled").mkdir(exist_ok=True)
        for file in sorted({file for _, file in known.unlabelled}):
            moves.append((source / "unlabelled" / file, target / "unlabelled" / file))
        for done, (there, here) in enumerate(moves, start=1):
            progress(done, len(moves))
            if not is_whole(there):
                return False
            try:
                os.link(there, here)  # stored pictures are never written to again
            except FileNotFoundError:  # it goes just now
                return False
            except OSError:  # too many links, or a disk that has none
                shutil.copyfile(there, here)
        alternatives.copy(source, target)
        copies.write(copies.read(source), target)
    except (OSError, DamagedError):
        return False
    return True


def _files(known: Dataset) -> list[str]:
    """The stored pictures that any way of a data set needs."""
    return sorted({*known.pictures["file"], *alternatives.files(dataset_directory(known.id))})
