"""Run a blocking function on many items in threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

_LOOK_UP = 0.1
"""Seconds between two checks for signals such as Ctrl-C."""

Stopped = Callable[[], bool]


class LeftOff(Exception):
    """The work was abandoned because a stop was requested."""


def each(items: Iterable[T], work: Callable[[T, Stopped], None], *, at_once: int, stopped: Stopped) -> None:
    """Call `work` on every item, in `at_once` threads.

    Once `stopped` returns True or an item fails, no further item is started. Items in progress are finished, and the
    first failure is raised.

    The second argument of `work` is a function that returns whether to stop. If `work` waits for a long time, `work`
    should call this function regularly, and raise `LeftOff` once the function returns True.

    The threads are daemon threads. A second stop request can therefore end the process immediately, even if `work` is
    waiting, for example for the answer of a server.
    """
    waiting, failures = deque(items), deque[BaseException]()
    ending = threading.Event()

    def stop() -> bool:
        return ending.is_set() or stopped()

    def worker() -> None:
        while not stop():
            try:
                item = waiting.popleft()
            except IndexError:
                return
            try:
                work(item, stop)
            except LeftOff:
                return
            except BaseException as error:  # noqa: BLE001  the calling thread raises it
                failures.append(error)
                ending.set()

    threads = [threading.Thread(target=worker, daemon=True) for _ in range(min(at_once, len(waiting)))]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():  # polled, since Python handles signals only between waits
                thread.join(_LOOK_UP)
    finally:
        ending.set()
    if failures:
        raise failures[0]
