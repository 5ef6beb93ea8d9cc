"""What the part that trains sees: cached outputs of the frozen part, or pixels where there are none to keep."""

import threading
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from core.disk.status import State
from core.errors import EngineError, HeadstartError
from core.network import engine, features, loading, model
from core.network.batches import Pictures, Rows
from core.network.decoded import View
from core.network.engine import EngineChoice
from core.network.features import Frozen
from core.network.model import Network
from core.plan import bases, defaults, facts, weights
from core.plan.arm import ArmKind
from core.plan.facts import Built, Prepared
from core.training.arm import Run
from core.words.said import Said, say

READING = say("run.reading")
TOO_LARGE = say("run.too-large")
NO_OPENVINO = say("run.no-openvino")


@dataclass(frozen=True)
class Inputs:
    """Rows of each part, and the network's layer behind which they come in."""

    rows: dict[str, Rows]
    frontier: str | None  # None: the rows are pixels
    frozen: Frozen | None


def frozen_part(job: Run, network: Network, known: Built) -> Frozen | None:
    """The part of an arm that never changes, or None where nothing is frozen."""
    prefix, _ = model.cut(network.model, network.frontier)
    if prefix is None or known.weights_sha256 is None:
        return None
    frozen = Frozen(prefix, job.arm.base, known.weights_sha256, network.frontier_words)
    if isinstance(known, Prepared) and known.openvino_failure:  # before this process began anew
        frozen.give_up(EngineError(known.openvino_failure))
    return frozen


def prepare(job: Run, network: Network, parts: dict[str, Pictures], known: Built) -> tuple[Inputs, Prepared]:
    """Bring every picture as far as it stays the same for the whole run; and what is known by then.

    Raises:
        StopRequested: The user asked to stop.
        ResourceError: The disk is too full.
    """
    watch = features.Stopwatch()
    frozen = frozen_part(job, network, known)
    job.report.enter(State.FEATURES)
    n_views = job.arm.n_views(len(parts["train"]))
    n_rows = n_views * len(parts["train"]) + len(parts["validation"]) + len(parts["test"])
    computed = _Computed()
    if frozen is not None and features.fits(frozen, n_rows):
        rows, computed = _computed(job, frozen, parts, n_views)
        inputs = Inputs(rows, network.frontier, frozen)
    else:
        inputs = Inputs(_pixels(job, parts, READING if frozen is None else TOO_LARGE), None, None)
    return inputs, facts.then(
        Prepared,
        known,
        seconds=known.seconds.model_copy(update={"features": watch.seconds}),
        views=n_views if inputs.frozen else None,
        features_engine=computed.engine,
        features_rate=computed.rate,
        openvino_failure=computed.failure,
    )


@dataclass(frozen=True)
class _Computed:
    """What the frozen part's outputs were computed by, and how fast."""

    engine: str | None = None
    failure: Said | None = None  # of OpenVINO
    rate: float | None = None  # None: all of it was in the cache


def _computed(job: Run, frozen: Frozen, parts: dict[str, Pictures], n_views: int) -> tuple[dict[str, Rows], _Computed]:
    views = [view for part, pictures in parts.items() for view in _views(part, pictures, n_views)]
    rates: list[float] = []
    engines: list[str] = []

    def told(chosen: EngineChoice) -> None:
        engines.append(chosen.label)
        job.report.tell(engine=chosen.label, said=frozen.failure or (None if engine.is_quick() else NO_OPENVINO))

    def progress(done: int, total: int, rate: float | None) -> None:
        job.report.progress(done, total, rate=rate)
        if rate:
            rates.append(rate)

    augmentation = job.arm.augmentation
    values, places = features.compute(
        frozen,
        views,
        augmentation=augmentation,
        precision=engine.fast_precision(),
        progress=progress,
        told=told,
        stopped=job.is_stopped,
    )
    rows = {}
    for part, pictures in parts.items():
        own, places = np.split(places, [len(_views(part, pictures, n_views))])
        rows[part] = Rows(values, own.reshape(len(pictures), -1), pictures.labels)
    failure = engine.failure(frozen.facts)
    return rows, _Computed(engines[-1] if engines else None, failure, rates[-1] if rates else None)


