"""The choices of the configure page between two clicks: one key of the session each, and the experiment they make."""

from typing import Any

import streamlit as st

from core import host
from core.data.dataset import Dataset
from core.plan import bases, estimate, experiment, fitting
from core.plan.experiment import Experiment
from pages._shared import address


def key(name: str) -> str:
    """The session's key, and the widget's, of a choice."""
    return f"draft_{name}"


def of_base(name: str) -> str:
    """The name of a choice that each base has its own of."""
    return f"{name}_{get('base')}"


def kept(name: str) -> dict[str, Any]:
    """Options of a choice's widget: its key, and that its value outlives a change of page."""
    return {"key": key(name), "persist_state": "session"}


def get(name: str) -> Any:
    """A choice."""
    return st.session_state[key(name)]


def begin(of: Dataset, *, n_train: int) -> None:
    """Fill the choices once: from the experiment of the URL, or with the defaults of someone who changes nothing."""
    present, named = address.experiment(), address.identifier("experiment")
    source = named if present else "defaults"
    if st.session_state.get("draft_source") == source:
        return
    if present is None and "draft_source" in st.session_state:
        return  # another data set, the same person: what was chosen stays
    st.session_state["draft_source"] = source
    st.session_state.update({key(name): value for name, value in _values(present or _default(of, n_train)).items()})
    remember_base()
    st.rerun()  # the sidebar, drawn before, shows the base


def take(chosen: Experiment) -> None:
    """Make the choices those of `chosen`; to be called before a page's widgets are drawn, as in a button's callback."""
    st.session_state.update({key(name): value for name, value in _values(chosen).items()})


def keep_as(experiment_id: str) -> None:
    """Say that the choices are those of this experiment now."""
    st.session_state["draft_source"] = experiment_id


def remember_base() -> None:
    """Let the sidebar show the base."""
    st.session_state["base"] = get("base")


def experiment_of(of: Dataset) -> Experiment:
    """What the choices make.

    Raises:
        ExperimentError: They contradict each other.
    """
    fields = {
        "dataset": of.id,
        "dataset_name": of.name,
        "workspace": address.identifier("workspace") or "",
        "base": get("base"),
        "frozen_blocks": get(of_base("frozen_blocks")),
        "image_size": get(of_base("image_size")),
        "head": {
            "pooling": get("pooling"),
            "normalizes": get("normalizes"),
            "hidden": [get(f"units_{number}") for number in range(get("n_hidden"))],
            "dropout": get("dropout") / 100,
        },
        "training": {
            **{name: get(name) for name in ("epochs", "batch_size", "learning_rate", "optimizer", "class_weights")},
            "weight_decay": get("weight_decay"),
            "patience": get("patience") if get("stops_early") else None,
        },
        "augmentation": {
            "flip": get("flip"),
            "rotation_degrees": get("rotation"),
            "zoom": get("zoom") / 100,
            "brightness": get("brightness") / 100,
        },
        "views": get("views") or None,
        "opponent": _opponent() if get("has_opponent") else None,
        "seed": get("seed"),
    }
    return experiment.validated(fields)


def _opponent() -> dict[str, Any]:
    return {
        "epochs": get("opponent_epochs"),
        "learning_rate": get("opponent_learning_rate"),
        "patience": get("opponent_patience") if get("opponent_stops_early") else None,
        "batch_size": get("opponent_batch_size"),
        "image_size": get(of_base("opponent_image_size")),
    }


def _default(of: Dataset, n_train: int) -> Experiment:
    usual = experiment.default(of.id, has_gpu=host.device().has_gpu, n_train=n_train)
    if host.device().has_gpu:  # whose own memory is not asked for
        return usual
    limit = estimate.prudent_limit_bytes()
    fitted = fitting.batches_fitted(usual, limit_bytes=limit, n_train=n_train, n_validation=0, n_test=0)
    st.session_state["draft_fitted"] = fitting.changes(usual, fitted)
    return fitted


def _values(of: Experiment) -> dict[str, Any]:
    """The choices that make `of`; the other bases get their defaults."""
    training, augmentation = of.training, of.augmentation
    opponent = of.opponent or experiment.Opponent()
    units = dict(enumerate(of.head.hidden))
    values: dict[str, Any] = {
        "base": of.base,
        "pooling": of.head.pooling,
        "normalizes": of.head.normalizes,
        "n_hidden": len(of.head.hidden),
        **{f"units_{number}": units.get(number, 128) for number in range(experiment.MAX_HIDDEN)},
        "dropout": round(100 * of.head.dropout),
        "epochs": training.epochs,
        "batch_size": training.batch_size,
        "learning_rate": training.learning_rate,
        "optimizer": training.optimizer,
        "class_weights": training.class_weights,
        "weight_decay": training.weight_decay,
        "stops_early": training.patience is not None,
        "patience": training.patience or 10,
        "flip": augmentation.flip,
        "rotation": round(augmentation.rotation_degrees),
        "zoom": round(100 * augmentation.zoom),
        "brightness": round(100 * augmentation.brightness),
        "views": of.views or 0,
        "has_opponent": of.opponent is not None,
        "opponent_epochs": opponent.epochs,
        "opponent_learning_rate": opponent.learning_rate,
        "opponent_stops_early": opponent.patience is not None,
        "opponent_patience": opponent.patience or 10,
        "opponent_batch_size": opponent.batch_size,
        "seed": of.seed,
    }
    for name in bases.BASES:
        own = of if name == of.base else experiment.default(of.dataset, base=name, has_gpu=host.device().has_gpu)
        values[f"frozen_blocks_{name}"] = own.frozen_blocks
        values[f"image_size_{name}"] = own.image_size
        if own.opponent:
            values[f"opponent_image_size_{name}"] = own.opponent.image_size
        else:
            fresh = experiment.default(of.dataset, base=name, has_gpu=host.device().has_gpu)
            values[f"opponent_image_size_{name}"] = fresh.opponent.image_size if fresh.opponent else own.image_size
    return values
