"""A zip of labelled pictures → Dataset: pictures stored one way, a manifest, and the problems found.

    datasets/<id>/  request.json      the name, as uploaded, the zip's SHA-256, and the workspace that brought it
                    upload.zip        gone after the ingest
                    status.json       progress
                    pictures/         <sha256 of the pixels>.jpg or .png
                    dataset.json      name, classes, fingerprint, problems, seconds, what it was made of
                    near.parquet      pairs of near-copies
                    manifest.parquet  a row a picture and label; written last, so without it there is no data set

A zip with the same bytes as that of another data set is not read again: its pictures are linked, its manifest copied.

`python -m core.dataset DATASET_DIR` is the process that does it for the app.
"""

import hashlib
import os
import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pandas as pd

from core import copies, layout, manifest, problem, process, runs, uploads
from core import depth as depths
from core.archive import Archive, EntryError, open_archive, printable
from core.decoding import Decoding
from core.depth import Depth
from core.disk import check_free, refusal
from core.errors import ArchiveError, DatasetError, HeadstartError, InputError, StopRequested
from core.layout import Labelled
from core.picture import Stored
from core.picture import load as load
from core.picture import normalise as normalise
from core.problem import Problem, ProblemKind, found
from core.problem import Severity as Severity
from core.process import Watch, started
from core.settings import settings

if TYPE_CHECKING:  # split imports this module
    from core.split import Split

