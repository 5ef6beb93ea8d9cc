"""The router: page frame, top navigation, status line. Each screen is a file in `pages/`."""

import shutil
from pathlib import Path

import plotly
import streamlit as st

from core import disk, jobs
from core.runs import write_whole
from core.settings import ASSETS, ROOT
from pages import _shared


@st.cache_resource(show_spinner=False)
def prepare_server() -> None:
    """Once a server: plotly's script comes from this host."""
    source = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    target = ROOT / "static" / "plotly.min.js"
    if not target.exists() or target.stat().st_size != source.stat().st_size:
        write_whole(target, lambda partial: shutil.copyfile(source, partial))


st.set_page_config(
    page_title="Headstart",
    page_icon=str(ASSETS / "icon.svg"),
    layout="wide",
    initial_sidebar_state=_shared.SIDEBAR_WIDTH,
)
st.logo(str(ASSETS / "logo.svg"), size="medium", icon_image=str(ASSETS / "icon.svg"))
with _shared.errors():
    prepare_server()
with _shared.errors():  # what is there can still be looked at
    disk.check_writable()
    jobs.ensure_consumer()  # every time: one that was killed is replaced by the next click
page = st.navigation(_shared.pages(), position="top")
st.session_state[_shared.FRAMED] = True
_shared.style()
_shared.remember_identifiers()
_shared.say_refused()
with st.sidebar:
    _shared.status_line()
page.run()
