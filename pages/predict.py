"""Predict: new pictures, and what both networks say to them."""

import streamlit as st

from core.disk.status import read_status
from core.errors import InputError
from core.plan import predictions
from pages._predict import answers, upload
from pages._shared import address, notices, screen

POLL_SECONDS = 0.5


def main() -> None:
    """Pictures in; then the answers of the prediction that the URL names."""
    experiment_id, experiment = address.identifier("experiment"), address.experiment()
    if experiment_id is None or experiment is None:
        notices.without_experiment("There is no trained network to ask yet.")
    if not predictions.scored_arms(experiment_id):
        notices.missing("No network of this experiment is trained yet.", page="train", label="Go to Train")
    st.title("Try new pictures", anchor=False)
    st.markdown(f":gray[{notices.plain(upload.about(experiment))}]")
    upload.show(experiment_id)
    prediction_id = _named(experiment_id)
    if prediction_id:
        _prediction(prediction_id)


def _named(experiment_id: str) -> str | None:
    """The prediction of this experiment that the URL names."""
    named = st.query_params.get("prediction")
    try:
        asked = predictions.request(named) if named else None
    except InputError:
        return None
    return named if asked and asked["experiment"] == experiment_id else None


def _prediction(prediction_id: str) -> None:
    """Its progress while the networks compute, then their answers."""
    if _is_over(prediction_id):
        answers.show(prediction_id)
        return

    @st.fragment(run_every=POLL_SECONDS)
    @notices.errors()
    def live() -> None:
        notices.say_refused()
        if _is_over(prediction_id):
            st.rerun()
        upload.progress(prediction_id)

    live()


def _is_over(prediction_id: str) -> bool:
    status = read_status(predictions.directory(prediction_id))
    return status is None or status.state.is_final


screen.begin()
with notices.errors():
    main()
