"""Handle Ctrl-C and SIGTERM as requests to stop.

The first signal requests a stop at the next suitable moment. The second signal stops the process immediately.
"""

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

    A signal that the process already ignores stays ignored, as `nohup` requires. Outside the main thread this function
    does nothing, because Python allows signal handlers to be installed only in the main thread.
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
    """Flag that is set when the user requests a stop.

    Calling the object returns whether the flag is set.
    """

    def __init__(self) -> None:
        self.requested = False

    def __call__(self) -> bool:
        """Return whether a stop was requested; loops call this after each step."""
        return self.requested

    def request(self) -> None:
        """Request a stop; a second call raises `KeyboardInterrupt`."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


@contextmanager
def stop_requested() -> Iterator[StopRequest]:
    """Yield a `StopRequest` that Ctrl-C or SIGTERM sets."""
    stop = StopRequest()
    with on_signal(stop.request):
        yield stop
