"""Several pieces of waiting at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")

_LOOK_UP = 0.1
"""Seconds."""

Stopped = Callable[[], bool]


class LeftOff(Exception):
    """A piece of work that was not finished, because all were asked to stop."""


def each(items: Iterable[T], work: Callable[[T, Stopped], None], *, at_once: int, stopped: Stopped) -> None:
    """Do the work on every item, so many at a time, in threads.

    Once `stopped` says so, or a piece of work fails, none is begun any more; those that are under way are ended, and
    the first failure is raised. A work that waits for long should ask its second argument, and raise `LeftOff`.

    The threads are daemons: who asks twice to stop does not have to wait for a server.
    """
    waiting: SimpleQueue[T] = SimpleQueue()
    for item in items:
        waiting.put(item)
    ended: SimpleQueue[BaseException | None] = SimpleQueue()
    failed = threading.Event()

    def stop() -> bool:
        return failed.is_set() or stopped()

    def labour() -> None:
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
            except BaseException as error:  # noqa: BLE001  it is raised by the thread that waits for this one
                failure = error
                failed.set()
        ended.put(failure)

    threads = [threading.Thread(target=labour, daemon=True) for _ in range(min(at_once, waiting.qsize()))]
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
    """What comes next. Looks up now and then: a signal that another thread was given is heard in this one only then."""
    while True:
        try:
            return ended.get(timeout=_LOOK_UP)
        except Empty:
            continue
