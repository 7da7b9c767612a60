"""Work in a process of its own: what comes back, and what stops it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from unlearnkit.core.errors import InputError, Interrupted, UnlearnError
from unlearnkit.core.progress import Progress, Task
from unlearnkit.core.subprocesses import Job, run_all, run_in_subprocess

QUIET = Progress(quiet=True)


def double(number: int, progress: Progress) -> int:
    with progress.task("doubling", 2) as counter:
        counter.advance(1)
        progress.log(f"doubling {number}")
        counter.update(2, 3, "done")
    return 2 * number


def complain(progress: Progress) -> None:
    raise InputError("no such thing", where="here", value=3, allowed="4", fix="take 4")


def stumble(progress: Progress) -> None:
    raise ZeroDivisionError("oh")


def vanish(progress: Progress) -> None:
    os._exit(9)


def linger(sign: str, progress: Progress) -> None:
    Path(sign).touch()
    try:
        time.sleep(60)
    finally:
        Path(sign).unlink()


def meet(mine: str, other: str, progress: Progress) -> int:
    """Returns only where the other one runs at the same time; gives the number of threads."""
    Path(mine).touch()
    while not Path(other).exists():
        time.sleep(0.01)
    return torch.get_num_threads()


def complain_once_there(sign: str, progress: Progress) -> None:
    while not Path(sign).exists():
        time.sleep(0.01)
    complain(progress)


def hears_interrupts(progress: Progress) -> bool:
    return signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


class Heard(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.told: list[object] = []

    def log(self, text: str) -> None:
        self.told.append(text)

    @contextmanager
    def task(self, name: str, total: int | None = None) -> Iterator[Task]:
        self.told.append((name, total))
        yield Task(total, lambda *reached: self.told.append(reached))
        self.told.append("end")


def test_values_and_errors_come_back() -> None:
    assert run_in_subprocess("sum", double, 21, progress=QUIET) == 42
    assert run_in_subprocess("signals", hears_interrupts) is False
    with pytest.raises(InputError) as error:
        run_in_subprocess("complaint", complain)
    assert (error.value.where, error.value.value, error.value.fix) == ("here", 3, "take 4")
    assert (
        error.value.render() == InputError("no such thing", where="here", value=3, allowed="4", fix="take 4").render()
    )
    with pytest.raises(RuntimeError, match="stumble"):
        run_in_subprocess("stumble", stumble)
    with pytest.raises(UnlearnError, match="exit code 9"):
        run_in_subprocess("vanish", vanish)


def test_the_parent_is_told_how_far_the_work_is() -> None:
    progress = Heard()
    run_in_subprocess("sum", double, 21, progress=progress)
    assert progress.told == [("doubling", 2), (1, 2, ""), "doubling 21", (2, 3, "done"), "end"]


def test_two_at_a_time_share_the_threads(tmp_path: Path) -> None:
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    jobs = [Job("one", meet, (one, two)), Job("two", meet, (two, one)), Job("sum", double, (4,))]
    share = max(1, run_in_subprocess("threads", meet, one, str(tmp_path)) // 2)
    assert run_all(jobs, QUIET, at_once=2) == [share, share, 8]


def test_one_that_fails_stops_the_others_and_none_is_begun_after_it(tmp_path: Path) -> None:
    sign, never = tmp_path / "here", tmp_path / "never"
    jobs = [
        Job("linger", linger, (str(sign),)),
        Job("complaint", complain_once_there, (str(sign),)),
        Job("never", meet, (str(never), str(never))),
    ]
    with pytest.raises(InputError, match="no such thing"):
        run_all(jobs, QUIET, at_once=2)
    assert not sign.exists()
    assert not never.exists()


def test_with_keep_going_the_others_continue_after_a_failure(tmp_path: Path) -> None:
    ended: list[tuple[int, object]] = []
    jobs = [Job("complaint", complain), Job("sum", double, (4,)), Job("vanish", vanish), Job("stumble", stumble)]
    results = run_all(jobs, QUIET, keep_going=True, on_end=lambda place, result: ended.append((place, result)))
    assert [type(result) for result in results] == [InputError, int, UnlearnError, RuntimeError] and results[1] == 8
    assert ended == list(enumerate(results))


def test_a_wish_to_stop_ends_what_would_keep_going(tmp_path: Path) -> None:
    sign, never = tmp_path / "here", tmp_path / "never"

    def interrupt() -> None:
        while not sign.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    jobs = [Job("here", linger, (str(sign),)), Job("never", meet, (str(never), str(never)))]
    with pytest.raises(Interrupted):
        run_all(jobs, QUIET, keep_going=True)
    thread.join()
    assert not sign.exists() and not never.exists()


def test_a_wish_to_stop_reaches_the_children_and_unwinds_them(tmp_path: Path) -> None:
    signs = [tmp_path / "here", tmp_path / "there"]

    def interrupt() -> None:
        while not all(sign.exists() for sign in signs):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(Interrupted):
        run_all([Job(sign.name, linger, (str(sign),)) for sign in signs], QUIET, at_once=2)
    thread.join()
    assert not any(sign.exists() for sign in signs)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
