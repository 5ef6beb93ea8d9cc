"""New pictures: the upload, and the button that sends them to the networks."""

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.disk import owner
from core.disk.files import removed_on_failure
from core.disk.status import State, Status, read_status
from core.plan import predictions
from core.plan.experiment import Experiment
from core.queue import jobs, presence
from core.words.numbers import count
from pages._shared import address, elements, notices, ownership

MEGABYTES = 50  # of one picture: all of them are held in memory until they are sent


def about(experiment: Experiment) -> str:
    """What this screen is for."""
    return f"What does {experiment.lead.base}, trained on {experiment.dataset_name}, say to pictures it has never seen?"


def show(experiment_id: str) -> None:
    """The uploader, the pictures that the zip brought without a label, and the screen's primary button."""
    uploaded = st.file_uploader(
        f"Pictures, at most {predictions.MAX_PICTURES}",
        accept_multiple_files=True,
        max_upload_size=MEGABYTES,
        key=f"pictures-{st.session_state.get('asked', 0)}",
    )
    is_pair = len(predictions.scored_arms(experiment_id)) == 2
    pressed = elements.primary(
        "Ask both networks" if is_pair else "Ask the network",
        key="ask",
        icon=":material/arrow_forward:",
        disabled=not uploaded,
        reason=None if uploaded else "Choose pictures first.",
    )
    if pressed:
        with notices.errors():
            st.query_params["prediction"] = _submit(experiment_id, uploaded)
            st.rerun()
    _offer(experiment_id)


def _offer(experiment_id: str) -> None:
    """The pictures of a part without labels: nobody needs to look for them again."""
    of = address.dataset()
    kept = of.unlabelled_paths if of else []
    if kept and st.button(
        f"Ask about {count(len(kept), 'picture')} of the zip without a label",
        key="ask_unlabelled",
        icon=":material/folder_zip:",
    ):
        with notices.errors():
            files = [(name, path.read_bytes()) for name, path in kept]
            st.query_params["prediction"] = _create(experiment_id, files)
            st.rerun()


def progress(prediction_id: str) -> None:
    """How far the pictures and the networks are, and for who asked them the way to stop them."""
    presence.ensure_consumer()  # one that was killed is replaced
    directory, asked = predictions.directory(prediction_id), predictions.request(prediction_id)
    share, said = _said(read_status(directory) or Status())
    bar, stop = st.columns([5, 1], vertical_alignment="bottom")
    bar.progress(share, text=said)
    if asked:
        st.markdown(f":gray[{notices.plain(', '.join(asked['names']))}]")
    asker = owner.of_request(directory)
    if not ownership.is_mine(asker):
        ownership.explain(asker)
        return
    own = [directory, ownership.workspace()]
    with stop.container(horizontal=True, horizontal_alignment="right"):
        st.button("Stop", key="stop", icon=":material/stop:", on_click=notices.shown(jobs.stop_request), args=own)


def _said(status: Status) -> tuple[float, str]:
    """The share that is done, as far as a bar can say, and what is being done."""
    if status.state is State.SCORE and status.total:
        return (status.done + 0.5) / status.total, f"Asking network {status.done + 1} of {status.total}"
    if status.state is State.QUEUED:
        return 0.0, "Waiting for a free place; others are served first"
    if status.done < status.total:
        return 0.05, f"Reading picture {status.done + 1} of {status.total}"
    return 0.05, "Loading the networks, some seconds"


def _create(experiment_id: str, files: list[tuple[str, bytes]]) -> str:
    """Id of the prediction that is waiting now."""
    prediction_id = predictions.create(experiment_id, files, ownership.workspace())
    with removed_on_failure(predictions.directory(prediction_id)):
        jobs.submit_prediction(prediction_id)
    return prediction_id


def _submit(experiment_id: str, uploaded: list[UploadedFile]) -> str:
    files = [(each.name, each.getvalue()) for each in uploaded]
    prediction_id = _create(experiment_id, files)
    for each in uploaded:
        elements.free(each)
    st.session_state["asked"] = st.session_state.get("asked", 0) + 1  # an empty uploader next time
    return prediction_id
