"""Both arms side by side: state, progress, stop; the result as soon as there is one; what went wrong."""

import streamlit as st

from core.disk.status import State
from core.display import palette, progress
from core.display.palette import ArmLook
from core.display.progress import ArmProgress, Standing
from core.plan.experiment import Experiment
from core.plan.experiments import read_split
from core.queue import jobs
from pages._shared import notices, ownership, results


def show(experiment_id: str, experiment: Experiment, standing: Standing) -> None:
    """Title, a card an arm, and under them what failed."""
    is_mine = ownership.is_mine(experiment.workspace)
    may_stop = standing.is_running and is_mine
    title, stop = st.columns([4, 1], vertical_alignment="bottom")
    with title:
        st.title(standing.title, anchor=False)
        said = progress.describe(experiment, read_split(experiment_id))
        st.markdown(f":gray[{notices.plain(said)}]")
        if not standing.is_over and not is_mine:
            ownership.explain(experiment.workspace, is_begun=standing.is_submitted)
    with stop.container(horizontal=True, horizontal_alignment="right", key="stop_all_place"):
        if may_stop and len(standing.arms) > 1:
            own = [experiment_id, ownership.workspace()]
            stop_all = notices.shown(jobs.stop_all)
            st.button("Stop all", key="stop_all", icon=":material/stop:", on_click=stop_all, args=own)
    scored = results.read(experiment_id, experiment).arms
    looks = palette.looks(experiment.arms)
    columns = st.columns(max(2, len(standing.arms)), gap="medium")
    for column, arm in zip(columns, standing.arms, strict=False):
        with column:
            _card(experiment_id, looks[arm.arm], progress.outcome(arm, scored.get(arm.arm)), may_stop=may_stop)
    for arm in standing.arms:
        if arm.state is State.FAILED:
            _failure(experiment_id, arm)


def _card(experiment_id: str, look: ArmLook, arm: ArmProgress, *, may_stop: bool) -> None:
    with st.container(border=True, height="stretch", key=f"arm_{arm.arm}", gap="xsmall"):
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key=f"head_{arm.arm}"
        ):
            square = f'<span style="color:{look.colour}" aria-hidden="true">■</span>'
            st.html(f'<b class="arm">{square} {look.label}</b>', width="content")
            if may_stop and not arm.is_over:
                _stop(experiment_id, arm)
        st.progress(arm.share, text=arm.title)
        st.caption("  \n".join(" · ".join(line) for line in (arm.details, arm.place)))


def _stop(experiment_id: str, arm: ArmProgress) -> None:
    is_waiting = arm.is_stopping and arm.state is not State.SCORE  # while it answers, a further stop leaves no scores
    st.button(
        f"Stop {arm.label.in_a_sentence}",
        key=f"stop_{arm.arm}",
        icon=":material/stop:",
        disabled=is_waiting,
        on_click=notices.shown(jobs.stop_arm),
        args=[experiment_id, arm.arm, ownership.workspace()],
        help="Ends without scores." if arm.state is State.SCORE else "Keeps and scores the best epoch so far.",
    )


def _failure(experiment_id: str, arm: ArmProgress) -> None:
    st.error(f"**{arm.label.text} failed.** {notices.plain(arm.message)}", icon=":material/error:")
    title = f"Log, the last {progress.LOG_LINES} lines"
    with st.expander(title, key=f"log_{arm.arm}"), st.container(height=320, border=False, autoscroll=True):
        st.code(progress.log(experiment_id, arm.arm) or "The process printed nothing.", language=None)
