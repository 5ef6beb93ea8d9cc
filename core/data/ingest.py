"""A zip of labelled pictures → a data set: pictures stored one way, a manifest, and the problems found."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from core import host
from core.data import alternatives, manifest, storing, uploads
from core.data.alternatives import Way, Ways
from core.data.dataset import Dataset, read
from core.data.findings.problem import Problem, ProblemKind, found
from core.data.labels import layout
from core.data.near import copies
from core.data.same_zip import link, made_of, make_empty, of_the_same_zip
from core.data.storing import IngestProgress
from core.data.uploads import discard
from core.data.zips.archive import open_archive, printable
from core.disk.files import new_directory, write_frame, write_json
from core.disk.home import dataset_directory, new_id
from core.disk.record import read_json
from core.disk.space import check_free, refusal
from core.disk.status import State, Status, write_status
from core.errors import (
    ArchiveError,
    DatasetError,
    HeadstartError,
    ResourceError,
)
from core.words.said import say

if TYPE_CHECKING:  # split imports this module
    import pandas as pd

    pass


CHUNK_BYTES = 4_000_000


def create(source: Path | BinaryIO, name: str, *, workspace: str = "") -> str:
    """Begin a data set: copy the zip, piece by piece, into a directory of its own.

    Args:
        source: The zip.
        name: What to call the data set; a file name's folders and ".zip" are left off.
        workspace: Of the link that brings it, and alone may stop the reading and delete it.

    Returns:
        The new data set's id; it is to be ingested.

    Raises:
        ArchiveError: There is no such file.
        ResourceError: The disk is too full. Nothing is left behind, as after any error.
    """
    if isinstance(source, Path):
        if not source.is_file():
            raise ArchiveError("archive.not-there", path=source, is_folder=source.is_dir())
        with source.open("rb") as file:
            return create(file, name, workspace=workspace)
    dataset_id = new_id()
    directory = dataset_directory(dataset_id)
    with new_directory(directory):
        digest = _copy(source, directory / "upload.zip")
        request = {"name": _title(name), "zip_sha256": digest, "workspace": workspace}
        write_json(directory / "request.json", request)
        write_status(directory, Status())
    return dataset_id


def ingest(
    dataset_id: str,
    *,
    progress: Callable[[int, int], None] | None = None,
    stopped: Callable[[], bool] | None = None,
) -> Dataset:
    """Read a created data set's zip, store its pictures and write its manifest.

    Args:
        dataset_id: From `create`.
        progress: Called with pictures done and pictures in all, about five times a second.
        stopped: Asked between two pictures.

    Raises:
        ArchiveError: The zip as a whole cannot be used.
        DatasetError: Its pictures and labels make no data set.
        ResourceError: The disk became full.
        StopRequested: `stopped` said so. As after an error, only status.json and request.json are left.
    """
    present = read(dataset_id)
    if present:
        return present
    directory = dataset_directory(dataset_id)
    try:
        with uploads.held(dataset_id):
            return _ingest(directory, IngestProgress(progress, stopped))
    except OSError as error:
        full = refusal(error)  # before room is made
        if full is None:
            raise
        discard(directory)
        raise full from None
    except HeadstartError:
        discard(directory)
        raise


def reread(dataset_id: str, key: str, *, workspace: str = "") -> str:
    """Make another data set of the same stored pictures, by another way to read their zip.

    Args:
        dataset_id: Of a data set that is read.
        key: Of one of its `ways`.
        workspace: Of the link that wants it, which must be that of the data set, and alone may delete it.

    Returns:
        The new data set's id; it is ready.

    Raises:
        InputError: The data set is being removed, or another link uploaded it.
        DatasetError: There is no such way, or its pictures and labels make no data set.
        ResourceError: The disk is full. Nothing is left behind, as after any error.
    """
    begun, source = time.monotonic(), dataset_directory(dataset_id)
    uploads.check_use(dataset_id, workspace)
    with uploads.held(dataset_id):
        known, ways = read(dataset_id), alternatives.read(source)
        way = next((each for each in ways.ways if each.key == key), None) if ways else None
        if known is None or ways is None or way is None:
            raise DatasetError("dataset.no-way")
        other_id = new_id()
        directory = dataset_directory(other_id)
        with new_directory(directory):
            request = read_json(source / "request.json") or {}
            write_json(directory / "request.json", {**request, "reading": key, "workspace": workspace})
            made = _read_by(ways, way, directory, replace(known, near=copies.read(source)))
            if not link(known, make_empty(directory / "pictures"), IngestProgress()):
                raise ResourceError("dataset.not-linked")
            write_status(directory, Status(state=State.DONE))
            _write(directory, made, begun)
    return other_id


def _copy(source: BinaryIO, path: Path) -> str:
    """Copy it, and return the SHA-256 of its bytes."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        while chunk := source.read(CHUNK_BYTES):
            check_free(path.parent, len(chunk))
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _title(name: str) -> str:
    base = printable(name).replace("\\", "/").rstrip("/").rpartition("/")[2]
    return base.removesuffix(".zip").removesuffix(".ZIP").strip()[:100] or "Pictures"


