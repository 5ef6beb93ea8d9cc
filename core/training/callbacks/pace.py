"""Progress and pace of a fit are reported."""

import keras

from core.network.features import Stopwatch
from core.worker.writer import StatusWriter


class Pace(keras.callbacks.Callback):
    """Reports progress, and measures how fast a fit is without the building of its graphs.

    It alone serves all phases, as it counts through them: what it says of the time left speaks of all.
    """

    def __init__(self, report: StatusWriter, *, batch_size: int, n_train: int, total_steps: int) -> None:
        """Begin to count.

        Args:
            report: Told of the progress.
            batch_size: Training pictures a step.
            n_train: Training pictures an epoch.
            total_steps: Of all phases.
        """
        super().__init__()
        self._report, self._batch_size, self._n_train, self._total_steps = report, batch_size, n_train, total_steps
        self._watch = Stopwatch()
        self._steps, self._epochs, self._n_traced = 0, 0, 0
        self._before = 0  # steps before this epoch
        self._begun = 0.0  # seconds until what may build a graph
        self._traced: set[str] = set()  # what has built its graph in this phase
        self.tracing_seconds = 0.0  # of building graphs: the first step and the first validation of each phase

    def seconds(self) -> float:
        """Since it began to count."""
        return self._watch.seconds

    @property
    def rate(self) -> float:
        """Training pictures a second, validation included in the time."""
        return self._epochs * self._n_train / self._steady_seconds

    @property
    def _steady_seconds(self) -> float:
        return max(self._watch.seconds - self.tracing_seconds, 1e-6)

    def _note_tracing(self, what: str) -> None:
        if what not in self._traced:
            self._traced.add(what)
            self._n_traced += 1
            self.tracing_seconds += self._watch.seconds - self._begun

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """A phase begins, and with it the building of its graphs."""
        del logs
        self._begun = self._watch.seconds
        self._traced = set()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Count on from here."""
        del epoch, logs
        self._before = self._steps

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Report."""
        del logs
        self._note_tracing("fit")
        self._steps = self._before + batch + 1  # several at a time where the backend can
        steady = self._steps - self._n_traced
        rate = steady * self._batch_size / self._steady_seconds if steady > 0 else None
        left = (self._total_steps - self._steps) * self._steady_seconds / steady if steady > 0 else None
        self._report.progress(self._steps, self._total_steps, rate=rate, seconds_left=left)

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """The first validation of a phase builds a graph too."""
        del logs
        self._begun = self._watch.seconds

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """It is built by now."""
        del logs
        self._note_tracing("validation")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Count it."""
        del epoch, logs
        self._epochs += 1
