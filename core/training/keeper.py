"""The callback of a fit: reports, keeps the best epoch, re-estimates BatchNorm, stops early or as asked."""

import math
from pathlib import Path

import keras
import numpy as np

from core.disk.files import write_whole
from core.disk.status import append_metrics
from core.errors import RunError, StopRequested
from core.network import batchnorm, features
from core.network.batches import Rows
from core.network.model import Network
from core.training.arm import Run

REESTIMATION_PICTURES = 512


class Keeper(keras.callbacks.Callback):
    """Reports, keeps the best epoch's weights, re-estimates BatchNorm from scratch, stops early or when asked."""

    def __init__(self, job: Run, network: Network, rows: Rows, *, total_steps: int) -> None:
        """Count through all phases: one keeper serves them all."""
        super().__init__()
        self.phase = 1
        self._job, self._network, self._rows = job, network, rows
        self._total_steps, self._steps, self._epochs = total_steps, 0, 0
        self._before = 0  # steps before this epoch
        self._watch = features.Stopwatch()
        self.tracing_seconds = 0.0  # of building graphs: the first step and the first validation of each phase
        self._traced: set[tuple[int, str]] = set()
        self._begun = 0.0
        self._best, self._waited = math.inf, 0
        self._reestimation = batchnorm.Reestimation(network.model) if job.arm.is_scratch else None

    @property
    def rate(self) -> float:
        """Training pictures a second, validation included in the time."""
        return self._epochs * len(self._rows.labels) / self._steady_seconds

    @property
    def _steady_seconds(self) -> float:
        return max(self._watch.seconds - self.tracing_seconds, 1e-6)

    def _note_tracing(self, what: str) -> None:
        if (self.phase, what) not in self._traced:
            self._traced.add((self.phase, what))
            self.tracing_seconds += self._watch.seconds - self._begun

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """A phase begins, and with it the building of its graph; how long the last one waited is no matter of it."""
        del logs
        self._begun = self._watch.seconds
        self._waited = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Count on from here."""
        del epoch, logs
        self._before = self._steps

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Report, and leave the fit if asked to."""
        del logs
        self._leave_if_stopped()
        self._note_tracing("fit")
        self._steps = self._before + batch + 1  # several at a time where the backend can
        steady = self._steps - len(self._traced)
        rate = steady * self._job.training.batch_size / self._steady_seconds if steady > 0 else None
        left = (self._total_steps - self._steps) * self._steady_seconds / steady if steady > 0 else None
        self._job.report.progress(self._steps, self._total_steps, rate=rate, seconds_left=left)

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Before each validation: curve, early stopping and score then speak of the same network."""
        del logs
        self._begun = self._watch.seconds
        if self._reestimation:
            pixels = self._rows.first(REESTIMATION_PICTURES)
            self._reestimation.run(pixels, batch_size=self._job.training.batch_size)

    def on_test_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Leave the fit if asked to."""
        del batch, logs
        self._leave_if_stopped()

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """The first validation of a phase built a graph too."""
        del logs
        self._note_tracing("validation")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the epoch's line, keep it if it is the best, stop if none was better for too long."""
        del epoch
        logs = logs or {}
        self._epochs += 1
        for loss in (logs["loss"], logs["val_loss"]):
            if not math.isfinite(loss):
                raise RunError(
                    f"Expected a finite loss; found {loss} in epoch {self._epochs}. Lower the learning rate."
                )
        append_metrics(self._job.directory, phase=self.phase, epoch=self._epochs, seconds=self._watch.seconds, **logs)
        if logs["val_loss"] < self._best:
            self._best, self._waited = logs["val_loss"], 0
            _save_best(self._job, self._network, self._epochs)
            return
        self._waited += 1
        patience = self._job.training.patience
        is_last_phase = self.phase == len(self._job.arm.phases)
        if patience and is_last_phase and self._waited >= patience:
            self.model.stop_training = True

    def _leave_if_stopped(self) -> None:
        if self._job.is_stopped():
            raise StopRequested("Stopped during the fit.")


def _save_best(job: Run, network: Network, epoch: int) -> None:
    arrays = [value for layer in changing_layers(network) for value in layer.get_weights()]

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, np.array(epoch), *arrays)

    write_whole(job.best_path, write)


def load_best(job: Run, network: Network) -> int:
    """Give the network the weights of its best epoch, and return that epoch's number."""
    with np.load(job.best_path) as stored:
        arrays = [stored[name] for name in stored.files]
    epoch = int(arrays.pop(0))
    for layer in changing_layers(network):
        layer.set_weights([arrays.pop(0) for _ in layer.weights])
    return epoch


def changing_layers(network: Network) -> list[keras.Layer]:
    """The layers that may differ from how they began."""
    frozen = {id(layer) for layer in network.frozen_layers}
    return [layer for layer in network.model.layers if layer.weights and id(layer) not in frozen]