def _views(part: str, pictures: Pictures, n_views: int) -> list[View]:
    return features.views_of(pictures, n_views if part == "train" else 1)


def _pixels(job: Run, parts: dict[str, Pictures], said: Said) -> dict[str, Rows]:
    rows = {}
    for part, pictures in parts.items():
        job.report.enter(State.FEATURES, said)
        read = features.read_pixels(
            pictures,
            job.image_size,
            progress=lambda done, total, rate: job.report.progress(done, total, rate=rate),
            stopped=job.is_stopped,
        )
        is_training = part == "train"
        rows[part] = replace(read, augmentation=job.arm.augmentation) if is_training else read
    return rows


def quick(job: Run, frozen: Frozen, pictures: Pictures) -> Rows:
    """The frozen part's outputs as the fit saw them: in the cache, unless somebody needed its room.

    Raises:
        StopRequested: The user asked to stop.
    """
    views = features.views_of(pictures, 1)
    values, places = features.compute(frozen, views, precision=engine.fast_precision(), stopped=job.is_stopped)
    return Rows(values, places[:, None], pictures.labels)


def exact(job: Run, frozen: Frozen, pictures: Pictures) -> np.ndarray:
    """The frozen part's outputs as Keras computes them, within 1e-5, shape (n, …), float32: what scores are made of.

    Raises:
        StopRequested: The user asked to stop.
    """
    values, places = features.compute(
        frozen, features.views_of(pictures, 1), precision="float32", stopped=job.is_stopped
    )
    return np.asarray(values[places])


def convert_ahead() -> None:
    """Convert the network that most people begin with, unless that was done before; two seconds less for the first run.

    Raises:
        HeadstartError: Its weights are not to be had, or OpenVINO fails.
    """
    chosen = defaults.arm(ArmKind.TRANSFER)
    row = bases.base(chosen.base)
    path = weights.find(row)
    if path is None or not engine.is_openvino() or engine.was_converted(row.name):
        return
    with model.DRAWING:
        network = model.build_for(chosen, n_classes=2)
    loading.load_base_weights(network, path)
    prefix, _ = model.cut(network.model, network.frontier)
    if prefix is not None:
        frozen = Frozen(prefix, row.name, weights.sha256(path), network.frontier_words)
        frozen.open(frozen.choose(engine.fast_precision()))  # a failure is not kept in mind: a run tries it anew


class Beside:
    """Computes in a thread, while the head is fitted and saved, what scoring will find in the cache."""

    def __init__(self, job: Run, frozen: Frozen | None, pictures: Pictures) -> None:
        """Begin, where there is a frozen part and its quick outputs are not the exact ones."""
        self._job, self._frozen, self._pictures = job, frozen, pictures
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="exact", daemon=True)
        if frozen is not None and self._differs(frozen):
            self._thread.start()

    @staticmethod
    def _differs(frozen: Frozen) -> bool:
        """Whether the quick outputs are OpenVINO's and not the exact ones; Keras would be in the fit's way."""
        chosen = frozen.choose(engine.fast_precision())
        return chosen.is_openvino and chosen.precision != "float32"

    def join(self) -> None:
        """Wait until it is done."""
        if self._thread.ident is not None:
            self._thread.join()

    def leave(self) -> None:
        """End it where it is, if it is not done: a process must not end with it at work."""
        self._is_over = True
        self.join()

    def _run(self) -> None:
        def stopped() -> bool:
            is_failed = self._frozen is None or not self._frozen.choose("float32").is_openvino
            return self._is_over or is_failed or self._job.is_stopped()

        with suppress(HeadstartError, OSError):  # scoring computes what is missing, and says what is wrong
            if self._frozen is not None:
                views = features.views_of(self._pictures, 1)
                features.compute(self._frozen, views, precision="float32", stopped=stopped)
