"""Configure, right column: both networks, what they train, how long and how large; measured where that is unknown."""

import hashlib
import math
import time
from contextlib import suppress
from pathlib import Path

import streamlit as st

from core.data.dataset import Dataset
from core.data.split import Split
from core.disk import home
from core.disk.files import write_json
from core.disk.status import State, read_status, request_stop
from core.display import diagram, palette
from core.errors import ResourceError
from core.plan import estimate, fitting
from core.plan.estimate import Estimate
from core.plan.experiment import Experiment
from core.queue import jobs, presence
from core.words.numbers import duration, gigabytes
from pages._configure import augmentation
from pages._shared import notices, thumbnails

POLL_SECONDS = 1.0
SETTLED_SECONDS = 1.5  # without a change, before a probe is worth starting
THUMBNAIL_SIDE = 88  # px, for 44 on a sharp screen


def show(chosen: Experiment, of: Dataset, split: Split, *, is_measured: bool) -> None:
    """Draw both arms; while something is measured, once a second. Nothing is unless it `is_measured`."""
    is_waiting = is_measured and bool(estimate.missing(chosen))
    st.fragment(_live, run_every=POLL_SECONDS if is_waiting else None)(chosen, of, split, is_waiting)


def _live(chosen: Experiment, of: Dataset, split: Split, was_waiting: bool) -> None:
    if was_waiting and not estimate.missing(chosen):
        st.rerun()
    estimates = _estimates(chosen, split)
    is_measuring = was_waiting and _measure(chosen, len(of.classes))
    looks = palette.looks(chosen.arms)
    picture = thumbnails.stretched(augmentation.previewed(of), THUMBNAIL_SIDE)
    for arm in chosen.arms:
        facts = _facts(estimates[arm.name], is_measuring=is_measuring)
        with st.container(border=True, key=f"network_{arm.name}"):
            card = diagram.card(arm, looks[arm.name], classes=of.classes, picture=picture, facts=facts)
            st.html(card)


def _estimates(chosen: Experiment, split: Split) -> dict[str, Estimate]:
    return estimate.estimate(chosen, **_counts(split))


def refusal(chosen: Experiment, split: Split) -> str | None:
    """Why this host cannot run it, or None."""
    try:
        estimate.check_memory(chosen, _estimates(chosen, split))
    except ResourceError as error:
        return str(error)
    return None


def fitted(chosen: Experiment, split: Split) -> Experiment | None:
    """The nearest choices that fit into this host's memory, or None."""
    return fitting.fitted(chosen, limit_bytes=estimate.memory_limit_bytes(), **_counts(split))


def _counts(split: Split) -> dict[str, int]:
    counts = split.frame["part"].value_counts()
    return {f"n_{part}": int(counts[part]) for part in ("train", "validation", "test")}


def _facts(one: Estimate, *, is_measuring: bool) -> dict[str, str]:
    unknown = "measuring …" if is_measuring else "not known yet"
    seconds = unknown if one.seconds is None else f"about {duration(one.seconds)}"
    return {"Time": seconds, "Memory": f"about {gigabytes(one.memory_bytes)}"}


def _measure(chosen: Experiment, n_classes: int) -> bool:
    """Start a probe once the choices have settled; returns whether one runs or soon will."""
    wanted, probe = estimate.missing(chosen), st.session_state.get("probe")
    if jobs.queue_length():
        return False  # a probe would slow the training down, and measure the wrong thing
    if probe is None or not set(wanted) <= set(probe["wanted"]):  # fewer: one arm of the two is measured already
        end_probe()
        probe = st.session_state["probe"] = {"wanted": wanted, "since": time.monotonic(), "directory": None}
    if probe["directory"]:
        status = read_status(probe["directory"])
        if status is None or not status.state.is_final:
            presence.ensure_consumer()  # one that was killed is replaced
            return status is not None
        if status.state is not State.DONE or set(wanted) == set(probe["wanted"]):
            return False  # it could not measure anything
        probe |= {"wanted": wanted, "directory": None}  # it had time for one arm: another measures the other
    if time.monotonic() - probe["since"] >= SETTLED_SECONDS:
        probe["since"] = math.inf  # once: where it cannot be begun, the next try would fail as well
        with notices.errors():
            probe["directory"] = _start_probe(chosen, n_classes, wanted)
    return probe["directory"] is not None or probe["since"] < math.inf


def _start_probe(chosen: Experiment, n_classes: int, wanted: tuple[str, ...]) -> Path:
    """One directory for what is wanted, so that two pages that want the same share its probe."""
    directory = home.probe_directory(hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:32])
    directory.mkdir(parents=True, exist_ok=True)
    write_json(directory / "request.json", {"experiment": chosen.model_dump(mode="json"), "n_classes": n_classes})
    jobs.submit_probe(directory)
    return directory


def end_probe() -> None:
    """Stop the probe of choices that have changed, or one that would stand in a training's way."""
    probe = st.session_state.pop("probe", None)
    if probe and probe["directory"]:
        with suppress(FileNotFoundError):  # it is over for so long that it was removed
            request_stop(probe["directory"])
