"""The scores of an experiment, read again only when its files have changed."""

import streamlit as st

from core.disk.home import arm_directory
from core.plan.experiment import Experiment
from core.report import report
from core.report.report import Report

Stamp = tuple[tuple[int, int], ...]


def read(experiment_id: str, experiment: Experiment) -> Report:
    """What is known of the experiment by now."""
    stamps = tuple(_stamp(experiment_id, arm.name) for arm in experiment.arms)
    return _read(experiment_id, stamps)


def _stamp(experiment_id: str, arm: str) -> tuple[int, int]:
    """Of the file that is written last of an arm's scores."""
    try:
        found = (arm_directory(experiment_id, arm) / "arm.json").stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


@st.cache_resource(max_entries=16, show_spinner=False)
def _read(experiment_id: str, stamps: Stamp) -> Report:  # noqa: ARG001 - the stamps are the cache's key
    return report.read(experiment_id)
