"""Show progress: bars on a terminal, plain lines elsewhere.

Progress goes to stderr, never to stdout. Only the parent process writes to stderr; a subprocess sends its progress to
the parent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

QUIET_SECONDS = 10.0
"""Minimum number of seconds between two progress lines if stderr is not a terminal."""


class Task:
    """Count the steps of one task.

    Args:
        total: total number of steps; None if the total is unknown.
        show: function that is called after each update with the number of steps done, the total number of steps, and a
            note.
    """

    def __init__(self, total: int | None, show: Callable[[int, int | None, str], None]) -> None:
        self._done, self._total, self._show = 0, total, show

    def update(self, done: int, total: int | None = None, note: str = "") -> None:
        """Set the number of steps done and, if given, the total."""
        self._done, self._total = done, total if total is not None else self._total
        self._show(self._done, self._total, note)

    def advance(self, more: int) -> None:
        """Add `more` to the number of steps done."""
        self.update(self._done + more)


class Progress:
    """Show progress to the user, or show nothing if `quiet` is true."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._bars: RichProgress | None = None

    def log(self, text: str) -> None:
        """Print one line of text to stderr."""
        self._console.print(text, highlight=False, markup=False)

    @contextmanager
    def task(self, name: str, total: int | None = None) -> Iterator[Task]:
        """Show the progress of one task; several tasks may run at once."""
        if not self._console.is_terminal:
            yield Task(total, self._lines(name))
            return
        if self._bars is None:
            columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bars = RichProgress(*columns, console=self._console, transient=True)
            self._bars.start()
        bars = self._bars
        task = bars.add_task(name, total=total)

        def show(done: int, total: int | None, note: str) -> None:
            bars.update(task, completed=done, total=total, description=f"{name} {note}".strip())

        try:
            yield Task(total, show)
        finally:
            bars.remove_task(task)
            if not bars.tasks:
                bars.stop()
                self._bars = None

    def _lines(self, name: str) -> Callable[[int, int | None, str], None]:
        last = time.monotonic()

        def show(done: int, total: int | None, note: str) -> None:
            nonlocal last
            if time.monotonic() - last > QUIET_SECONDS:
                last = time.monotonic()
                reached = f"{done}" if total is None else f"{done} of {total}"
                self.log(f"  {name}: {reached} {note}".rstrip())

        return show
