"""Files written whole: beside themselves and then moved into place, so that a reader never sees half of one."""

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the consumer and the children's first status need no frames: pandas is 60 MB and half a second
    import pandas as pd


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then move it into place at once."""
    own = f"{os.getpid()}-{threading.get_native_id()}"  # two threads may write the same file
    partial = path.with_name(f".{path.name}.{own}.partial")
    try:
        write(partial)
        partial.replace(path)
    except BaseException:
        with suppress(OSError):  # of a read-only disk, on which there is none
            partial.unlink(missing_ok=True)
        raise


@contextmanager
def new_directory(directory: Path) -> Iterator[None]:
    """Make a new directory, which is gone again if the block fails."""
    directory.mkdir(parents=True)
    with removed_on_failure(directory):
        yield


@contextmanager
def removed_on_failure(directory: Path) -> Iterator[None]:
    """Remove a directory if the block fails: what should become of it will not."""
    try:
        yield
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def remove_partial(directory: Path) -> None:
    """Remove what a process that was killed has left beside its files. Nobody may be writing there."""
    for path in directory.glob(".*.partial"):
        path.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Write `value` as JSON, whole."""
    write_whole(path, lambda partial: partial.write_text(json.dumps(value, indent=1), encoding="utf-8"))


def write_frame(path: Path, frame: "pd.DataFrame") -> None:
    """Write a frame as parquet, whole."""
    write_whole(path, lambda partial: frame.to_parquet(partial, index=False))
