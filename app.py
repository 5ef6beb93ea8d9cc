"""The router: page frame, top navigation, status line. Each screen is a file in `pages/`."""

import streamlit as st

from core.disk import home, space
from core.queue import presence
from core.settings import ASSETS, ROOT
from pages._shared import address, notices, plot, screen


@st.cache_resource(show_spinner=False)
def prepare_server() -> bool:
    """Once a server: plotly's script comes from this host. Whether it does."""
    return plot.place_script(ROOT / "static")


st.set_page_config(
    page_title="Headstart",
    page_icon=str(ASSETS / "icon.svg"),
    layout="wide",
    initial_sidebar_state=screen.SIDEBAR_WIDTH,
)
st.logo(str(ASSETS / "logo.svg"), size="medium", icon_image=str(ASSETS / "icon.svg"))
with notices.errors():
    st.session_state[plot.IS_SERVED] = prepare_server()
with notices.errors(ends_page=True):
    home.make()
with notices.errors():  # what is there can still be looked at
    space.check_writable()
    presence.ensure_consumer()  # every time: one that was killed is replaced by the next click
page = st.navigation(screen.pages(), position="top")
st.session_state[screen.FRAMED] = True
screen.style()
address.remember_identifiers()
notices.say_refused()
with st.sidebar:
    screen.status_line()
    screen.share()
page.run()
