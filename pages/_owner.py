"""What only the link may do under which a thing was started, and what everybody else reads instead."""

import streamlit as st

from pages import _shared


def workspace() -> str:
    """The link of who looks at the page."""
    return _shared.identifier("workspace") or ""


def is_mine(owner: str) -> bool:
    """Whether who looks at the page may stop and delete what belongs to this link."""
    return bool(owner) and owner == workspace()


def explain(owner: str, *, verb: str = "stop") -> None:
    """Why there is no button here."""
    said = (
        f"Started under another link: you see it, its owner can {verb} it."
        if owner
        else f"Started on the command line: you see it, and can {verb} it there."
    )
    st.markdown(f":gray[{said}]")
