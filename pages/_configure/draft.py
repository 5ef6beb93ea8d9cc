"""The choices of the configure page between two clicks: one key of the session each, and the experiment they make."""

from typing import Any

import streamlit as st

from core import host
from core.data.dataset import Dataset
from core.plan import bases, defaults, estimate, experiment, fitting
from core.plan.arm import MAX_HIDDEN, Arm, ArmKind, beside
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
    transfer = _transfer()
    arms = [transfer, *([beside(transfer, _own())] if get("has_opponent") else [])]
    workspace = address.identifier("workspace") or ""
    return experiment.validated({"dataset": of.id, "dataset_name": of.name, "workspace": workspace, "arms": arms})


def _transfer() -> dict[str, Any]:
    """The fields of the transfer arm."""
    return {
        "name": "transfer",
        "kind": ArmKind.TRANSFER,
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
        "seed": get("seed"),
    }


def _own() -> dict[str, Any]:
    """What the from-scratch arm has of its own."""
    return {
        "epochs": get("opponent_epochs"),
        "learning_rate": get("opponent_learning_rate"),
        "patience": get("opponent_patience") if get("opponent_stops_early") else None,
        "batch_size": get("opponent_batch_size"),
        "image_size": get(of_base("opponent_image_size")),
    }


def _default(of: Dataset, n_train: int) -> Experiment:
    usual = defaults.experiment(of.id, has_gpu=host.device().has_gpu, n_train=n_train)
    if host.device().has_gpu:  # whose own memory is not asked for
        return usual
    limit = estimate.prudent_limit_bytes()
    fitted = fitting.batches_fitted(usual, limit_bytes=limit, n_train=n_train, n_validation=0, n_test=0)
    st.session_state["draft_fitted"] = fitting.changes(usual, fitted)
    return fitted


def _values(of: Experiment) -> dict[str, Any]:
    """The choices that make `of`; the other bases get their defaults."""
    lead, head, training, augmentation = of.lead, of.lead.head, of.lead.training, of.lead.augmentation
    scratch = of.scratch or _usual(ArmKind.SCRATCH, lead.base)
    units = dict(enumerate(head.hidden))
    values: dict[str, Any] = {
        "base": lead.base,
        "pooling": head.pooling,
        "normalizes": head.normalizes,
        "n_hidden": len(head.hidden),
        **{f"units_{number}": units.get(number, 128) for number in range(MAX_HIDDEN)},
        "dropout": round(100 * head.dropout),
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
        "views": lead.views or 0,
        "has_opponent": of.scratch is not None,
        "opponent_epochs": scratch.training.epochs,
        "opponent_learning_rate": scratch.training.learning_rate,
        "opponent_stops_early": scratch.training.patience is not None,
        "opponent_patience": scratch.training.patience or 10,
        "opponent_batch_size": scratch.training.batch_size,
        "seed": lead.seed,
    }
    for name in bases.BASES:
        is_own = name == lead.base
        transfer = lead if is_own else _usual(ArmKind.TRANSFER, name)
        opponent = scratch if is_own else _usual(ArmKind.SCRATCH, name)
        values[f"frozen_blocks_{name}"] = transfer.frozen_blocks
        values[f"image_size_{name}"] = transfer.image_size
        values[f"opponent_image_size_{name}"] = opponent.image_size
    return values


def _usual(kind: ArmKind, base: str) -> Arm:
    return defaults.arm(kind, base=base, has_gpu=host.device().has_gpu)
