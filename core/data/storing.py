"""The labelled entries of a zip → stored pictures: what each became, which show the same, what cannot be used.

This process reads, others decode (`core.data.pictures.decoding`).
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from core.data import alternatives
from core.data.labels.layout import Labelled, Layout
from core.data.labels.reading import File
from core.data.near import doubles
from core.data.pictures import depth as depths
from core.data.pictures.decoding import Decoding
from core.data.pictures.depth import Depth
from core.data.pictures.picture import Stored
from core.data.zips.archive import Archive, EntryError
from core.disk.space import check_free
from core.errors import StopRequested
from core.words.said import Said, say

if TYPE_CHECKING:  # pandas takes 34 MB: it is imported once the pictures are decoded
    import pandas as pd

WAITING = 256  # pictures, and
WAITING_BYTES = 64_000_000  # read from the zip but not decoded yet
STORED_BYTES = 64_000  # a stored picture, about
LOOK_AT_DISK = 200  # pictures
REPORT_SECONDS = 0.2
MOST_UNLABELLED = 20  # pictures: as many as can be asked about at a time


@dataclass
class IngestProgress:
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
            raise StopRequested("dataset.stopped")

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
    unreadable: tuple[Said, ...]  # each entry that cannot be used, with the reason
    unlabelled: tuple[tuple[str, str], ...]  # name and file of the first pictures of a part without answers
    depth: Depth
    was_short: bool  # whether time or memory was lacking for a picture


class _Decoded(NamedTuple):
    """What became of some entries."""

    rows: pd.DataFrame  # alternatives.STORED, pixels, values, thumbnail, is_kept; a row an entry
    unreadable: tuple[Said, ...]
    was_short: bool


def store(archive: Archive, arranged: Layout, directory: Path, progress: IngestProgress) -> Stock:
    """Store each picture that any way to read the zip labels.

    Args:
        archive: The zip.
        arranged: All ways to read it.
        directory: Of the data set: in it are "pictures", empty, and "unlabelled", made where it is needed.
        progress: Told of each entry.
    """
    every, folder = arranged.all_pictures, directory / "pictures"
    check_free(folder, len(every) * STORED_BYTES)
    found = _decoded(archive, every, folder, progress)
    depth = depths.of(values for values in found.rows["values"] if values)
    found = _scaled(found, archive, every, depth, folder, progress)
    found = _united(found, archive, every, depth, folder, progress)
    _remove_others(folder, set(found.rows["file"]))
    unlabelled, lacked = _unlabelled(archive, arranged.unlabelled, directory / "unlabelled", depth)
    thumbnails = dict(zip(found.rows["picture"], found.rows["thumbnail"], strict=True))
    rows = found.rows[alternatives.STORED]
    return Stock(rows, thumbnails, found.unreadable, unlabelled, depth, found.was_short or lacked)


def _scaled(
    found: _Decoded, archive: Archive, every: Sequence[Labelled], depth: Depth, folder: Path, progress: IngestProgress
) -> _Decoded:
    """The same with all pictures scaled by the data set's depth, which is known only now."""
    import pandas as pd

    off = depths.off(found.rows["values"], depth)
    if not off:
        return found
    positions = set(found.rows["position"].iloc[off])
    again = _decoded(archive, _at(every, positions), folder, progress, depth=depth)
    rows = pd.concat([found.rows.drop(index=found.rows.index[off]), again.rows])
    rows = rows.sort_values("position", ignore_index=True)
    return _Decoded(rows, found.unreadable + again.unreadable, found.was_short or again.was_short)


def _united(
    found: _Decoded, archive: Archive, every: Sequence[Labelled], depth: Depth, folder: Path, progress: IngestProgress
) -> _Decoded:
    """The same with all copies that have the same pixels under one picture and file.

    Such files have one size and nearly the same thumbnail. Only there pixels are compared, as a digest of all would
    take longer than all the rest.
    """
    each = found.rows.drop_duplicates("picture")
    alike = set(each.loc[doubles.may_be(each), "position"])
    if not alike:
        return found
    again = _decoded(archive, _at(every, alike), folder, progress, depth=depth, is_compared=True)
    pixels_of = dict(zip(again.rows["picture"], again.rows["pixels"], strict=True))
    pixels = found.rows["picture"].map(lambda picture: pixels_of.get(picture, picture))
    rows = found.rows.assign(pixels=pixels)
    first = rows.sort_values("picture").drop_duplicates("pixels").set_index("pixels")
    rows = rows.assign(**{column: pixels.map(first[column]) for column in ("picture", "file")})
    return _Decoded(rows, found.unreadable, found.was_short or again.was_short)


def _at(every: Sequence[Labelled], positions: set[int]) -> list[Labelled]:
    return [each for each in every if each.entry.position in positions]


def _remove_others(folder: Path, kept: set[str]) -> None:
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()


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
            if not isinstance(outcome, Said):
                kept.append((file.name, outcome.file))
            if len(kept) == MOST_UNLABELLED:
                break
    return tuple(kept), decoding.was_short


def _decoded(
    archive: Archive,
    labelled: Sequence[Labelled],
    folder: Path,
    progress: IngestProgress,
    *,
    depth: Depth = depths.LIKELY,
    is_compared: bool = False,
) -> _Decoded:
    rows, unreadable = [], []
    with Decoding(folder, depth=depth, is_compared=is_compared) as decoding:
        for done, (each, outcome) in enumerate(_outcomes(archive, labelled, decoding), start=1):
            progress(done, len(labelled))
            if done % LOOK_AT_DISK == 0:
                check_free(folder)
            if isinstance(outcome, Said):
                unreadable.append(say("entry.named", name=each.name, reason=outcome))
            else:
                shown = (
                    outcome.width,
                    outcome.height,
                    outcome.pixels,
                    outcome.values,
                    outcome.thumbnail,
                    outcome.is_kept,
                )
                rows.append((each.entry.position, outcome.picture, outcome.file, each.name, *shown))
    import pandas as pd  # only now: while pictures are decoded its 34 MB are better left to them

    columns = [*alternatives.STORED, "pixels", "values", "thumbnail", "is_kept"]
    return _Decoded(pd.DataFrame(rows, columns=columns), tuple(unreadable), decoding.was_short)


def _outcomes(
    archive: Archive, labelled: Sequence[Labelled], decoding: Decoding
) -> Iterator[tuple[Labelled, Stored | Said]]:
    """Each entry with its stored picture or the reason why not, in order.

    What waits to be decoded is bounded, so memory does not grow with the number of pictures.
    """
    futures: dict[str, Future[Stored | Said]] = {}
    waiting: deque[tuple[Labelled, Future[Stored | Said], int]] = deque()
    waiting_bytes = 0
    for each in labelled:
        try:
            data = archive.read(each.entry)
        except EntryError as error:
            refused: Future[Stored | Said] = Future()
            refused.set_result(error.said)
            waiting.append((each, refused, 0))
            continue
        source = hashlib.sha256(data).hexdigest()
        if source not in futures:  # a copy byte for byte is neither decoded nor written again
            futures[source] = decoding.submit(data)
        waiting.append((each, futures[source], len(data)))
        waiting_bytes += len(data)
        while len(waiting) > WAITING or waiting_bytes > WAITING_BYTES:
            first, future, size_bytes = waiting.popleft()
            waiting_bytes -= size_bytes
            yield first, future.result()
    for first, future, _ in waiting:
        yield first, future.result()
