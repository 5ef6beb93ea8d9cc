"""A base's weights are fetched. `python -m core.tasks.fetch BASE`"""

import sys
import time

from core.disk import space
from core.disk.status import State, write_status
from core.errors import HeadstartError, StopRequested
from core.plan import bases
from core.plan.weights import directory, fetch, sha256
from core.words.said import say
from core.worker import process


def main(arguments: list[str]) -> int:
    """Fetch one base's weights as a process of its own that reports in its `directory`. Returns the exit code."""
    base, begun = bases.base(arguments[0]), time.monotonic()
    place = directory(base.name)
    place.mkdir(parents=True, exist_ok=True)
    status = process.started().model_copy(update={"state": State.WEIGHTS})

    def write(**fields: object) -> None:
        nonlocal status
        status = status.model_copy(update=fields)
        write_status(place, status)

    def progress(done: int, total: int) -> None:
        seconds = time.monotonic() - begun
        write(done=done, total=total, seconds_left=seconds * (total - done) / done if done else None)

    with process.Watch(place) as watch:
        try:
            path = fetch(base, progress=progress, stopped=lambda: watch.is_stopped)
        except StopRequested:
            write(state=State.STOPPED)
        except (HeadstartError, OSError) as error:
            refusal = space.refusal(error)
            if refusal is None and isinstance(error, OSError):
                raise
            failure = refusal or error
            write(state=State.FAILED, said=failure.said if isinstance(failure, HeadstartError) else None)
        else:
            write(state=State.DONE, said=say("weights.fetched", name=path.name, sha256=sha256(path)))
    return 0


if __name__ == "__main__":
    sys.exit(process.carried_out(main, sys.argv[1:]))
