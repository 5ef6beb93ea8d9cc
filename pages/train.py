"""Train: both arms at work, live; what they came to; what went wrong."""

import streamlit as st

from core.display import progress
from core.display.progress import Standing
from core.plan.experiment import Experiment
from core.queue import jobs
from pages._shared import address, curves, elements, notices, ownership, results, screen
from pages._train import arms

POLL_SECONDS = 1.0


def main() -> None:
    """The experiment that the URL names, from its place in the queue to its end."""
    experiment_id = address.identifier("experiment")
    experiment = address.experiment()
    if experiment_id is None or experiment is None:
        notices.without_experiment("Nothing is in training yet.")
    before = progress.read(experiment_id)

    # The browser's timer runs only while there is something to see; the last tick lays the page out without it.
    @st.fragment(run_every=None if before.is_over or not before.is_submitted else POLL_SECONDS)
    @notices.errors()
    def live() -> None:
        notices.say_refused()
        if address.experiment() is None:  # deleted in another tab
            st.rerun()
        now = progress.read(experiment_id)
        if (now.is_over, now.is_submitted) != (before.is_over, before.is_submitted):
            st.rerun()
        arms.show(experiment_id, experiment, now)
        curves.show(experiment_id, experiment, now)

    live()
    _next(experiment_id, experiment, before)


def _next(experiment_id: str, experiment: Experiment, standing: Standing) -> None:
    """The primary button: start what waits, or go on to what came out."""
    if not standing.is_submitted:
        if ownership.is_mine(experiment.workspace) and elements.primary(
            "Train both" if len(standing.arms) == 2 else "Train", key="train"
        ):
            with notices.errors():
                jobs.submit_experiment(experiment_id, ownership.workspace())
                st.rerun()
        return
    n_scored = len(results.read(experiment_id, experiment).arms)
    if standing.is_over and n_scored == 0:
        if elements.primary("Change the settings", key="again", icon=":material/tune:"):
            st.switch_page("pages/configure.py")
        return
    is_pair = n_scored == 2 or (len(standing.arms) == 2 and not standing.is_over)
    label = "Compare the two" if is_pair else "See the result"
    if elements.primary(
        label,
        key="compare",
        icon=":material/arrow_forward:",
        disabled=not standing.is_over,
        reason=None if standing.is_over else "Ready when the training is done.",
    ):
        st.switch_page("pages/compare.py")


screen.begin()
with notices.errors():
    main()
