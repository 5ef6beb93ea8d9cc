"""A process that has already imported Keras and waits to become an arm's. `python -m core.tasks.standby`

Importing TensorFlow takes seconds, and it does not depend on what will be trained. So this process does it beforehand
and then reads one line from its standard input, the order: from there on it is the run that `python -m
core.tasks.train` would have been, in every respect. It holds nothing of a GPU before, for only the order says which one
is its own. When its input ends without an order, as it does when the process that started it dies, it ends at once.
"""

import json
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from core import host, identity
from core.disk.files import write_json
from core.queue.standby import Order
from core.settings import MEBIBYTE, settings
from core.worker import process

CONVERTING_BYTES = 300 * MEBIBYTE  # what it takes for a moment to convert a network beforehand


def main(arguments: list[str]) -> int:
    """Import everything, wait for the order, carry it out. Returns its exit code."""
    from core.tasks import train  # no Keras yet

    note = _Note(Path(arguments[0]) if arguments else None)
    loading = threading.Thread(target=_load, args=[note], daemon=True)
    loading.start()
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        _leave()
    order: Order = json.loads(line)
    if os.getppid() != order["parent"]:
        _leave()
    note.remove()
    _become(order, loading)
    return train.main(order["arguments"], loaded=loading.join)


class _Note:
    """The file by which others see that this process is ready and still waits. Two threads write it."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._lock = path, threading.Lock()

    @property
    def is_wanted(self) -> bool:
        return self._path is not None

    def write(self) -> None:
        with self._lock:
            if self._path:
                write_json(self._path, identity.own().model_dump())

    def remove(self) -> None:
        """For good: it does not wait any more."""
        with self._lock:
            if self._path:
                self._path.unlink(missing_ok=True)
                self._path = None


def _load(note: _Note) -> None:
    """What a run imports, wherever it does so first."""
    import gc

    import pyarrow.parquet  # noqa: F401 (for pandas, when it reads the split)

    with process.without("sklearn"):
        from core.training import run  # noqa: F401 (what `tasks.train` will import)
    with suppress(Exception, SystemExit):  # one that is broken may raise anything; the run that needs it says so
        import openvino  # noqa: F401 (for the frozen part, where this platform has it)
    gc.collect()
    gc.freeze()  # what is there now stays: looking through it again and again would cost a run 0.1 s
    with suppress(OSError):  # on a full disk nobody sees that it is ready
        note.write()
    has_memory = host.available_bytes() > settings().standby_min_free_bytes + CONVERTING_BYTES
    if note.is_wanted and has_memory:  # nobody has given an order meanwhile
        threading.Thread(target=_convert, daemon=True).start()


def _convert() -> None:
    """An idle host makes the first run on the usual base quicker."""
    from core.errors import HeadstartError
    from core.training import inputs

    with suppress(HeadstartError, OSError, RuntimeError):  # OpenVINO raises the last
        inputs.convert_ahead()


def _become(order: Order, loading: threading.Thread) -> None:
    """Take on the environment, the input and the output that the run would have been started with."""
    if any(os.environ.get(name) != value for name, value in order["environment"].items()):
        loading.join()  # libraries read the environment, without a lock, while they are imported
        os.environ.update(order["environment"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for source, targets in ((nothing, (0,)), (log, (1, 2))):
        for target in targets:
            os.dup2(source, target)
        os.close(source)


def _leave() -> NoReturn:
    os._exit(process.ORPHANED)  # at once, in the midst of an import as well


if __name__ == "__main__":
    sys.exit(process.carried_out(main, sys.argv[1:]))
