"""What reaches the part that trains: rows of inputs with their labels, and seeded batches of them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from core.data.pictures import augment
from core.data.pictures.augmentation import NO_AUGMENTATION, Augmentation

PREFETCHED = 2  # batches


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
    """What the trained part sees: view v of picture i is `values[places[i, v]]`; views are chosen anew each epoch.

    The values are outputs of the frozen part, or pixels (one view) that `augmentation` changes on the way into the
    batch. They may be memory-mapped and hold other rows too.
    """

    values: np.ndarray  # (rows, …)
    places: np.ndarray  # (n, views)
    labels: np.ndarray  # (n,)
    augmentation: Augmentation = NO_AUGMENTATION

    def __len__(self) -> int:
        """Pictures."""
        return len(self.labels)

    def first(self, n: int | None = None) -> np.ndarray:
        """The first n pictures as they are, shape (n, …); all without n."""
        return np.asarray(self.values[self.places[:n, 0]])

    def batch(self, indices: np.ndarray, *, seed: int, epoch: int) -> np.ndarray:
        """Inputs of the chosen pictures as they look in this epoch, shape (len(indices), …)."""
        if self.augmentation.is_on:
            seeds = ((seed, epoch, int(index)) for index in indices)
            pairs = zip(self.values[self.places[indices, 0]], seeds, strict=True)
            return np.stack([augment.view(pixels, self.augmentation, seed=each) for pixels, each in pairs])
        views = self.places.shape[1]
        chosen = np.random.default_rng((seed, epoch)).integers(views, size=len(self))[indices] if views > 1 else 0
        rows = self.values[self.places[indices, chosen]]
        return rows.astype(np.float32) if rows.dtype == np.float16 else np.asarray(rows)


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
        order = np.arange(len(self._rows))
        return np.random.default_rng((self._seed, self._epoch)).permutation(order) if self._shuffles else order

    def __len__(self) -> int:
        """Batches an epoch."""
        return math.ceil(len(self._rows) / self._batch_size)

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


def for_fit(batches: Batches) -> tuple[object, list[keras.callbacks.Callback]]:
    """What `fit` draws these batches from, and the callbacks that it needs for that.

    Around a `PyDataset` Keras builds a pipeline of TensorFlow's with the tuner on, for whose thread the end of many an
    epoch waits; where there are few pictures, nearly as long as the epoch took. So TensorFlow gets a pipeline without
    it; other backends get the batches.
    """
    if keras.backend.backend() != "tensorflow":
        return batches, []
    import tensorflow as tf

    def epoch() -> Iterator[tuple[np.ndarray, ...]]:
        return (batches[number] for number in range(len(batches)))

    signature = tuple(tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in batches[0])
    options = tf.data.Options()
    options.autotune.enabled = False
    pipeline = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    pipeline = pipeline.apply(tf.data.experimental.assert_cardinality(len(batches)))
    turn = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: batches.on_epoch_end())
    return pipeline.prefetch(PREFETCHED).with_options(options), [turn]
