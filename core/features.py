"""The frozen part, run once for each picture, and the batches that reach the part that trains.

What a frozen network says of a picture never changes, so it is computed once a picture (and augmented view) and kept
for the run; the epochs then touch only what trains. Where nothing is frozen, or the outputs would not fit, the rows
are the pictures' own pixels and augmentation happens on the way into the batch.
"""

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import keras
import numpy as np

from core import archive, augment, picture
from core.errors import StopRequested
from core.experiment import NO_AUGMENTATION, Augmentation
from core.settings import settings

VIEWS = 4  # augmented views of each training picture whose features are kept
BATCH = 32  # pictures that go through the frozen part together
Progress = Callable[[int, int], None]  # pictures done, pictures in all
Job = TypeVar("Job")


@dataclass(frozen=True)
class Pictures:
    """The pictures of one part, in a fixed order."""

    names: list[str]
    paths: list[Path]
    labels: np.ndarray  # (n,), index into the classes

    def __len__(self) -> int:
        """How many there are."""
        return len(self.paths)


@dataclass(frozen=True)
class Rows:
    """What the trained part sees: `values[i, v]` is view v of picture i; views are chosen anew each epoch.

    `values` has shape (n, views, …): outputs of the frozen part, or pixels (one view) that `augmentation` changes on
    the way into the batch.
    """

    values: np.ndarray
    labels: np.ndarray
    augmentation: Augmentation = NO_AUGMENTATION

    def batch(self, indices: np.ndarray, *, seed: int, epoch: int) -> np.ndarray:
        """Inputs of the chosen pictures as they look in this epoch, shape (len(indices), …)."""
        if self.augmentation.is_on:
            seeds = ((seed, epoch, int(index)) for index in indices)
            pairs = zip(self.values[indices, 0], seeds, strict=True)
            return np.stack([augment.view(pixels, self.augmentation, seed=each) for pixels, each in pairs])
        views = self.values.shape[1]
        chosen = (
            np.random.default_rng((seed, epoch)).integers(views, size=len(self.values))[indices] if views > 1 else 0
        )
        return np.asarray(self.values[indices, chosen])


class Batches(keras.utils.PyDataset):
    """Seeded, shuffled batches of `Rows`, a new order and new views each epoch."""

    def __init__(
        self, rows: Rows, *, batch_size: int, seed: int, shuffles: bool = True, weights: np.ndarray | None = None
    ) -> None:
        """Serve `rows`.

        Args:
            rows: Inputs and labels.
            batch_size: Rows in a batch; the last may be smaller.
            seed: Decides order and views.
            shuffles: False for validation.
            weights: A weight for each class.
        """
        super().__init__()
        self._rows, self._batch_size, self._seed = rows, batch_size, seed
        self._shuffles, self._weights = shuffles, weights
        self._epoch = 0
        self._order = self._new_order()

    def _new_order(self) -> np.ndarray:
        order = np.arange(len(self._rows.labels))
        return np.random.default_rng((self._seed, self._epoch)).permutation(order) if self._shuffles else order

    def __len__(self) -> int:
        """Batches an epoch."""
        return math.ceil(len(self._rows.labels) / self._batch_size)

    def __getitem__(self, number: int) -> tuple[np.ndarray, ...]:
        """Inputs, labels and, with class weights, a weight a row."""
        indices = self._order[number * self._batch_size : (number + 1) * self._batch_size]
        labels = self._rows.labels[indices]
        inputs = self._rows.batch(indices, seed=self._seed, epoch=self._epoch)
        if self._weights is None:
            return inputs, labels
        return inputs, labels, self._weights[labels]

    def on_epoch_end(self) -> None:
        """Draw the next epoch's order and views."""
        self._epoch += 1
        self._order = self._new_order()


def views_of(augmentation: Augmentation) -> int:
    """How many rows a training picture has in the store of features."""
    return VIEWS if augmentation.is_on else 1


def fits(prefix: keras.Model, n_rows: int) -> bool:
    """Whether the frozen part's outputs of so many rows may be kept on this host's disk."""
    size_bytes = n_rows * 4 * math.prod(prefix.output.shape[1:])
    return size_bytes <= settings().max_feature_bytes


