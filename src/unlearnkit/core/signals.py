"""Ctrl-C and SIGTERM as a wish to stop at the next good moment; the second one stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_signal(handler: Callable[[], None]) -> Iterator[None]:
    """Call `handler` for every signal that asks the process to stop.

    A signal that is ignored stays so, as it should under `nohup`. Outside the main thread nothing can be handled, and
    nothing is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    heard = [number for number, old in before.items() if old is not signal.SIG_IGN]

    def hear(number: int, frame: FrameType | None) -> None:
        del number, frame
        handler()

    try:
        for number in heard:
            signal.signal(number, hear)
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])


class StopRequest:
    """Whether the user asked to stop."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        """For a loop that asks after each step."""
        return self.asked

    def hear(self) -> None:
        """Once: stop when it suits. Twice: stop at once."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def stop_requested() -> Iterator[StopRequest]:
    """A wish that Ctrl-C and SIGTERM make."""
    wish = StopRequest()
    with on_signal(wish.hear):
        yield wish
