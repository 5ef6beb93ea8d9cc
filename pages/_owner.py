"""What only the link may do under which a thing was started, and what everybody else reads instead."""

import streamlit as st

from pages import _shared


def workspace() -> str:
    """The link of who looks at the page."""
    return _shared.identifier("workspace") or ""


def is_mine(owner: str) -> bool:
    """Whether who looks at the page may stop and delete what belongs to this link."""
    return bool(owner) and owner == workspace()


def explain(owner: str, *, is_begun: bool = True) -> None:
    """Why there is no button here."""
    done, verb = ("Started", "stop") if is_begun else ("Made", "start")
    where, who = ("under another link", "its owner") if owner else ("on the command line", "whoever did")
    st.markdown(f":gray[{done} {where}: you see it, {who} can {verb} it.]")
