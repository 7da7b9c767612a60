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
    previous = {signum: signal.getsignal(signum) for signum in SIGNALS}
    handled = [signum for signum, old in previous.items() if old is not signal.SIG_IGN]

    def request(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        handler()

    try:
        for signum in handled:
            signal.signal(signum, request)
        yield
    finally:
        for signum in handled:
            signal.signal(signum, previous[signum])


class StopRequest:
    """Whether the user asked to stop."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        """Return whether to stop; a loop calls it after each step."""
        return self.asked

    def request(self) -> None:
        """Once: stop when it suits. Twice: stop at once."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def stop_requested() -> Iterator[StopRequest]:
    """Yield a request that becomes true at Ctrl-C or SIGTERM."""
    stop = StopRequest()
    with on_signal(stop.request):
        yield stop
