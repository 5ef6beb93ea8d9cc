"""Compare: the verdict first, then what it rests on, what it cost, and what to take along."""

import streamlit as st

from core.disk.status import State
from core.display import progress
from core.display.progress import ArmProgress
from core.plan import predictions
from core.plan.experiment import Experiment
from core.report.report import Report
from pages._compare import details, history, matrices, scores
from pages._shared import address, curves, elements, notices, results, screen


def main() -> None:
    """The report on the experiment that the URL names, and the other experiments of this link."""
    experiment_id = address.identifier("experiment")
    experiment = address.experiment()
    if experiment_id is None or experiment is None:
        if not history.exist():
            notices.without_experiment("There is nothing to compare yet.")
        st.title("Open an experiment", anchor=False)
        history.show(None)
        return
    report = results.read(experiment_id, experiment)
    if report.arms:
        with st.container(gap="medium"):
            _report(experiment_id, experiment, report)
    else:
        st.title("There are no scores", anchor=False)
        _what_is_missing(experiment_id, report)
    with st.expander("Experiments of this link", key="history", icon=":material/history:"):
        history.show(experiment_id)
    if report.arms and elements.primary(
        "Try it on new pictures",
        key="predict",
        icon=":material/arrow_forward:",
        disabled=not predictions.scored_arms(experiment_id),
    ):
        st.switch_page("pages/predict.py")


def _report(experiment_id: str, experiment: Experiment, report: Report) -> None:
    with st.container():
        st.header(notices.plain(report.sentence), anchor=False)
        st.markdown(notices.plain(f"{report.margin} {report.basis}".strip()))
        if report.leak:
            st.markdown(f":red[:material/error: **{notices.plain(report.leak)}**]")
        for remark in report.remarks:
            st.markdown(f":orange[:material/warning:] {notices.plain(remark)}")
        _what_is_missing(experiment_id, report)
    with st.container():
        scores.accuracies(report)
    with st.container():
        matrices.show(experiment_id, report)
    with st.container():
        scores.by_class(report)
    with st.container():
        curves.show(experiment_id, experiment, progress.read(experiment_id), fits=True)
    with st.container():
        details.show(experiment_id, report)


def _what_is_missing(experiment_id: str, report: Report) -> None:
    """A line for each arm without scores: why, and where to see more."""
    if report.experiment.scratch is None:
        st.markdown(
            ":gray[This experiment has no from-scratch opponent, so there is nothing to compare transfer with.]"
        )
    waiting = [arm for arm in progress.read(experiment_id).arms if arm.arm not in report.arms]
    for arm in waiting:
        st.info(f"**{arm.label.text}** {notices.plain(_why(arm))}", icon=":material/info:")
    if waiting:
        st.page_link("pages/train.py", label="Go to Train", icon=":material/model_training:")


def _why(arm: ArmProgress) -> str:
    if not arm.is_over:
        return "is not finished yet."
    return f"{'failed' if arm.state is State.FAILED else 'has no scores'}. {arm.message}"


screen.begin()
with notices.errors():
    main()
