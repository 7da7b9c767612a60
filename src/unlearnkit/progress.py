"""What a user sees while work goes on: one moving line on a terminal, plain lines elsewhere. Never on stdout."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

QUIET_SECONDS = 10.0
"""Where there is no terminal, a line at most this often."""


class Counter:
    """Counts the steps of one piece of work."""

    def __init__(self, total: int | None, show: RichProgress | None, say: Console, name: str) -> None:
        self._total, self._show, self._say, self._name = total, show, say, name
        self._done, self._last = 0, time.monotonic()
        self._task = show.add_task(name, total=total) if show else None

    def reach(self, done: int, total: int | None = None, note: str = "") -> None:
        """So much is done, of so much."""
        self._done, self._total = done, total if total is not None else self._total
        if self._show is not None and self._task is not None:
            self._show.update(self._task, completed=done, total=self._total, description=f"{self._name} {note}".strip())
        elif time.monotonic() - self._last > QUIET_SECONDS:
            self._last = time.monotonic()
            self._say.print(f"  {self._name}: {done} of {self._total} {note}".rstrip(), highlight=False)

    def add(self, more: int) -> None:
        """So much more is done."""
        self.reach(self._done + more)


class Progress:
    """Tells what is being done. `quiet` tells nothing."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self._console = Console(stderr=True, quiet=quiet)

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(text, highlight=False, markup=False)

    @contextmanager
    def count(self, name: str, total: int | None = None) -> Iterator[Counter]:
        """Count the steps of one piece of work."""
        if not self._console.is_terminal:
            yield Counter(total, None, self._console, name)
            return
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with RichProgress(*columns, console=self._console, transient=True) as show:
            yield Counter(total, show, self._console, name)