def read_pixels(
    pictures: Pictures, size: int, store: Path, *, progress: Progress, stopped: Callable[[], bool]
) -> np.ndarray:
    """Decode every picture once into a memory-mapped file.

    Returns:
        Shape (n, 1, size, size, 3), uint8.

    Raises:
        StopRequested: `stopped` said so.
    """
    pixels = _mapped(store, (len(pictures), 1, size, size, 3), np.uint8)
    for start, batch in _decoded(pictures.paths, size):
        pixels[start : start + len(batch), 0] = batch
        _go_on(progress, stopped, start + len(batch), len(pictures))
    return pixels


def compute(
    prefix: keras.Model,
    pictures: Pictures,
    store: Path,
    *,
    views: int = 1,
    augmentation: Augmentation = NO_AUGMENTATION,
    seed: int = 0,
    progress: Progress,
    stopped: Callable[[], bool],
) -> np.ndarray:
    """Send every picture, or `views` augmented views of it, through the frozen part.

    With several views the first is the picture itself.

    Returns:
        Shape (n, views, …) of the prefix's output, float32, memory-mapped from `store`.

    Raises:
        StopRequested: `stopped` said so.
    """
    size = prefix.input.shape[1]
    jobs = [(index, view) for index in range(len(pictures)) for view in range(views)]

    def prepared(job: tuple[int, int]) -> np.ndarray:
        index, view = job
        pixels = picture.load(pictures.paths[index], size)
        return augment.view(pixels, augmentation, seed=(seed, view, index)) if view else pixels

    values = _mapped(store, (len(pictures) * views, *prefix.output.shape[1:]), np.float32)
    for start, batch in _prefetched(jobs, prepared):
        values[start : start + len(batch)] = _predicted(prefix, batch)
        _go_on(progress, stopped, start + len(batch), len(jobs))
    return values.reshape((len(pictures), views, *prefix.output.shape[1:]))


def predict(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    """A model's outputs for (n, …) inputs, a batch of `BATCH` at a time."""
    batches = (inputs[start : start + BATCH] for start in range(0, len(inputs), BATCH))
    return np.concatenate([_predicted(model, batch) for batch in batches])


def _predicted(model: keras.Model, batch: np.ndarray) -> np.ndarray:
    """The last, smaller batch is filled up: another shape would be traced anew, for a second or more."""
    missing = BATCH - len(batch)
    filled = np.concatenate([batch, np.zeros((missing, *batch.shape[1:]), batch.dtype)]) if missing else batch
    return np.asarray(model.predict_on_batch(filled))[: len(batch)]


def _go_on(progress: Progress, stopped: Callable[[], bool], done: int, total: int) -> None:
    if stopped():
        raise StopRequested("Stopped while the pictures went through the frozen part.")
    progress(done, total)


def _mapped(path: Path, shape: tuple[int, ...], kind: type) -> np.ndarray:
    archive.check_free_disk(path.parent, math.prod(shape) * np.dtype(kind).itemsize, what="This training")
    return np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)


def _decoded(paths: Sequence[Path], size: int) -> Iterator[tuple[int, np.ndarray]]:
    return _prefetched(paths, lambda path: picture.load(path, size))


def _prefetched(jobs: Sequence[Job], prepare: Callable[[Job], np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    """(start, batch) in order, two batches ahead: Pillow frees the interpreter, so decoding runs beside computing."""
    starts = range(0, len(jobs), BATCH)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:

        def submit(start: int) -> list[Future[np.ndarray]]:
            return [pool.submit(prepare, job) for job in jobs[start : start + BATCH]]

        ahead = [submit(start) for start in starts[:2]]
        try:
            for number, start in enumerate(starts):
                batch = np.stack([future.result() for future in ahead.pop(0)])
                if number + 2 < len(starts):
                    ahead.append(submit(starts[number + 2]))
                yield start, batch
        finally:
            pool.shutdown(cancel_futures=True)


class Stopwatch:
    """Pictures a second since its start."""

    def __init__(self) -> None:
        """Start."""
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._start

    def rate(self, done: int) -> float | None:
        """`done` a second, once that means something."""
        return done / self.seconds if self.seconds > 0.05 and done else None
