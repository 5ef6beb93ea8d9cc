"""New pictures: the upload, and the button that sends them to the networks."""

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core import jobs, predict, runs
from core.experiment import Experiment
from core.runs import State, Status
from pages import _shared, _upload_doors

TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff"]
MEGABYTES = 50  # of one picture: all of them are held in memory until they are sent


def about(experiment: Experiment) -> str:
    """What this screen is for."""
    return f"What does {experiment.base}, trained on {experiment.dataset_name}, say to pictures it has never seen?"


def show(experiment_id: str) -> None:
    """The uploader, the pictures that the zip brought without a label, and the screen's primary button."""
    uploaded = st.file_uploader(
        f"Pictures, at most {predict.MAX_PICTURES}",
        type=TYPES,
        accept_multiple_files=True,
        max_upload_size=MEGABYTES,
        key=f"pictures-{st.session_state.get('asked', 0)}",
    )
    is_pair = len(predict.scored_arms(experiment_id)) == 2
    pressed = _shared.primary(
        "Ask both networks" if is_pair else "Ask the network",
        key="ask",
        icon=":material/arrow_forward:",
        disabled=not uploaded,
        reason=None if uploaded else "Choose pictures first.",
    )
    if pressed:
        with _shared.errors():
            st.query_params["prediction"] = _submitted(experiment_id, uploaded)
            st.rerun()
    _offer(experiment_id)


def _offer(experiment_id: str) -> None:
    """The pictures of a part without labels: nobody needs to look for them again."""
    of = _shared.dataset()
    kept = of.unlabelled_paths if of else []
    if kept and st.button(
        f"Ask about {_shared.count(len(kept), 'picture')} of the zip without a label",
        key="ask_unlabelled",
        icon=":material/folder_zip:",
    ):
        with _shared.errors():
            prediction_id = predict.create(experiment_id, [(name, path.read_bytes()) for name, path in kept])
            jobs.submit_prediction(prediction_id)
            st.query_params["prediction"] = prediction_id
            st.rerun()


def progress(prediction_id: str) -> None:
    """How far the networks are, and the way to stop them."""
    directory = predict.directory(prediction_id)
    status = runs.read_status(directory) or Status()
    is_computing = status.state is State.SCORE and status.total > 0
    said = (
        f"Asking network {status.done + 1} of {status.total}" if is_computing else "Loading the networks, some seconds"
    )
    bar, stop = st.columns([5, 1], vertical_alignment="bottom")
    bar.progress((status.done + 0.5) / status.total if is_computing else 0.05, text=said)
    with stop.container(horizontal=True, horizontal_alignment="right"):
        st.button("Stop", key="stop", icon=":material/stop:", on_click=runs.request_stop, args=[directory])


def _submitted(experiment_id: str, uploaded: list[UploadedFile]) -> str:
    prediction_id = predict.create(experiment_id, [(each.name, each.getvalue()) for each in uploaded])
    jobs.submit_prediction(prediction_id)
    for each in uploaded:
        _upload_doors.free(each)
    st.session_state["asked"] = st.session_state.get("asked", 0) + 1  # an empty uploader next time
    return prediction_id
