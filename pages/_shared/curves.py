"""Loss and accuracy of both arms while they grow."""

import streamlit as st

from core.disk.home import arm_directory
from core.disk.status import read_metrics
from core.display import palette
from core.display.charts import curves
from core.display.palette import ArmLook
from core.display.progress import Standing
from core.plan.experiment import Experiment
from pages._shared import elements, results
from pages._shared.plot import plot

AXES: dict[curves.Axis, str] = {"epoch": "Epochs", "seconds": "Seconds"}
METRICS: tuple[curves.Metric, ...] = ("loss", "accuracy")
GLOSS = (
    "Epoch: one pass over all training pictures. Solid line: training pictures. Dashed line with markers: validation."
)


def show(experiment_id: str, experiment: Experiment, standing: Standing, *, fits: bool = False) -> None:
    """Both figures beside each other; nothing where everything ended before the first epoch did.

    The axis of epochs reaches to the last one that may come, so that it stands still; or just to the last one that
    came, if it `fits`.
    """
    looks = palette.looks(experiment.arms)
    metrics = {look: read_metrics(arm_directory(experiment_id, name)) for name, look in looks.items()}
    if standing.is_over and all(frame.empty for frame in metrics.values()):
        return
    scored = results.read(experiment_id, experiment).arms
    best = {looks[name]: one.facts.best_epoch for name, one in scored.items()}
    axis = _axis()
    longest = max(arm.training.epochs for arm in experiment.arms)
    limit = longest if axis == "epoch" and not fits else None
    st.html(f'<div class="legend" aria-hidden="true">{"".join(map(_legend, looks.values()))}</div>')
    for column, metric in zip(st.columns(2, gap="medium"), METRICS, strict=True):
        with column:
            figure = curves.curves(metrics, metric=metric, x=axis, best=best, x_limit=limit)
            figure.update_layout(showlegend=False, margin_t=40)  # one legend for both figures, above them
            text = curves.describe_curves(metrics, metric=metric)
            plot(figure, key=f"curve_{metric}", text=text, revision=f"{experiment_id} {axis}")
            elements.table(curves.curves_frame(metrics, metric=metric), key=f"curve_{metric}")


def _legend(look: ArmLook) -> str:
    colour, name = look.colour, look.short
    solid = f'<i style="border-top: 2px solid {colour}"></i>'
    dashed = f'<i style="border-top: 2px dashed {colour}"><u style="background: {colour}"></u></i>'
    return f"<span>{solid}{name}, training</span><span>{dashed}{name}, validation</span>"


def _axis() -> curves.Axis:
    title, choice = st.columns([2, 1], vertical_alignment="bottom")
    title.subheader("Learning curves", anchor=False, help=GLOSS)
    with choice.container(horizontal=True, horizontal_alignment="right"):
        return st.segmented_control(
            "Curves over",
            list(AXES),
            default="epoch",
            required=True,
            format_func=AXES.__getitem__,
            key="axis",
            label_visibility="collapsed",
        )
