"""The ways in: the sample, or a zip of one's own; and the wait while it is read."""

from itertools import groupby
from zipfile import ZipFile

import streamlit as st
from PIL import Image
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.data import ingest, uploads
from core.disk import owner
from core.disk.files import removed_on_failure
from core.disk.home import dataset_directory
from core.disk.status import State, Status, read_status, stop_requests
from core.queue import jobs, presence
from core.settings import SAMPLE, settings
from core.words.numbers import duration, two_digits
from pages._shared import address, elements, notices, ownership
from pages._shared.thumbnails import square_of

POLL_SECONDS = 0.5
NOT_KEPT = (
    "On this host nothing is kept: the app sleeps after 12 hours without visitors and begins anew with an empty disk. "
    "Download on Compare what you want to keep."
)
PREVIEWED = (2, 6, 9)  # of each class of the sample
TREE = """\
my-pictures.zip
├── cat
│   ├── tom.jpg
│   └── …
├── dog
│   ├── rex.jpg
│   └── …
└── …"""
OTHER_SHAPES = """\
**Folders `train` and `test`** (and `validation`, if you like) with the class folders inside:
your own split is kept.

**A table** as CSV or TSV, with a column for the pictures' names and one for the labels.

**File names** that begin with the label: `cat.0.jpg`, `Abyssinian_12.jpg`.

**Zips of these** in the zip, one level deep. What was understood is shown, and can be changed.
"""


def doors(named: str | None, status: Status | None) -> None:
    """Both doors, under a word on what became of the pictures that the URL names, if it names some."""
    st.title("What is transfer learning worth on your pictures?", anchor=False)
    st.markdown(
        ":gray[Two networks learn the same classes: one starts from a pretrained network, one from scratch. "
        "You see which is better, and by how much. No picture leaves the machine that runs this app.]"
    )
    _outcome(named, status)
    left, right = st.columns(2, gap="medium")
    with left.container(border=True, height="stretch", key="sample_door"):
        _sample()
    with right.container(border=True, height="stretch", key="zip_door"):
        _zip()
    if not settings().profile.keeps_files:
        st.caption(NOT_KEPT)


def _outcome(named: str | None, status: Status | None) -> None:
    if status and status.state is State.FAILED:
        st.error(f"**These pictures cannot be used.** {notices.plain(status.message)}", icon=":material/error:")
    elif status and status.state is State.STOPPED:
        st.info("Stopped. Nothing was kept of these pictures.", icon=":material/info:")
    elif named:
        st.info(uploads.gone(), icon=":material/info:")


def _sample() -> None:
    st.subheader("Use the sample", anchor=False)
    st.markdown("167 photographs in five classes: birds, flowers, fruit, mammals and vegetables. Ready in seconds.")
    st.html(f'<div class="mosaic">{_preview()}</div>')
    with st.container(height="stretch", vertical_alignment="bottom"):
        if elements.primary("Use the sample", key="sample", icon=":material/arrow_forward:"):
            with notices.errors():
                _open(ingest.create(SAMPLE, "Sample", workspace=ownership.workspace()))


@st.cache_resource(show_spinner=False)
def _preview() -> str:
    """A few pictures of each class of the sample, a column a class, as HTML."""
    with ZipFile(SAMPLE) as packed:
        names = sorted(packed.namelist())
        columns = [list(group) for _, group in groupby(names, key=lambda name: name.split("/")[-2])]
        return "".join(_previewed(packed, column[place]) for place in PREVIEWED for column in columns)


def _previewed(packed: ZipFile, name: str) -> str:
    with packed.open(name) as file, Image.open(file) as picture:
        return square_of(picture, name)


def _zip() -> None:
    st.subheader("Upload a zip", anchor=False)
    st.markdown("One folder for each class, with its pictures inside (JPEG, PNG, HEIC, WebP, AVIF, TIFF and others):")
    st.code(TREE, language=None)
    with st.popover("Other shapes that work", type="tertiary", icon=":material/folder_zip:"):
        st.markdown(OTHER_SHAPES)
    uploaded = st.file_uploader(
        "Zip file with your pictures",
        type="zip",
        key=f"zip-{st.session_state.get('uploads', 0)}",
        label_visibility="collapsed",
        max_upload_size=_upload_megabytes(),
    )
    if uploaded is not None:
        with notices.errors():
            _open(_kept(uploaded))


def _upload_megabytes() -> int:
    """The setting, but no more than the server takes."""
    most = int(st.get_option("server.maxUploadSize"))
    return min(settings().max_upload_megabytes or most, most)


def _kept(uploaded: UploadedFile) -> str:
    """Id of the data set that now has the upload on disk; memory has it no more, even if the disk was full."""
    try:
        return ingest.create(uploaded, uploaded.name, workspace=ownership.workspace())
    finally:
        elements.free(uploaded)
        st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1  # an empty widget next time


def _open(dataset_id: str) -> None:
    with removed_on_failure(dataset_directory(dataset_id)):
        jobs.submit_ingest(dataset_id)
    address.set_identifier("dataset", dataset_id)
    st.rerun()


def progress(dataset_id: str) -> None:
    """The wait: how many pictures are read, how long it takes, and for who brought them a way out."""
    st.title("Reading your pictures", anchor=False)
    st.fragment(_progress, run_every=POLL_SECONDS)(dataset_id)


@notices.errors()
def _progress(dataset_id: str) -> None:
    presence.ensure_consumer()  # one that was killed is replaced
    directory = dataset_directory(dataset_id)
    status = read_status(directory)
    if status is None or status.state.is_final:
        st.rerun()
    is_stopping = stop_requests(directory) > 0
    share = status.done / status.total if status.total else 0.0
    st.progress(min(share, 1.0), text="Stopping" if is_stopping else said(status))
    bringer = owner.of_request(directory)
    if not ownership.is_mine(bringer):
        ownership.explain(bringer)
        return
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Stop", key="stop_reading", icon=":material/stop_circle:", disabled=is_stopping):
            jobs.stop_request(directory, ownership.workspace())
            st.rerun(scope="fragment")


def said(status: Status) -> str:
    """How far the reading is: pictures, how quick, how long it will take."""
    if status.state is State.QUEUED:
        return "Waiting for a free place; other pictures are read first"
    if not status.total:
        return "Opening the zip"
    parts = [f"{status.done:,} of {status.total:,} pictures"]
    if status.rate:
        parts.append(f"{two_digits(status.rate)} a second")
    if status.seconds_left is not None and status.seconds_left >= 1:
        parts.append(f"about {duration(status.seconds_left)} left")
    return " · ".join(parts)
