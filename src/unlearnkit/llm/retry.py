"""Retry requests after transient failures, with increasing waits."""

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

LONGEST_RETRY_AFTER = 600.0
"""Longest wait that a server may request, in seconds. If a server requests a longer wait, the run fails."""

_SLICE = 0.1
"""Seconds between two checks for a stop request."""


class RetriesExhausted(UnlearnError):
    """The server failed too often or for too long (exit code 1).

    Answers received so far are kept.
    """


class TransientError(Exception):
    """A request failed for a reason that may be temporary."""

    def __init__(
        self, why: str, *, wait: float | None = None, maybe_paid: bool = False, answered_nothing: bool = False
    ) -> None:
        """Describe the failure.

        Args:
            why: the reason for the failure. The reason must not contain any part of the prompt or answer.
            wait: seconds to wait before the next try, if the server requested a wait; otherwise None.
            maybe_paid: whether the server may have produced an answer and charged for it.
            answered_nothing: whether the server sent a valid response that contains no answer.
        """
        super().__init__(why)
        self.why, self.wait, self.maybe_paid, self.answered_nothing = why, wait, maybe_paid, answered_nothing


class RetrySettings(Settings):
    """Settings for retries: the number of tries and the waits between tries."""

    tries: Annotated[int, Gt(0)] = 8
    """Maximum number of tries to get one answer, including the first."""
    first_wait: Annotated[float, Ge(0)] = 1.0
    """Seconds between the first and the second try. Each later wait is twice as long as the previous one. Every wait is
    randomly shortened by up to half, so that requests that failed together are not repeated together."""
    longest_wait: Annotated[float, Ge(0)] = 60.0
    """Maximum number of seconds between two tries. If the server requests a particular wait, that wait is used
    instead."""


class RetryPolicy:
    """Retries a request until an answer arrives or no tries are left.

    If the server asks one thread to wait, all threads that share the policy wait.
    """

    def __init__(self, settings: RetrySettings, who: str, log: Callable[[str], None] = lambda _: None) -> None:
        """Create a policy.

        Args:
            settings: number of tries, and the waits between them.
            who: name of the server, for messages.
            log: function that is called with a message, once for each kind of failure.
        """
        self._settings, self._who, self._log = settings, who, log
        self._lock, self._logged = threading.Lock(), set[str]()
        self._not_before = 0.0

    def __call__(self, ask: Callable[[], Reply], stopped: Stopped) -> Reply:
        """Call `ask` until it returns a reply, and return that reply.

        `ask` is called again if `ask` raises `TransientError`. If the response to the last try is valid but contains no
        answer, the returned reply is empty and its field `ended` is "none".

        Raises:
            RetriesExhausted: every try failed, or the server requested too long a wait.
            LeftOff: the user requested a stop.
        """
        for number in range(1, self._settings.tries + 1):
            self._wait_for_server(stopped)
            try:
                return ask()
            except TransientError as error:
                last = error
            with self._lock:
                if last.why not in self._logged:
                    self._logged.add(last.why)
                    self._log(f"note: {self._who}: {last.why}; retrying")
            if last.wait is not None and last.wait > LONGEST_RETRY_AFTER:
                raise RetriesExhausted(
                    f"the server requests a wait of {last.wait:.0f} s: {last.why}",
                    where=self._who,
                    fix="run the command again after that time; it continues from the answers received so far",
                )
            if number == self._settings.tries:
                break
            if last.wait is not None:
                with self._lock:
                    self._not_before = max(self._not_before, time.monotonic() + last.wait)
            else:
                wait = min(self._settings.longest_wait, self._settings.first_wait * 2.0 ** (number - 1))
                _sleep_until(time.monotonic() + wait * random.uniform(0.5, 1.0), stopped)
        if last.answered_nothing:
            return Reply(reasoning="", text="", ended="none")
        raise RetriesExhausted(
            f"the server gave no answer in {self._settings.tries} tries; the last failure: {last.why}",
            where=self._who,
            fix="check that the server is running, then run the command again; it continues from the answers received "
            "so far",
        )

    def _wait_for_server(self, stopped: Stopped) -> None:
        """If the server requested a wait, sleep until the wait is over."""
        while (until := self._not_before) > time.monotonic():
            _sleep_until(until, stopped)
        if stopped():
            raise LeftOff


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the wait in a `Retry-After` header, in seconds.

    The header contains either a number of seconds or a date. Returns None if there is no such header or if the header
    is invalid.
    """
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if seconds == seconds else None  # NaN is not a number of seconds


def _sleep_until(moment: float, stopped: Stopped) -> None:
    while (left := moment - time.monotonic()) > 0:
        if stopped():
            raise LeftOff
        time.sleep(min(left, _SLICE))
