"""The labelled entries of a zip → stored pictures: what each became, which show the same, what cannot be used.

This process reads, others decode (`core.decoding`).
"""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from core import alternatives
from core import depth as depths
from core.archive import Archive, EntryError
from core.decoding import Decoding
from core.depth import Depth
from core.disk import check_free
from core.errors import StopRequested
from core.layout import Labelled, Layout
from core.picture import Stored
from core.reading import File

WAITING = 256  # pictures, and
WAITING_BYTES = 64_000_000  # read from the zip but not decoded yet
STORED_BYTES = 64_000  # a stored picture, about
LOOK_AT_DISK = 200  # pictures
REPORT_SECONDS = 0.2
MOST_UNLABELLED = 20  # pictures: as many as can be asked about at a time
STOPPED = "Stopped before all pictures were read."


@dataclass
class Progress:
    """Passes progress on, but not too often, and looks for a stop."""

    progress: Callable[[int, int], None] | None = None
    stopped: Callable[[], bool] | None = None
    last: float = 0.0

    def look(self) -> None:
        """Go on, or not.

        Raises:
            StopRequested: `stopped` said so.
        """
        if self.stopped and self.stopped():
            raise StopRequested(STOPPED)

    def __call__(self, done: int, total: int) -> None:
        """Tell how many pictures of how many are done."""
        self.look()
        now = time.monotonic()
        if self.progress and (done == total or now - self.last >= REPORT_SECONDS):
            self.last = now
            self.progress(done, total)


@dataclass(frozen=True, eq=False)
class Stock:
    """What was stored of a zip."""

    rows: pd.DataFrame  # alternatives.STORED, a row an entry, in the zip's order
    thumbnails: dict[str, bytes]  # of each picture: `pixels.thumbnail`
    unreadable: tuple[str, ...]  # "name: reason" of each entry that cannot be used
    unlabelled: tuple[tuple[str, str], ...]  # name and file of the first pictures of a part without answers
    depth: Depth
    was_short: bool  # whether time or memory was lacking for a picture


def stored(archive: Archive, arranged: Layout, directory: Path, progress: Progress) -> Stock:
    """Store each picture that any way to read the zip labels.

    Args:
        archive: The zip.
        arranged: All ways to read it.
        directory: Of the data set: in it are "pictures", empty, and "unlabelled", made where it is needed.
        progress: Told of each entry.
    """
    every, folder = arranged.all_pictures, directory / "pictures"
    check_free(folder, len(every) * STORED_BYTES)
    with Decoding(folder) as decoding:
        rows, thumbnails, unreadable = _rows(archive, every, decoding, progress)
    depth, was_short = depths.of(values for values in rows["values"] if values), decoding.was_short
    if off := depths.off(rows["values"], depth):  # what is black and white in these is known only now
        positions = set(rows["position"].iloc[off])
        again = tuple(each for each in every if each.entry.position in positions)
        with Decoding(folder, depth=depth) as decoding:
            scaled, new, failed = _rows(archive, again, decoding, progress)
        was_short |= decoding.was_short
        rows = pd.concat([rows.drop(index=rows.index[off]), scaled]).sort_values("position", ignore_index=True)
        thumbnails, unreadable = thumbnails | new, unreadable + failed
    rows = _named_alike(rows, folder)
    unlabelled, lacked = _unlabelled(archive, arranged.unlabelled, directory / "unlabelled", depth)
    return Stock(rows, thumbnails, tuple(unreadable), unlabelled, depth, was_short or lacked)


def _named_alike(rows: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Let all copies that have the same pixels go by one picture and file; the other files are removed."""
    first = rows.sort_values("picture").drop_duplicates("pixels").set_index("pixels")
    named = rows.assign(**{column: rows["pixels"].map(first[column]) for column in ("picture", "file")})
    kept = set(named["file"])
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()
    return named[alternatives.STORED]


def _unlabelled(
    archive: Archive, files: Sequence[File], folder: Path, depth: Depth
) -> tuple[tuple[tuple[str, str], ...], bool]:
    """Name and stored file of the first of these pictures that can be read, and whether one was too much here."""
    kept: list[tuple[str, str]] = []
    if not files:
        return (), False
    folder.mkdir(exist_ok=True)
    with Decoding(folder, workers=1, depth=depth) as decoding:
        for file in files[: 2 * MOST_UNLABELLED]:
            try:
                outcome = decoding.submit(archive.read(file.entry)).result()
            except EntryError:
                continue
            if not isinstance(outcome, str):
                kept.append((file.name, outcome.file))
            if len(kept) == MOST_UNLABELLED:
                break
    return tuple(kept), decoding.was_short


def _rows(
    archive: Archive, labelled: Sequence[Labelled], decoding: Decoding, progress: Progress
) -> tuple[pd.DataFrame, dict[str, bytes], list[str]]:
    """A row (`alternatives.STORED`, pixels, values) an entry, each picture's thumbnail, and what is unusable."""
    rows, thumbnails, unreadable = [], {}, []
    for done, (each, outcome) in enumerate(_outcomes(archive, labelled, decoding), start=1):
        progress(done, len(labelled))
        if done % LOOK_AT_DISK == 0:
            check_free(decoding.folder)
        if isinstance(outcome, str):
            unreadable.append(f"{each.name}: {outcome}")
        else:
            shown = outcome.width, outcome.height, outcome.pixels, outcome.values
            rows.append((each.entry.position, outcome.picture, outcome.file, each.name, *shown))
            thumbnails[outcome.picture] = outcome.thumbnail
    return pd.DataFrame(rows, columns=[*alternatives.STORED, "pixels", "values"]), thumbnails, unreadable


def _outcomes(
    archive: Archive, labelled: Sequence[Labelled], decoding: Decoding
) -> Iterator[tuple[Labelled, Stored | str]]:
    """Each entry with its stored picture or the reason why not, in order.

    What waits to be decoded is bounded, so memory does not grow with the number of pictures.
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
