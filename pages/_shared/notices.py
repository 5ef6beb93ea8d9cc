"""What a page says of errors, and what it shows where something is missing."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import streamlit as st

from core.data import uploads
from core.disk import record, space
from core.errors import HeadstartError
from pages._shared import address


def plain(text: str) -> str:
    """`text` with Markdown's signs escaped: names come from the user's files."""
    return re.sub(r"([\\`*_{}\[\]()#+\-!|<>$~:])", r"\\\1", text)


@contextmanager
def errors(*, ends_page: bool = False) -> Iterator[None]:
    """Show what somebody can mend, a full disk too, as a message; the rest of the `with` block is skipped.

    Args:
        ends_page: The rest of the page is skipped as well.
    """
    try:
        yield
    except Exception as error:
        _error(_refusal(error))
        if ends_page:
            st.stop()


def shown(action: Callable[..., object]) -> Callable[..., None]:
    """`action` as a button's callback: what somebody can mend is shown by `say_refused` in the run that follows."""

    def run(*arguments: Any) -> None:
        try:
            action(*arguments)
        except Exception as error:
            st.session_state["refused"] = _refusal(error)

    return run


def say_refused() -> None:
    """Say why the last press of a button did nothing, if it was so."""
    if said := st.session_state.pop("refused", None):
        _error(said)


def _refusal(error: Exception) -> str:
    """What somebody can mend in words; raises the rest again."""
    said = error if isinstance(error, HeadstartError) else space.refusal(error) or record.gone(error)
    if said is None:
        raise error
    return str(said)


def _error(said: str) -> None:
    st.error(plain(said), icon=":material/error:")


def without_pictures() -> NoReturn:
    """The calm screen of a page that needs pictures, where the address names none or some that are gone."""
    what = uploads.gone() if address.identifier("dataset") else "Choose pictures first."
    missing(what, page="upload", label="Go to Upload")


def without_experiment(what: str) -> NoReturn:
    """The calm screen of a page that needs an experiment: which step is missing, or that what the link names is gone.

    Args:
        what: A sentence for who has pictures and no experiment: "Nothing is in training yet."
    """
    has_pictures = address.dataset() is not None
    if address.identifier("experiment"):
        what = "This experiment is not here any more: it was deleted, or its link is of another host."
    elif not has_pictures:
        what = f"{what} Choose pictures first."
    page = "configure" if has_pictures else "upload"
    missing(what, page=page, label=f"Go to {page.capitalize()}")


def missing(what: str, *, page: str, label: str) -> NoReturn:
    """A calm screen that says what is missing, with a link to the page where it comes from; ends the page.

    Args:
        what: A sentence: "Choose pictures first."
        page: Name of a page: "upload".
        label: What the link says: "Go to Upload".
    """
    with st.container(key="empty"):
        st.markdown(f"##### {what}")
        st.page_link(f"pages/{page}.py", label=label, icon=":material/arrow_forward:", icon_position="right")
    st.stop()
