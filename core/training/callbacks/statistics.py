"""BatchNorm's statistics are re-estimated."""

import keras

from core.network.batches import Rows
from core.network.batchnorm import Reestimation

PICTURES = 512


class ReestimateStatistics(keras.callbacks.Callback):
    """Re-estimates them before each validation: curve, early stopping and score then speak of the same network."""

    def __init__(self, reestimation: Reestimation, rows: Rows, *, batch_size: int) -> None:
        """Estimate nothing yet.

        Args:
            reestimation: Of the network, which may be built once for all phases.
            rows: What the network is trained on.
            batch_size: Of the training.
        """
        super().__init__()
        self._reestimation, self._rows, self._batch_size = reestimation, rows, batch_size

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Write them into the network."""
        del logs
        self._reestimation.run(self._rows.first(PICTURES), batch_size=self._batch_size)
