"""The frozen part, run once for each picture; what it says is cached for every later run.

What a frozen network says of a picture never changes, so it is computed once a picture (and augmented view); the
epochs then touch only what trains. Where nothing is frozen, or the outputs would not fit, the rows are the pictures'
own pixels and augmentation happens on the way into the batch.
"""

import math
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from core.data.pictures.augmentation import NO_AUGMENTATION, Augmentation
from core.disk import home
from core.disk.cache import Cache, Range
from core.disk.space import disk_rate
from core.errors import EngineError
from core.network import engine
from core.network.batches import Pictures, Rows
from core.network.decoded import Decoded, View, view_id
from core.network.engine import Engine, EngineChoice, Keras, OpenVino
from core.settings import MEBIBYTE, settings
from core.words.said import Said, say

VERSION = 3  # of everything between a stored picture and a row, the preprocessing included
KEEP_SECONDS = 1.0  # of work that a kill may cost
MAX_HALF_ERROR = 1e-3  # relative, of a row by being stored in half precision
SMALL_BYTES = 256 * MEBIBYTE  # of rows, for which the disk is quick enough anyway
TRIAL_PICTURES = engine.BATCH
Progress = Callable[[int, int, float | None], None]  # rows done, rows in all, rows a second


@dataclass(frozen=True)
class Frozen:
    """A frozen part, and what decides its outputs."""

    prefix: keras.Model  # (n, size, size, 3), RGB 0 to 255 → (n, …)
    base: str
    weights_sha256: str
    frontier: str  # where it ends, in words that are the same in every build: layers' names are not

    @property
    def size(self) -> int:
        """Side of its pictures in pixels."""
        return int(self.prefix.input.shape[1])

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one output."""
        return tuple(self.prefix.output.shape[1:])

    @property
    def facts(self) -> dict[str, object]:
        """All that decides an output but the picture, the engine and the precision."""
        own = {"base": self.base, "weights": self.weights_sha256, "frontier": self.frontier, "size": self.size}
        return {**own, "stored_side": settings().stored_side, "version": VERSION}

    @property
    def failure(self) -> Said | None:
        """Why Keras computes it on a host where OpenVINO should; None where it need not."""
        reason = engine.failure(self.facts)
        return say("run.slower", reason=reason) if reason else None

    def choose(self, precision: str) -> EngineChoice:
        """What computes it on this host, by now: see `engine.choose`."""
        return engine.choose(self.facts, precision)

    def open(self, chosen: EngineChoice) -> Engine:
        """The engine that was chosen.

        Raises:
            EngineError: It cannot be made ready.
        """
        if chosen.is_openvino:
            return OpenVino(lambda: self.prefix, facts=self.facts, precision=chosen.precision)
        return Keras(self.prefix)

    def give_up(self, error: EngineError) -> None:
        """From now on Keras computes it in this process."""
        traceback.print_exception(error)  # into the log, for whoever wants more than a sentence
        engine.give_up(self.facts, error.said)

    def trial(self, precision: str, pixels: np.ndarray) -> Engine:
        """The engine of this host, once it has sent some pictures (n, size, size, 3) through: that one works."""
        try:
            opened = self.open(self.choose(precision))
            opened.run(pixels, lambda *_: None)
        except EngineError as error:
            self.give_up(error)
            return self.trial(precision, pixels)  # by Keras, which raises no such error
        return opened


def views_of(pictures: Pictures, n_views: int) -> list[View]:
    """The pictures' views, `n_views` in turn for each."""
    pairs = zip(pictures.names, pictures.paths, strict=True)
    return [View(name, path, number) for name, path in pairs for number in range(n_views)]


def compute(
    frozen: Frozen,
    views: Sequence[View],
    *,
    augmentation: Augmentation = NO_AUGMENTATION,
    precision: str,
    progress: Progress = lambda *_: None,
    told: Callable[[EngineChoice], None] = lambda _: None,
    stopped: Callable[[], bool],
) -> tuple[np.ndarray, np.ndarray]:
    """What the frozen part says of each view: read from the cache, or computed and kept there.

    Args:
        frozen: The frozen part.
        views: Of pictures; a view above 0 is `augmentation`, seeded by picture and number, whatever the run.
        augmentation: What may change.
        precision: Of the engine: `engine.fast_precision()`, or "float32", whose rows are kept exactly as computed.
        progress: Told of rows done.
        told: Of the engine before it begins; a second time when OpenVINO fails and Keras begins anew. No row of the
            one is ever taken for the other's.
        stopped: Asked for each picture; what was finished stays in the cache.

    Returns:
        (rows, …), memory-mapped, and the place of each view in it, shape (len(views),).

    Raises:
        StopRequested: `stopped` said so.
        ResourceError: The disk is too full.
    """
    while True:
        chosen = frozen.choose(precision)
        told(chosen)
        try:
            return _computed(frozen, chosen, views, augmentation, progress, stopped)
        except EngineError as error:  # never Keras's, so this ends
            frozen.give_up(error)


