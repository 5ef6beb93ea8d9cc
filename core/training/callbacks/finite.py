"""A loss that is not finite is refused."""

import math

import keras

from core.errors import RunError


class RefuseInfinite(keras.callbacks.Callback):
    """Ends a fit whose loss is not a number any more: nothing that follows would mean anything."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Look at both losses.

        Raises:
            RunError: One is infinite or not a number.
        """
        logs = logs or {}
        for loss in (logs["loss"], logs["val_loss"]):
            if not math.isfinite(loss):
                raise RunError("run.no-loss", loss=str(loss), epoch=epoch + 1)
