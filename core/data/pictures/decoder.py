"""The process in which pictures are decoded, by orders on its standard input. `python -m core.data.pictures.decoder`

A thread that decodes cannot be ended, and a library that takes all memory takes its process down; so this is a process
of its own, small and quick to start. The system ends it by a timer when one picture takes too long. It may take no more
memory than the picture in hand needs by its header, and of all processes it is the first to go when memory runs out. It
ends at once when its input is closed, as it is when the process that gives the orders dies.

An order is a line of JSON, as `Order`, and the picture's bytes. The answer is a line of JSON, as `Answer`, and the
bytes of what was made. One that says what it needs waits for a further line, the permission to go on.
"""

import json
import os
import resource
import select
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, NotRequired, TypedDict

from core.data.pictures import pixels
from core.data.pictures.depth import Depth, Values
from core.data.pictures.pixels import PictureError
from core.words.said import say

OWN_BYTES = 160_000_000  # of a process that decodes, beside the picture: what it reserves, NumPy's part included
LEEWAY = 1.25  # of what a header lets expect
FIRST_TO_GO = "1000"  # the most that Linux knows
PIPE_BYTES = 2**17  # a usual picture goes through in one piece
CLOSED = 70  # exit code, of no meaning to anybody


class _TooMuchError(PictureError):
    """It can be read, but not here."""


class Request(TypedDict):
    """What is to be done with the bytes that follow."""

    size_bytes: int  # of what follows
    max_pixels: int
    side: int  # px
    seconds: float  # it may take
    usual_bytes: int  # of memory it may take without being asked
    most_bytes: int  # and at all
    depth: Depth
    is_compared: bool  # whether a digest of its pixels is wanted


class Answer(TypedDict):
    """What became of it: something was made, or there is a reason why not, or it needs so much and waits."""

    size_bytes: NotRequired[int | None]  # of what follows; None: the source's own bytes are what is to be kept
    kind: NotRequired[str]
    width: NotRequired[int]
    height: NotRequired[int]
    pixels: NotRequired[str]
    thumbnail: NotRequired[str]  # in hexadecimal digits
    values: NotRequired[Values | None]
    reason: NotRequired[dict[str, Any]]  # of what is said
    is_for_want: NotRequired[bool]  # the reason is memory: another host might read it
    needed_bytes: NotRequired[int]


class Decoder:
    """Carries out orders."""

    def __init__(self, orders: BinaryIO, answers: BinaryIO) -> None:
        """Nothing yet."""
        self._orders, self._answers = orders, answers

    def work(self) -> None:
        """One order after another, until there are none."""
        while line := self._orders.readline():
            order: Request = json.loads(line)
            _set_memory(OWN_BYTES + int(LEEWAY * order["size_bytes"]))
            data = self._orders.read(order["size_bytes"])
            _set_timer(order["seconds"])
            answer, made = self._made(order, data)
            _set_timer(0.0)
            self._say(answer, made)

    def _made(self, order: Request, data: bytes) -> tuple[Answer, bytes]:
        try:
            small = pixels.small(
                data,
                max_pixels=order["max_pixels"],
                side=order["side"],
                admit=lambda needed: self._ask(order, needed),
                depth=order["depth"],
                is_compared=order["is_compared"],
            )
        except _TooMuchError as error:
            return {"reason": asdict(error.said), "is_for_want": True}, b""
        except PictureError as error:
            return {"reason": asdict(error.said)}, b""
        except MemoryError:
            return {"reason": asdict(say("picture.more-than-expected")), "is_for_want": True}, b""
        size_bytes = None if small.data is None else len(small.data)
        answer = Answer(
            size_bytes=size_bytes,
            kind=small.kind,
            width=small.width,
            height=small.height,
            pixels=small.pixels,
            thumbnail=small.thumbnail.hex(),
            values=small.values,
        )
        return answer, small.data or b""

    def _ask(self, order: Request, needed_bytes: int) -> None:
        """Let it have what it needs, once it may."""
        if needed_bytes > order["most_bytes"]:
            raise _TooMuchError("picture.too-much", needed=needed_bytes, most=order["most_bytes"])
        if needed_bytes > order["usual_bytes"]:
            _set_timer(0.0)
            self._say({"needed_bytes": needed_bytes})
            self._orders.readline()
            _set_timer(order["seconds"])
        _set_memory(OWN_BYTES + int(LEEWAY * needed_bytes))

    def _say(self, answer: Answer, made: bytes = b"") -> None:
        self._answers.write(json.dumps(answer).encode() + b"\n" + made)
        self._answers.flush()


def _set_timer(seconds: float) -> None:
    """Let the system end this process after so long, whatever it does; 0 for never."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _set_memory(size_bytes: int) -> None:
    """Let nothing be reserved beyond that; not every system holds to it."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (size_bytes if hard < 0 else min(size_bytes, hard), hard))


def _end_with_input() -> None:
    """In the midst of a picture as well."""
    closed = select.poll()
    closed.register(sys.stdin.fileno(), 0)  # hanging up is reported unasked

    def look() -> None:
        closed.poll()
        os._exit(CLOSED)

    threading.Thread(target=look, daemon=True).start()


def main() -> None:
    """Work until the input is closed."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that gives the orders, which ends this one
    with suppress(OSError):  # no Linux
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO, encoding="ascii")
    _end_with_input()
    with open(sys.stdin.fileno(), "rb", PIPE_BYTES, closefd=False) as orders:
        Decoder(orders, sys.stdout.buffer).work()


if __name__ == "__main__":
    main()
