"""Work in a process of its own: what comes back, and what stops it."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from unlearnkit.apart import apart
from unlearnkit.errors import BadInput, Interrupted, UnlearnError


def double(number: int) -> int:
    return 2 * number


def complain() -> None:
    raise BadInput("no such thing", where="here", value=3, allowed="4", fix="take 4")


def stumble() -> None:
    raise ZeroDivisionError("oh")


def vanish() -> None:
    os._exit(9)


def linger(sign: str) -> None:
    Path(sign).touch()
    try:
        time.sleep(60)
    finally:
        Path(sign).unlink()


def hears_interrupts() -> bool:
    return signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


def test_values_and_errors_come_back() -> None:
    assert apart("sum", double, 21) == 42
    assert apart("signals", hears_interrupts) is False
    with pytest.raises(BadInput) as error:
        apart("complaint", complain)
    assert (error.value.where, error.value.value, error.value.fix) == ("here", 3, "take 4")
    assert error.value.render() == BadInput("no such thing", where="here", value=3, allowed="4", fix="take 4").render()
    with pytest.raises(RuntimeError, match="stumble"):
        apart("stumble", stumble)
    with pytest.raises(UnlearnError, match="exit code 9"):
        apart("vanish", vanish)


def test_a_wish_to_stop_reaches_the_child_and_unwinds_it(tmp_path: Path) -> None:
    sign = tmp_path / "here"

    def interrupt() -> None:
        while not sign.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(Interrupted):
        apart("linger", linger, str(sign))
    thread.join()
    assert not sign.exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
