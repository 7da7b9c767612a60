"""Asking again what failed for a reason that passes, each time after a longer wait."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated

from annotated_types import Ge, Gt

from unlearnkit.core.errors import UnlearnError
from unlearnkit.core.settings import Settings
from unlearnkit.llm.thread_pool import LeftOff, Stopped
from unlearnkit.llm.types import Reply

LONGEST_TOLD = 600.0
"""Seconds that a server may tell us to wait. Whoever says more is not to be had today."""

_SLICE = 0.1
"""Seconds between two looks at whether the user asked to stop."""


class RetriesExhausted(UnlearnError):
    """The server failed too often, or for longer than anybody waits (exit code 1). What was received is kept."""


class TransientError(Exception):
    """One request that brought no answer, for a reason that may pass."""

    def __init__(
        self, why: str, *, wait: float | None = None, maybe_paid: bool = False, answered_nothing: bool = False
    ) -> None:
        """What failed.

        Args:
            why: in words, with nothing of what was asked or answered.
            wait: seconds that the server told us to wait.
            maybe_paid: whether the server may have made an answer, and charged for it.
            answered_nothing: whether it did answer as it should, with no answer in it.
        """
        super().__init__(why)
        self.why, self.wait, self.maybe_paid, self.answered_nothing = why, wait, maybe_paid, answered_nothing


class RetrySettings(Settings):
    """How often, and after which waits."""

    tries: Annotated[int, Gt(0)] = 8
    """Requests for one answer before it is given up."""
    first_wait: Annotated[float, Ge(0)] = 1.0
    """Seconds before the second try; each further wait is twice as long, and all are shortened by up to a half, by
    chance, so that those that failed together are not asked again together."""
    longest_wait: Annotated[float, Ge(0)] = 60.0
    """Most seconds between two tries. Where the server says how long to wait, that is done instead."""


class RetryPolicy:
    """Asks until there is an answer. Shared by the threads that ask one server: told to wait, all of them wait."""

    def __init__(self, settings: RetrySettings, who: str, say: Callable[[str], None] = lambda _: None) -> None:
        """Who is asked, for messages, and where to tell of each kind of failure when it comes for the first time."""
        self._settings, self._who, self._say = settings, who, say
        self._lock, self._told = threading.Lock(), set[str]()
        self._not_before = 0.0

    def __call__(self, ask: Callable[[], Reply], stopped: Stopped) -> Reply:
        """The reply of `ask`, tried again as long as it raises `TransientError`.

        One without an answer (`ended` is "none") where the server answers nothing, however often it is asked.

        Raises:
            RetriesExhausted: no try brought an answer.
            LeftOff: the user asked to stop.
        """
        for number in range(1, self._settings.tries + 1):
            self._rest(stopped)
            try:
                return ask()
            except TransientError as error:
                last = error
            self._tell(last.why)
            if last.wait is not None and last.wait > LONGEST_TOLD:
                raise RetriesExhausted(
                    f"the server wants to be left alone for {last.wait:.0f} s: {last.why}",
                    where=self._who,
                    fix="call it again after that: it goes on, and what was received is kept",
                )
            if number < self._settings.tries:
                self._wait(number, last.wait, stopped)
        if last.answered_nothing:
            return Reply(reasoning="", text="", ended="none")
        raise RetriesExhausted(
            f"the server gave no answer in {self._settings.tries} tries; the last time: {last.why}",
            where=self._who,
            fix="see whether it is up; then call it again: it goes on, and what was received is kept",
        )

    def _wait(self, number: int, told: float | None, stopped: Stopped) -> None:
        if told is not None:
            with self._lock:
                self._not_before = max(self._not_before, time.monotonic() + told)
            return
        wait = min(self._settings.longest_wait, self._settings.first_wait * 2.0 ** (number - 1))
        _sleep_until(time.monotonic() + wait * random.uniform(0.5, 1.0), stopped)

    def _rest(self, stopped: Stopped) -> None:
        """Wait as long as the server has told any of us to."""
        while (until := self._not_before) > time.monotonic():
            _sleep_until(until, stopped)
        if stopped():
            raise LeftOff

    def _tell(self, why: str) -> None:
        with self._lock:
            first = why not in self._told
            self._told.add(why)
        if first:
            self._say(f"note: {self._who}: {why}; asking again")


def told_to_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that a response's `Retry-After` says, as a number or a date; None where it says neither."""
    said = headers.get("retry-after", "").strip()
    try:
        seconds = float(said)
    except ValueError:
        try:
            at = parsedate_to_datetime(said)
        except ValueError:
            return None
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if seconds == seconds else None  # NaN is no number of seconds


def _sleep_until(moment: float, stopped: Stopped) -> None:
    while (left := moment - time.monotonic()) > 0:
        if stopped():
            raise LeftOff
        time.sleep(min(left, _SLICE))