def _computed(
    frozen: Frozen,
    chosen: EngineChoice,
    views: Sequence[View],
    augmentation: Augmentation,
    progress: Progress,
    stopped: Callable[[], bool],
) -> tuple[np.ndarray, np.ndarray]:
    facts = {**frozen.facts, "engine": chosen.label}
    ids = [view_id(view, augmentation) for view in views]
    for kind in ("float16", "float32") if chosen.precision != "float32" else ("float32",):
        with Cache(facts, shape=frozen.shape, kind=kind) as cache:
            places = cache.find(ids)
            missing = _missing(places, ids)
            try:
                if missing:
                    wanted = [views[k] for k in missing]
                    fill = _Fill(cache, [ids[k] for k in missing], len(views), progress)
                    with Decoded(wanted, augmentation, frozen.size, stopped) as pixels:
                        fill.run(frozen.open(chosen), pixels)
                    places = cache.find(ids)
            except _TooCoarseError:
                continue
            progress(len(views), len(views), None)
            return cache.values(), places
    raise AssertionError("float32 holds every row")


class _TooCoarseError(Exception):
    """Half precision changes a row too much."""


def _missing(places: np.ndarray, ids: list[bytes]) -> list[int]:
    """Where to compute: a picture under two labels is one row."""
    return list({ids[k]: k for k in np.flatnonzero(places < 0).tolist()}.values())


class _Fill:
    """Computed rows on their way into a cache."""

    def __init__(self, cache: Cache, ids: list[bytes], n_all: int, progress: Progress) -> None:
        self._range: Range = cache.reserve(len(ids))
        self._ids, self._progress = ids, progress
        self._before, self._all = n_all - len(ids), n_all
        self._is_half = cache.kind == np.float16
        self._finished: deque[int] = deque()  # written, but not yet kept
        self._done = 0
        self._begun = self._kept = time.perf_counter()

    def run(self, with_engine: Engine, pixels: Iterator[np.ndarray]) -> None:
        try:
            with_engine.run(self._counted(pixels), self._write)
        finally:
            self._keep()

    def _counted(self, pixels: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        for each in pixels:
            yield each
            now = time.perf_counter()
            self._progress(self._before + self._done, self._all, self._done / (now - self._begun) or None)
            if now - self._kept > KEEP_SECONDS:
                self._keep()
                self._kept = now

    def _write(self, number: int, values: np.ndarray) -> None:
        if self._is_half:
            with np.errstate(over="ignore"):  # an infinite one is seen below
                half = values.astype(np.float16)
            difference = np.linalg.norm(half.astype(np.float32) - values)
            if not difference <= MAX_HALF_ERROR * np.linalg.norm(values):  # also when it became infinite
                raise _TooCoarseError
            values = half
        self._range.write(number, values)
        self._finished.append(number)
        self._done += 1

    def _keep(self) -> None:
        numbers = [self._finished.popleft() for _ in range(len(self._finished))]
        if numbers:
            self._range.keep(numbers, [self._ids[number] for number in numbers])


def fits(frozen: Frozen, n_rows: int) -> bool:
    """Whether keeping the outputs of so many rows is worth it: there is room, and reading beats computing."""
    row_bytes = 2 * math.prod(frozen.shape)
    size_bytes = n_rows * row_bytes
    if size_bytes > min(settings().max_feature_bytes, settings().max_cache_bytes):
        return False
    if size_bytes <= SMALL_BYTES:
        return True
    pixels = np.zeros((TRIAL_PICTURES, frozen.size, frozen.size, 3), np.uint8)
    trial = frozen.trial(engine.fast_precision(), pixels)  # the first call may build a graph
    begun = time.perf_counter()
    try:
        trial.run(pixels, lambda *_: None)
    except EngineError as error:
        frozen.give_up(error)
        return fits(frozen, n_rows)
    compute_seconds = (time.perf_counter() - begun) / TRIAL_PICTURES
    return row_bytes / disk_rate(home.folder()) < compute_seconds


class Stopwatch:
    """Pictures a second since its start."""

    def __init__(self) -> None:
        """Start."""
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._start


def read_pixels(pictures: Pictures, size: int, *, progress: Progress, stopped: Callable[[], bool]) -> Rows:
    """Every picture as the network sees it, decoded once and kept for later runs.

    Returns:
        Rows of one view, uint8 of shape (size, size, 3), memory-mapped.

    Raises:
        StopRequested: `stopped` said so.
        ResourceError: The disk is too full.
    """
    facts = {"holds": "pixels", "size": size, "stored_side": settings().stored_side, "version": VERSION}
    views = views_of(pictures, 1)
    ids = [view_id(view, NO_AUGMENTATION) for view in views]
    with Cache(facts, shape=(size, size, 3), kind="uint8") as cache:
        places = cache.find(ids)
        missing = _missing(places, ids)
        if missing:
            fill = _Fill(cache, [ids[k] for k in missing], len(views), progress)
            with Decoded([views[k] for k in missing], NO_AUGMENTATION, size, stopped) as pixels:
                fill.run(_AsTheyAre(), pixels)
            places = cache.find(ids)
        progress(len(views), len(views), None)
        return Rows(cache.values(), places[:, None], pictures.labels)


class _AsTheyAre:
    """The engine of no network at all."""

    def run(self, pixels: Iterable[np.ndarray], write: engine.Write) -> None:
        for number, each in enumerate(pixels):
            write(number, each)
