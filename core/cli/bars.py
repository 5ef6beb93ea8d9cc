"""What the command line shows while it works, on stderr: a bar where that is a terminal, and lines."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_CONSOLE = Console(stderr=True)


class Bar:
    """One bar, which is gone when its work is over. Where stderr is no terminal nothing is shown."""

    def __init__(self, title: str) -> None:
        """A bar of unknown length, not shown before `__enter__`."""
        self.is_shown = sys.stderr.isatty()
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True)
        self._progress = Progress(*columns, console=_CONSOLE, transient=True, disable=not self.is_shown)
        self._task = self._progress.add_task(title, total=None)

    def __enter__(self) -> Self:
        """Show it."""
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Show it no more."""
        self._progress.stop()

    def show(self, done: int, total: int, title: str | None = None) -> None:
        """So much is done, of nobody knows how much where `total` is 0; with another title, if there is one."""
        self._progress.update(self._task, completed=done, total=total or None, description=title)


def say(line: str) -> None:
    """A line, above the bar."""
    _CONSOLE.print(line, markup=False, highlight=False, soft_wrap=True)
