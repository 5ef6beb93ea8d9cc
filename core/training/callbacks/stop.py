"""A fit that the user stops is left."""

from collections.abc import Callable

import keras

from core.errors import StopRequested


class StopAsAsked(keras.callbacks.Callback):
    """Leaves the fit after the present batch, of training or of validation, once a stop was asked for."""

    def __init__(self, is_asked: Callable[[], bool]) -> None:
        """Look whether it `is_asked`, which must be cheap."""
        super().__init__()
        self._is_asked = is_asked

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Leave the fit if asked to.

        Raises:
            StopRequested: It was asked for.
        """
        del batch, logs
        if self._is_asked():
            raise StopRequested("run.left-fit")

    def on_test_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Leave the fit if asked to.

        Raises:
            StopRequested: It was asked for.
        """
        self.on_train_batch_end(batch, logs)
