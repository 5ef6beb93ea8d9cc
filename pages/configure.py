"""Configure: the choices on the left, what they make on the right, and the button that trains it."""

import streamlit as st

from core.data import uploads
from core.data.dataset import Dataset
from core.data.split import Split
from core.disk.files import removed_on_failure
from core.disk.home import experiment_directory
from core.errors import SplitError
from core.plan import fitting
from core.plan.experiment import Experiment
from core.plan.experiments import create_experiment
from core.queue import jobs
from pages._configure import augmentation, base, draft, head, summary, training
from pages._shared import address, elements, notices, ownership, parts, screen


def main() -> None:
    """The whole page, or what is missing for it."""
    of = address.dataset()
    if of is None:
        notices.without_pictures()
    try:
        split = parts.current_split(of)
    except SplitError as error:
        notices.missing(notices.plain(str(error)), page="upload", label="Go to Upload")
    draft.begin(of, n_train=_n_train(split))
    with notices.errors():
        _set_up(parts.with_split(draft.experiment_of(of), of), of, split)


def _set_up(chosen: Experiment, of: Dataset, split: Split) -> None:
    st.title("Set up the comparison", anchor=False)
    st.markdown(":gray[The defaults suit most pictures. Press the button, or change what you like.]")
    left, right = st.columns([3, 2], gap="large")
    with left:
        _choices(chosen, of, split)
    with right, st.container(key="summary"):
        refusal = _refusal(chosen, split)
        is_mine = ownership.may_use(of.id)
        summary.show(chosen, of, split, is_measured=is_mine)
        if is_mine:
            _start(chosen, split, is_refused=refusal is not None)
        else:
            ownership.explain_pictures()


def _choices(chosen: Experiment, of: Dataset, split: Split) -> None:
    base.choose(chosen.lead)
    base.freeze(chosen.lead)
    head.choose(chosen.lead, len(of.classes))
    training.choose_training(chosen.lead)
    augmentation.choose(chosen.lead, of, n_train=_n_train(split))
    training.choose_opponent(chosen.scratch)


def _n_train(split: Split) -> int:
    return int((split.frame["part"] == "train").sum())


def _refusal(chosen: Experiment, split: Split) -> str | None:
    """Why it cannot be trained here, and the way out: above the networks, for below them a low window ends."""
    refusal = summary.refusal(chosen, split)
    if refusal:
        st.error(notices.plain(refusal), icon=":material/memory:")
        _way_out(chosen, split)
    return refusal


def _start(chosen: Experiment, split: Split, *, is_refused: bool) -> None:
    if fitted := st.session_state.get("draft_fitted"):
        st.caption(f"This host has little memory, so the defaults are a little smaller: {', '.join(fitted)}.")
    label = "Train both" if chosen.scratch else "Train"
    if elements.primary(label, key="train", icon=":material/play_arrow:", disabled=is_refused):
        with notices.errors():
            summary.end_probe()
            uploads.check_use(chosen.dataset, ownership.workspace())
            with uploads.held(chosen.dataset):
                experiment_id = create_experiment(chosen, split.frame)
            with removed_on_failure(experiment_directory(experiment_id)):
                jobs.submit_experiment(experiment_id, ownership.workspace())
            draft.keep_as(experiment_id)
            address.set_identifier("experiment", experiment_id)
            st.switch_page("pages/train.py")


def _way_out(chosen: Experiment, split: Split) -> None:
    """What would fit into this host's memory, at a press; the words say what it changes."""
    nearest = summary.fitted(chosen, split)
    if nearest is None:
        st.markdown("No choice of this page makes it fit. Train on a host with more memory, or with a smaller base.")
        return
    st.markdown(f"What would fit: {', '.join(fitting.changes(chosen, nearest))}.")
    st.button("Make it fit", key="fit_host", icon=":material/compress:", on_click=draft.take, args=[nearest])


screen.begin()
main()