def _ingest(directory: Path, progress: IngestProgress) -> Dataset:
    begun = time.monotonic()
    upload, folder = directory / "upload.zip", directory / "pictures"
    if not upload.is_file():
        raise DatasetError("dataset.no-zip")
    for known in of_the_same_zip(directory):
        if link(known, make_empty(folder), progress):
            return _write(directory, replace(known, id=directory.name), begun)
    make_empty(folder)
    with open_archive(upload) as archive:
        arranged = layout.arrange(archive)
        manifest.check_names(archive, arranged)
        stock = storing.store(archive, arranged, directory, progress)
        host.give_back()  # what decoding is done with, before pairs are looked for
        refused = [say("entry.named", name=entry.name, reason=entry.reason) for entry in archive.refused]
    common = (
        *found(ProblemKind.UNREADABLE, stock.unreadable),
        *found(ProblemKind.REFUSED, refused),
        *found(ProblemKind.BLANK, copies.blank(stock.rows, stock.thumbnails)),
    )
    ways = alternatives.gathered(arranged, stock.rows, common)
    _checked(ways, ways.ways[0])  # before near-copies are looked for, which takes a while
    near = copies.find(stock.rows, stock.thumbnails, folder, look=progress.look)
    shared = Dataset(
        directory.name, "", "", (), stock.rows, (), near=near, depth=stock.depth, unlabelled=stock.unlabelled
    )
    made = _read_by(ways, ways.ways[0], directory, shared)
    ways.write(directory)
    copies.write(near, directory)
    return _write(directory, made, begun, is_repeatable=not stock.was_short)


def _checked(ways: Ways, way: Way) -> tuple[pd.DataFrame, list[Problem]]:
    """The manifest by one way to read a zip, and what was repeated.

    Raises:
        DatasetError: It is too little.
    """
    pictures, repeated = manifest.unique(ways.rows(way))
    unreadable = [name for each in ways.common if each.kind is ProblemKind.UNREADABLE for name in each.found]
    manifest.check_classes(pictures, set(way.labels), unreadable)
    return pictures, repeated


def _read_by(ways: Ways, way: Way, directory: Path, shared: Dataset) -> Dataset:
    """The data set by one way to read its zip; `shared` has the pairs of all pictures, and what no way changes."""
    pictures, repeated = _checked(ways, way)
    near = copies.among(shared.near, pictures)
    pictures["near"] = copies.group(pictures, near)
    request, order = read_json(directory / "request.json") or {}, list(ProblemKind)
    problems = (
        *ways.common,
        *way.problems,
        *repeated,
        *copies.problems(pictures, near),
        *manifest.small_classes(pictures),
    )
    return replace(
        shared,
        id=directory.name,
        name=request.get("name", "Pictures"),
        fingerprint=_fingerprint(pictures),
        classes=tuple(sorted(set(pictures["label"]))),
        pictures=pictures,
        problems=tuple(sorted(problems, key=lambda each: order.index(each.kind))),
        near=near,
        reading=way.key,
    )


def _fingerprint(pictures: pd.DataFrame) -> str:
    rows = pictures[["picture", "label", "part"]].itertuples(index=False)
    return hashlib.sha256("\n".join(sorted("\t".join(str(cell) for cell in row) for row in rows)).encode()).hexdigest()


def _write(directory: Path, made: Dataset, begun: float, *, is_repeatable: bool = True) -> Dataset:
    """Write the data set; one for which time or memory was lacking is no model for the same zip."""
    request = read_json(directory / "request.json") or {}
    dataset = replace(made, name=request.get("name", "Pictures"), seconds=time.monotonic() - begun)
    said = {
        "name": dataset.name,
        "classes": dataset.classes,
        "fingerprint": dataset.fingerprint,
        "problems": [asdict(each) for each in dataset.problems],
        "has_own_split": dataset.has_own_split,
        "seconds": dataset.seconds,
        "depth": dataset.depth,
        "reading": dataset.reading,
        "unlabelled": dataset.unlabelled,
        "made_of": made_of(directory) if is_repeatable else None,
    }
    write_json(directory / "dataset.json", said)
    write_frame(directory / "manifest.parquet", dataset.pictures)
    (directory / "upload.zip").unlink(missing_ok=True)
    return dataset