WAITING = 256  # pictures, and
WAITING_BYTES = 64_000_000  # read from the zip but not decoded yet
STORED_BYTES = 64_000  # a stored picture, about
LOOK_AT_DISK = 200  # pictures
REPORT_SECONDS = 0.2
PATIENCE_SECONDS = 0.5  # for a picture that is being decoded to end by itself after a stop was asked for
STOPPED = "Stopped before all pictures were read."
CHUNK_BYTES = 4_000_000
RULES = 5  # to be raised when the same zip is read or stored in another way
LIMITS = ("max_entries", "max_picture_pixels", "max_entry_bytes", "max_total_bytes", "max_ratio", "stored_side")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled pictures on disk."""

    id: str
    name: str
    fingerprint: str  # SHA-256 of all (picture, label, part)
    classes: tuple[str, ...]  # sorted
    pictures: (
        pd.DataFrame
    )  # manifest.COLUMNS and near, the group of near-copies; a picture under two labels is two rows
    problems: tuple[Problem, ...]
    seconds: float = 0.0  # that the ingest took
    near: pd.DataFrame = field(default_factory=copies.none)  # copies.COLUMNS; pairs of near-copies
    depth: Depth = field(default_factory=lambda: depths.UNKNOWN)  # of its pictures of more than 8 bits

    @property
    def has_own_split(self) -> bool:
        """Whether the zip says which picture is for training and which for the test."""
        return bool(self.pictures["part"].notna().any())

    @property
    def counts(self) -> "pd.Series[int]":
        """Pictures of each class, in the order of `classes`."""
        return self.pictures["label"].value_counts().reindex(list(self.classes), fill_value=0)

    def path(self, picture: str) -> Path:
        """The stored file of a picture."""
        return runs.dataset_directory(self.id) / "pictures" / self._files[picture]

    @cached_property
    def _files(self) -> dict[str, str]:
        return dict(zip(self.pictures["picture"], self.pictures["file"], strict=True))


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
            what = "a folder; zip it first" if source.is_dir() else "nothing there; check the path"
            raise ArchiveError(f"Expected a zip file at {source}. Found {what}.")
        with source.open("rb") as file:
            return create(file, name, workspace=workspace)
    dataset_id = runs.new_id()
    directory = runs.dataset_directory(dataset_id)
    with runs.made(directory):
        digest = _copy(source, directory / "upload.zip")
        request = {"name": _title(name), "zip_sha256": digest, "workspace": workspace}
        runs.write_json(directory / "request.json", request)
        runs.write_status(directory, runs.Status())
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
    directory = runs.dataset_directory(dataset_id)
    try:
        with uploads.held(dataset_id):
            return _ingested(directory, _Report(progress, stopped))
    except OSError as error:
        full = refusal(error)  # before room is made
        if full is None:
            raise
        runs.discard_upload(directory)
        raise full from None
    except HeadstartError:
        runs.discard_upload(directory)
        raise


def read(dataset_id: str) -> Dataset | None:
    """A data set, or None where it is not ingested (yet)."""
    directory = runs.dataset_directory(dataset_id)
    try:
        pictures = pd.read_parquet(directory / "manifest.parquet")
    except FileNotFoundError:
        return None
    said = runs.read_json(directory / "dataset.json")
    if said is None:  # it is being removed
        return None
    problems = tuple(
        Problem(ProblemKind(row["kind"]), Severity(row["severity"]), row["title"], tuple(row["names"]), row["remedy"])
        for row in said["problems"]
    )
    try:
        near = pd.read_parquet(directory / "near.parquet")
    except FileNotFoundError:  # made before near-copies were looked for
        near = copies.none()
    classes = tuple(said["classes"])
    depth, seconds = depths.read(said.get("depth")), said["seconds"]
    return Dataset(dataset_id, said["name"], said["fingerprint"], classes, pictures, problems, seconds, near, depth)


@dataclass
class _Report:
    """Passes progress on, but not too often, and looks for a stop."""

    progress: Callable[[int, int], None] | None
    stopped: Callable[[], bool] | None
    last: float = 0.0

    def look(self) -> None:
        if self.stopped and self.stopped():
            raise StopRequested(STOPPED)

    def __call__(self, done: int, total: int) -> None:
        self.look()
        now = time.monotonic()
        if self.progress and (done == total or now - self.last >= REPORT_SECONDS):
            self.last = now
            self.progress(done, total)


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


def _ingested(directory: Path, report: _Report) -> Dataset:
    begun = time.monotonic()
    upload, folder = directory / "upload.zip", directory / "pictures"
    if not upload.is_file():
        raise DatasetError("This data set's zip is not here any more. Upload it again.")
    for known in _of_the_same_zip(directory):
        if _link(known, _emptied(folder), report):
            return _written(directory, known.pictures, known.near, known.problems, known.depth, begun)
    _emptied(folder)
    with open_archive(upload) as archive:
        arranged = layout.arrange(archive)
        manifest.check_names(archive, arranged)
        check_free(folder, len(arranged.pictures) * STORED_BYTES)
        with Decoding(folder) as decoding:
            rows, thumbnails, unreadable = _stored(archive, arranged.pictures, decoding, report)
        depth = depths.of(values for values in rows["values"] if values)
        if off := depths.off(rows["values"], depth):  # what is black and white in these is known only now
            again = tuple(arranged.pictures[number] for number in rows["number"].iloc[off])
            with Decoding(folder, depth=depth) as decoding_again:
                scaled, new, failed = _stored(archive, again, decoding_again, report)
            decoding.was_short |= decoding_again.was_short
            rows = pd.concat([rows.drop(index=rows.index[off]), scaled]).reset_index(drop=True)
            thumbnails, unreadable = thumbnails | new, unreadable + failed
        refused = [f"{entry.name}: {entry.reason}" for entry in archive.refused]
    pictures, repeated = manifest.unique(_named_alike(rows, folder))
    manifest.check_classes(pictures, {labelled.label for labelled in arranged.pictures}, unreadable)
    near = copies.find(pictures, thumbnails, folder, look=report.look)
    pictures["near"] = copies.group(pictures, near)
    problems = (
        *found(ProblemKind.UNREADABLE, unreadable),
        *found(ProblemKind.REFUSED, refused),
        *arranged.problems,
        *repeated,
        *copies.problems(pictures, near),
        *found(ProblemKind.BLANK, copies.blank(pictures, thumbnails)),
        *manifest.small_classes(pictures),
    )
    return _written(directory, pictures, near, problems, depth, begun, is_repeatable=not decoding.was_short)


def _named_alike(rows: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Let all copies that have the same pixels go by one picture and file; the other files are removed."""
    first = rows.sort_values("picture").drop_duplicates("pixels").set_index("pixels")
    named = rows.assign(**{column: rows["pixels"].map(first[column]) for column in ("picture", "file")})
    kept = set(named["file"])
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()
    return named[manifest.COLUMNS]


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)  # of an ingest that was killed
    folder.mkdir()
    return folder


