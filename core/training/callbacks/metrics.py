"""Each epoch's metrics are written."""

from collections.abc import Callable
from pathlib import Path

import keras

from core.disk.status import append_metrics


class WriteMetrics(keras.callbacks.Callback):
    """Adds a line to metrics.jsonl at the end of each epoch."""

    def __init__(self, directory: Path, *, phase: int, seconds: Callable[[], float]) -> None:
        """Write nothing yet.

        Args:
            directory: Of the arm.
            phase: Which one this is, from 1.
            seconds: How long the fit has taken so far, the phases before included.
        """
        super().__init__()
        self._directory, self._phase, self._seconds = directory, phase, seconds

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the line."""
        append_metrics(self._directory, phase=self._phase, epoch=epoch + 1, seconds=self._seconds(), **(logs or {}))
