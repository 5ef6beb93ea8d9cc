"""The router: page frame, top navigation, status line. Each screen is a file in `pages/`."""

import streamlit as st

from core.disk import home, space
from core.queue import jobs
from core.settings import ASSETS, ROOT
from pages import _shared, _shared_plot


@st.cache_resource(show_spinner=False)
def prepare_server() -> bool:
    """Once a server: plotly's script comes from this host. Whether it does."""
    return _shared_plot.place_script(ROOT / "static")


st.set_page_config(
    page_title="Headstart",
    page_icon=str(ASSETS / "icon.svg"),
    layout="wide",
    initial_sidebar_state=_shared.SIDEBAR_WIDTH,
)
st.logo(str(ASSETS / "logo.svg"), size="medium", icon_image=str(ASSETS / "icon.svg"))
with _shared.errors():
    st.session_state[_shared_plot.IS_SERVED] = prepare_server()
with _shared.errors(ends_page=True):
    home.make()
with _shared.errors():  # what is there can still be looked at
    space.check_writable()
    jobs.ensure_consumer()  # every time: one that was killed is replaced by the next click
page = st.navigation(_shared.pages(), position="top")
st.session_state[_shared.FRAMED] = True
_shared.style()
_shared.remember_identifiers()
_shared.say_refused()
with st.sidebar:
    _shared.status_line()
page.run()
