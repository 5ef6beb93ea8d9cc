"""A fit that gets no better is stopped."""

import math

import keras


class StopEarly(keras.callbacks.Callback):
    """Stops after so many epochs without a lower validation loss.

    Keras's `EarlyStopping` does not count an epoch that is better than those of this phase, though no better than those
    of the phases before; here it counts.
    """

    def __init__(self, patience: int, *, baseline: float = math.inf) -> None:
        """Wait for nothing yet.

        Args:
            patience: So many epochs.
            baseline: The lowest validation loss of the phases before.
        """
        super().__init__()
        self._patience, self._baseline = patience, baseline
        self._best, self._waited = baseline, 0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """How long the phases before have waited is no matter of this one."""
        del logs
        self._best, self._waited = self._baseline, 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Wait, or no longer."""
        del epoch
        loss = (logs or {})["val_loss"]
        if loss < self._best:
            self._best, self._waited = loss, 0
            return
        self._waited += 1
        if self._waited >= self._patience:
            self.model.stop_training = True
