"""Run blocking work on many items in threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")

_LOOK_UP = 0.1
"""Seconds between two checks for signals."""

Stopped = Callable[[], bool]


class LeftOff(Exception):
    """Work was abandoned because a stop was requested."""


def each(items: Iterable[T], work: Callable[[T, Stopped], None], *, at_once: int, stopped: Stopped) -> None:
    """Do the work on every item in `at_once` threads.

    Once `stopped` returns True or an item fails, no further item is started; items in progress are finished, and the
    first failure is raised. Work that waits for long should check its second argument and raise `LeftOff`.

    The threads are daemons: a second request to stop does not wait for a server.
    """
    waiting: SimpleQueue[T] = SimpleQueue()
    for item in items:
        waiting.put(item)
    ended: SimpleQueue[BaseException | None] = SimpleQueue()
    failed = threading.Event()

    def stop() -> bool:
        return failed.is_set() or stopped()

    def worker() -> None:
        failure: BaseException | None = None
        while failure is None and not stop():
            try:
                item = waiting.get_nowait()
            except Empty:
                break
            try:
                work(item, stop)
            except LeftOff:
                break
            except BaseException as error:  # noqa: BLE001  the waiting thread raises it
                failure = error
                failed.set()
        ended.put(failure)

    threads = [threading.Thread(target=worker, daemon=True) for _ in range(min(at_once, waiting.qsize()))]
    try:
        for thread in threads:
            thread.start()
        failures = [_waited(ended) for _ in threads]
    finally:
        failed.set()
    for failure in failures:
        if failure is not None:
            raise failure


def _waited(ended: SimpleQueue[BaseException | None]) -> BaseException | None:
    """Return the next failure or None.

    It polls, since Python handles signals only between waits.
    """
    while True:
        try:
            return ended.get(timeout=_LOOK_UP)
        except Empty:
            continue
