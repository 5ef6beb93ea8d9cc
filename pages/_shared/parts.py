"""The split of the present data set: what was chosen, and what came of it."""

import streamlit as st

from core.data import split as splits
from core.data.dataset import Dataset
from core.data.split import Fractions, Split, SplitChoice
from core.plan.experiment import Experiment
from core.plan.splits import choice as drawn_by
from pages._shared import address


def choose_split(choice: SplitChoice) -> None:
    """Keep a choice of split for the present data set until the experiment is created."""
    st.session_state["split_choice"] = choice
    st.session_state["split_dataset"] = address.identifier("dataset")


def split_choice(of: Dataset) -> SplitChoice:
    """The present choice of split: seed 1 and all as usual unless the user asked otherwise."""
    if st.session_state.get("split_dataset") != of.id:
        shown = address.experiment()  # a link names an experiment: what is changed next keeps its split
        return drawn_by(shown) if shown and shown.dataset == of.id else SplitChoice()
    chosen: SplitChoice = st.session_state["split_choice"]
    return chosen


def current_split(of: Dataset) -> Split:
    """The split of `of` by the present choice."""
    return _split(of, fingerprint=f"{of.id} {of.fingerprint}", choice=split_choice(of))


def with_split(chosen: Experiment, of: Dataset) -> Experiment:
    """The experiment with the present split's facts in it, so that it can be drawn again."""
    facts = split_choice(of).facts | {"split_fingerprint": current_split(of).fingerprint}
    return chosen.model_copy(update=facts)


def split_fractions(of: Dataset) -> Fractions:
    """The fractions that were asked for, or the default ones; a split follows them as well as whole pictures allow."""
    return split_choice(of).fractions or splits.default_fractions(len(of.pictures))


@st.cache_resource(max_entries=32, show_spinner=False)
def _split(_of: Dataset, *, fingerprint: str, choice: SplitChoice) -> Split:  # noqa: ARG001 - the key
    return splits.split(_of, choice=choice)
