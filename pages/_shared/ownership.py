"""What only the link may do under which a thing was started, and what everybody else reads instead."""

import streamlit as st

from core.data import uploads
from pages._shared import address, elements


def workspace() -> str:
    """The link of who looks at the page."""
    return address.identifier("workspace") or ""


def is_mine(owner: str) -> bool:
    """Whether who looks at the page may stop and delete what belongs to this link."""
    return bool(owner) and owner == workspace()


def explain(owner: str, *, is_begun: bool = True) -> None:
    """Why there is no button here."""
    done, verb = ("Started", "stop") if is_begun else ("Made", "start")
    where, who = ("under another link", "its owner") if owner else ("on the command line", "whoever did")
    st.markdown(f":gray[{done} {where}: you see it, {who} can {verb} it.]")


def may_use(dataset_id: str) -> bool:
    """Whether who looks at the page may train on these pictures."""
    return uploads.may_use(dataset_id, workspace())


def explain_pictures() -> None:
    """Why nobody trains here, and how whoever looks at the page can."""
    st.markdown(
        ":gray[These pictures were uploaded under another link: you see them, and only that link trains on them. "
        "To train as well, upload the same zip, or use the sample; what you have chosen here stays.]"
    )
    if elements.primary("Bring pictures of your own", key="own_pictures", icon=":material/add_photo_alternate:"):
        address.set_identifier("dataset", None)
        st.switch_page("pages/upload.py")
