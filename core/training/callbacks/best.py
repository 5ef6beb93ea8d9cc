"""The best epoch's weights are kept."""

import math
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from core.disk.files import write_whole


class KeepBest(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the lowest validation loss in a file, each time that it is one."""

    def __init__(self, path: Path, layers: Sequence[keras.Layer], *, baseline: float = math.inf) -> None:
        """Keep nothing yet.

        Args:
            path: Of the file, which `load` reads.
            layers: Whose weights.
            baseline: The lowest validation loss of the phases before.
        """
        super().__init__()
        self.best = baseline
        self._path, self._layers, self._baseline = path, layers, baseline

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """What was kept before is as good as the baseline."""
        del logs
        self.best = self._baseline

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep this one, if it is the best."""
        loss = (logs or {})["val_loss"]
        if loss < self.best:
            self.best = loss
            _save(self._path, self._layers, epoch + 1)


def _save(path: Path, layers: Sequence[keras.Layer], epoch: int) -> None:
    arrays = [value for layer in layers for value in layer.get_weights()]

    def write(partial: Path) -> None:
        with partial.open("wb") as file:
            np.savez(file, np.array(epoch), *arrays)

    write_whole(path, write)


def load(path: Path, layers: Sequence[keras.Layer]) -> int:
    """Give the layers the weights of the best epoch, and return that epoch's number."""
    with np.load(path) as stored:
        arrays = [stored[name] for name in stored.files]
    epoch = int(arrays.pop(0))
    for layer in layers:
        layer.set_weights([arrays.pop(0) for _ in layer.weights])
    return epoch
