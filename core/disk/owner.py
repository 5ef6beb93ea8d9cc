"""Who may start, stop and delete: whoever has the link under which it was made. All others see it, and no more.

A link is the `workspace` in the app's address. What the command line makes has none: nobody's link is its owner's.
"""

from pathlib import Path

from core.disk import record
from core.errors import InputError


def of_request(directory: Path) -> str:
    """The link under which a data set was uploaded or a prediction asked for."""
    return str(record.readable(directory / "request.json").get("workspace", ""))


def check(owner: str | None, workspace: str) -> None:
    """Let the owner pass, and everybody where there is nothing any more.

    Raises:
        InputError: It belongs to another link.
    """
    if owner not in (None, workspace):
        raise InputError("owner.another-link")
