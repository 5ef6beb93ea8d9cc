"""Stored pictures → pixels as a network sees them, decoded ahead in threads and kept for later runs."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core import host
from core.data.pictures import augment, picture
from core.data.pictures.augmentation import Augmentation
from core.disk.cache import row_id
from core.errors import StopRequested
from core.plan.estimate import decoded_ahead_bytes


class View(NamedTuple):
    """One picture, as it is (view 0) or changed at random."""

    picture: str
    path: Path
    number: int = 0


class Decoded:
    """Each view decoded, in order and ahead of need: Pillow frees the interpreter, so this runs beside computing.

    It begins at once, so that pictures are at hand when the engine is ready.
    """

    def __init__(
        self, views: Sequence[View], augmentation: Augmentation, size: int, stopped: Callable[[], bool]
    ) -> None:
        """Begin to decode `views`, those of one picture one after the other, as pictures of `size` pixels."""
        self._groups: list[list[View]] = []  # views of one picture, which is decoded once
        for view in views:
            if self._groups and self._groups[-1][0].path == view.path:
                self._groups[-1].append(view)
            else:
                self._groups.append([view])
        self._augmentation, self._size, self._stopped = augmentation, size, stopped
        threads = host.cores()
        self._ahead = max(2 * threads, decoded_ahead_bytes() * len(self._groups) // (len(views) * size * size * 3))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        self._waiting = deque(self._submitted(group) for group in self._groups[: self._ahead])

    def _submitted(self, group: list[View]) -> Future[list[np.ndarray]]:
        return self._pool.submit(_decoded, group, self._augmentation, self._size)

    def __enter__(self) -> Iterator[np.ndarray]:
        """The views in their order, each of shape (size, size, 3), uint8."""
        return self._all()

    def __exit__(self, *_: object) -> None:
        """Decode no more."""
        self._pool.shutdown(cancel_futures=True)

    def _all(self) -> Iterator[np.ndarray]:
        for number in range(len(self._groups)):
            done = self._waiting.popleft().result()
            if number + self._ahead < len(self._groups):
                self._waiting.append(self._submitted(self._groups[number + self._ahead]))
            for each in done:
                if self._stopped():
                    raise StopRequested("run.left-features")
                yield each


def _decoded(group: list[View], augmentation: Augmentation, size: int) -> list[np.ndarray]:
    pixels = picture.load(group[0].path, size)
    return [seen(pixels, view, augmentation) for view in group]


def seen(pixels: np.ndarray, view: View, augmentation: Augmentation) -> np.ndarray:
    """A view of a decoded picture; which one depends on the picture, the view's number and nothing else."""
    if view.number == 0:
        return pixels
    seed = int.from_bytes(view_id(view, augmentation)[:16])
    return augment.view(pixels, augmentation, seed=seed)


def view_id(view: View, augmentation: Augmentation) -> bytes:
    """What names a view's row in the cache."""
    return row_id(view.picture, f"{view.number} {augmentation.model_dump_json()}" if view.number else "")
