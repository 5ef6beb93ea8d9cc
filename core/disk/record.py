"""Files of the home folder read back. What a power failure or somebody's hand has damaged is said in a sentence.

Whoever cannot go on without a file uses `read_object`, `read_as` and `read_frame`, which raise that sentence. Who looks
through the files of everybody uses `readable`: what is damaged is no reason to keep the others waiting. A file that is
not there at all is an error like any other until somebody must be told of it, by `gone`.
"""

import errno
import json
import os
from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from core.disk import home
from core.errors import DamagedError
from core.words.said import Said, say

if TYPE_CHECKING:  # see `files`
    import pandas as pd

Model = TypeVar("Model", bound=BaseModel)


def read_json(path: Path) -> Any:
    """The JSON value in `path`, or None without the file.

    Raises:
        DamagedError: It holds none.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise damaged(path, error) from None


def read_object(path: Path, keys: Sequence[str] = ()) -> dict[str, Any] | None:
    """The JSON object in `path`, which has these keys at least, or None without the file.

    Raises:
        DamagedError: It holds none.
    """
    value = read_json(path)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise damaged(path, say("damage.something-else"))
    _refuse_without(keys, value, path)
    return value


def _refuse_without(wanted: Sequence[str], found: Container[str], path: Path) -> None:
    if missing := [name for name in wanted if name not in found]:
        raise damaged(path, say("damage.lacks", key=missing[0]))


def readable(path: Path) -> dict[str, Any]:
    """The JSON object in `path`, or an empty one where there is none that can be read."""
    try:
        return read_object(path) or {}
    except DamagedError:
        return {}


def read_as(model: type[Model], path: Path) -> Model | None:
    """What `path` says as a frozen value, or None without the file.

    Raises:
        DamagedError: It says something else.
    """
    value = read_json(path)
    try:
        return None if value is None else model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        said = f"it has no '{place}'" if first["type"] == "missing" else f"{place}: {first['msg']}".removeprefix(": ")
        raise damaged(path, ValueError(said)) from None


def read_frame(path: Path, columns: Sequence[str] = ()) -> "pd.DataFrame":
    """The frame in `path`, which has these columns at least.

    Raises:
        DamagedError: It is no parquet file, or not a whole one, or not the one that Headstart wrote.
        FileNotFoundError: There is no such file.
    """
    gone = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))  # pandas does not say where it looked
    if not path.exists():  # asked first, as pandas is 34 MB
        raise gone
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except FileNotFoundError:
        raise gone from None
    except (ValueError, OSError) as error:  # as pyarrow raises them
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise damaged(path, error) from None
    _refuse_without(columns, frame, path)
    return frame


def gone(error: BaseException) -> DamagedError | None:
    """What to say of an error that a file of the home folder has caused that is not there; None for others."""
    if not isinstance(error, FileNotFoundError) or not isinstance(error.filename, str | os.PathLike):
        return None
    path = Path(error.filename).absolute()
    if not path.is_relative_to(home.folder().absolute()):
        return None
    return DamagedError("file.gone", path=path)


def damaged(path: Path, why: Exception | Said) -> DamagedError:
    """The error for a file, or a folder, that cannot be read as Headstart wrote it."""
    reason: str | Said = why if isinstance(why, Said) else (str(why).splitlines() or [type(why).__name__])[0]
    return DamagedError("file.damaged", path=path.absolute(), reason=reason)