def _made_of(directory: Path) -> dict[str, object]:
    """What an ingest depends on: the zip's bytes and the rules by which they are read."""
    request = runs.read_json(directory / "request.json") or {}
    limits = settings().model_dump(include=set(LIMITS))
    return {"zip_sha256": request.get("zip_sha256"), "rules": RULES, **limits}


def _of_the_same_zip(directory: Path) -> Iterator[Dataset]:
    """Data sets of this home that were made of the same; somebody may delete them at any time."""
    made_of = _made_of(directory)
    for path in directory.parent.glob("*/dataset.json") if made_of["zip_sha256"] else ():
        said = runs.read_json(path)
        if said and said.get("made_of") == made_of and (known := read(path.parent.name)):
            yield known


def _link(known: Dataset, folder: Path, report: _Report) -> bool:
    """Put the stored pictures of another data set into `folder`. False when they are going away or the disk is full."""
    files = sorted(set(known.pictures["file"]))
    source = runs.dataset_directory(known.id) / "pictures"
    try:
        for done, file in enumerate(files, start=1):
            report(done, len(files))
            try:
                os.link(source / file, folder / file)  # stored pictures are never written to again
            except FileNotFoundError:
                return False
            except OSError:  # too many links, or a disk that has none
                shutil.copyfile(source / file, folder / file)
    except OSError:
        return False
    return True


def _stored(
    archive: Archive, labelled: tuple[Labelled, ...], decoding: Decoding, report: _Report
) -> tuple[pd.DataFrame, dict[str, bytes], list[str]]:
    """A row (`manifest.COLUMNS`, pixels) an entry, each picture's thumbnail, and "name: reason" of what is unusable."""
    rows, thumbnails, unreadable = [], {}, []
    for number, (each, outcome) in enumerate(_outcomes(archive, labelled, decoding)):
        done = number + 1
        report(done, len(labelled))
        if done % LOOK_AT_DISK == 0:
            check_free(decoding.folder)
        if isinstance(outcome, str):
            unreadable.append(f"{each.name}: {outcome}")
        else:
            size = outcome.width, outcome.height
            shown = outcome.pixels, outcome.values, number
            rows.append((outcome.picture, outcome.file, each.label, each.name, *size, each.part, *shown))
            thumbnails[outcome.picture] = outcome.thumbnail
    return pd.DataFrame(rows, columns=[*manifest.COLUMNS, "pixels", "values", "number"]), thumbnails, unreadable


def _outcomes(
    archive: Archive, labelled: tuple[Labelled, ...], decoding: Decoding
) -> Iterator[tuple[Labelled, Stored | str]]:
    """Each entry with its stored picture or the reason why not, in order.

    This process reads, others decode. What waits to be decoded is bounded, so memory does not grow with the number of
    pictures.
    """
    futures: dict[str, Future[Stored | str]] = {}
    waiting: deque[tuple[Labelled, Future[Stored | str], int]] = deque()
    for each in labelled:
        try:
            data = archive.read(each.entry)
        except EntryError as error:
            refused: Future[Stored | str] = Future()
            refused.set_result(str(error))
            waiting.append((each, refused, 0))
            continue
        source = hashlib.sha256(data).hexdigest()
        if source not in futures:  # a copy byte for byte is neither decoded nor written again
            futures[source] = decoding.submit(data)
        waiting.append((each, futures[source], len(data)))
        while len(waiting) > WAITING or sum(size for *_, size in waiting) > WAITING_BYTES:
            first, future, _ = waiting.popleft()
            yield first, future.result()
    for first, future, _ in waiting:
        yield first, future.result()


