"""Predict: new pictures, and what both networks say to them."""

import streamlit as st

from core.disk.status import read_status
from core.errors import InputError
from core.tasks import predict
from pages import _predict_answers, _predict_upload, _shared

POLL_SECONDS = 0.5


def main() -> None:
    """Pictures in; then the answers of the prediction that the URL names."""
    experiment_id, experiment = _shared.identifier("experiment"), _shared.experiment()
    if experiment_id is None or experiment is None:
        _shared.missing("There is no trained network to ask yet.", page="configure", label="Go to Configure")
    if not predict.scored_arms(experiment_id):
        _shared.missing("No network of this experiment is trained yet.", page="train", label="Go to Train")
    st.title("Try new pictures", anchor=False)
    st.markdown(f":gray[{_shared.plain(_predict_upload.about(experiment))}]")
    _predict_upload.show(experiment_id)
    prediction_id = _named(experiment_id)
    if prediction_id:
        _prediction(prediction_id)


def _named(experiment_id: str) -> str | None:
    """The prediction of this experiment that the URL names."""
    named = st.query_params.get("prediction")
    try:
        asked = predict.request(named) if named else None
    except InputError:
        return None
    return named if asked and asked["experiment"] == experiment_id else None


def _prediction(prediction_id: str) -> None:
    """Its progress while the networks compute, then their answers."""
    if _is_over(prediction_id):
        _predict_answers.show(prediction_id)
        return

    @st.fragment(run_every=POLL_SECONDS)
    @_shared.errors()
    def live() -> None:
        _shared.say_refused()
        if _is_over(prediction_id):
            st.rerun()
        _predict_upload.progress(prediction_id)

    live()


def _is_over(prediction_id: str) -> bool:
    status = read_status(predict.directory(prediction_id))
    return status is None or status.state.is_final


_shared.begin()
with _shared.errors():
    main()