def _written(
    directory: Path,
    pictures: pd.DataFrame,
    near: pd.DataFrame,
    problems: tuple[Problem, ...],
    depth: Depth,
    begun: float,
    *,
    is_repeatable: bool = True,
) -> Dataset:
    """Write the data set; one for which time or memory was lacking is no model for the same zip."""
    order = list(ProblemKind)
    request = runs.read_json(directory / "request.json") or {}
    lines = sorted(
        "\t".join(str(cell) for cell in row) for row in pictures[["picture", "label", "part"]].itertuples(index=False)
    )
    dataset = Dataset(
        id=directory.name,
        name=request.get("name", "Pictures"),
        fingerprint=hashlib.sha256("\n".join(lines).encode()).hexdigest(),
        classes=tuple(sorted(set(pictures["label"]))),
        pictures=pictures,
        problems=tuple(sorted(problems, key=lambda each: order.index(each.kind))),
        seconds=time.monotonic() - begun,
        near=near,
        depth=depth,
    )
    said = {
        "name": dataset.name,
        "classes": dataset.classes,
        "fingerprint": dataset.fingerprint,
        "problems": [asdict(each) for each in dataset.problems],
        "has_own_split": dataset.has_own_split,
        "seconds": dataset.seconds,
        "depth": dataset.depth,
        "made_of": _made_of(directory) if is_repeatable else None,
    }
    runs.write_json(directory / "dataset.json", said)
    runs.write_frame(directory / "near.parquet", near)
    runs.write_frame(directory / "manifest.parquet", pictures)
    (directory / "upload.zip").unlink()
    return dataset


def describe(dataset: Dataset, split: "Split") -> str:
    """Classes with counts, split and problems as plain text, for a terminal."""
    counts = split.counts()
    counts["all"] = counts.sum(axis=1)
    counts.loc["all"] = counts.sum()
    parts = ", ".join(f"{number:,} {part}" for part, number in split.counts().sum().items())
    origin = "by the zip's own folders" if dataset.has_own_split else f"drawn with seed {split.seed}"
    problems = [line for each in dataset.problems for line in ("", *problem.lines(each))] or ["", "No problems found."]
    return "\n".join(
        [
            f"{dataset.name}: {len(dataset.pictures):,} pictures in {len(dataset.classes)} classes",
            "",
            counts.rename_axis(None).to_string(),
            "",
            f"Split, {origin}: {parts}",
            *split.remarks(dataset.near),
            *problems,
        ]
    )


def main(arguments: list[str]) -> int:
    """The process: ingest one directory, with its progress in status.json. Returns the exit code."""
    directory = Path(arguments[0] if arguments else "").resolve()
    if directory != runs.dataset_directory(directory.name).resolve() or not directory.is_dir():
        raise InputError(f"Expected a data set's directory of this home. Found {directory}. Use the app's own.")
    first = started()
    runs.write_status(directory, first)
    leaving = threading.Thread(target=_leave, args=(directory, first), daemon=True)
    with Watch(directory, lambda requests: leaving.start() if requests == 1 else None) as watch:
        last = _worked(directory, first, watch)
    runs.write_status(directory, last)
    return int(last.state is runs.State.FAILED)


def _leave(directory: Path, first: runs.Status) -> None:
    """End the process where a picture takes long to decode, so that a stop is answered within a second."""
    time.sleep(PATIENCE_SECONDS)
    if (directory / "manifest.parquet").exists():  # it was ready just then
        return
    runs.discard_upload(directory)
    runs.write_status(directory, first.model_copy(update={"state": runs.State.STOPPED, "message": STOPPED}))
    os._exit(0)


def _worked(directory: Path, first: runs.Status, watch: Watch) -> runs.Status:
    begun = time.monotonic()

    def progress(done: int, total: int) -> None:
        rate = done / max(time.monotonic() - begun, 1e-3)
        left = (total - done) / rate if rate else None
        update = {"done": done, "total": total, "rate": rate, "seconds_left": left}
        runs.write_status(directory, first.model_copy(update=update))

    try:
        dataset = ingest(directory.name, progress=progress, stopped=lambda: watch.is_stopped)
    except StopRequested as error:
        return first.model_copy(update={"state": runs.State.STOPPED, "message": str(error)})
    except HeadstartError as error:
        return first.model_copy(update={"state": runs.State.FAILED, "message": str(error)})
    except Exception as error:  # a fault of ours: the user is told, the log has the rest
        process.note()
        message = f"Headstart failed on this zip ({type(error).__name__}). The log beside it says more."
        return first.model_copy(update={"state": runs.State.FAILED, "message": message})
    number = len(dataset.pictures)
    return first.model_copy(update={"state": runs.State.DONE, "done": number, "total": number})


if __name__ == "__main__":
    try:
        sys.exit(process.carried_out(main, sys.argv[1:]))
    except InputError as error:
        sys.exit(f"error: {error}")
