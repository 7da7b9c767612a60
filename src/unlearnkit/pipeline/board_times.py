"""Estimate the time of a board from its finished runs."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from unlearnkit.core.number_format import duration
from unlearnkit.runs.folder import RunFolder

NOT_MEASURED = "not measured"


class Taken(NamedTuple):
    """The time that a finished run took."""

    suite: str
    method: str
    seconds: float


def seconds_of(folder: RunFolder) -> float | None:
    """Return the seconds of a finished run, with its measurement.

    The measurement of the reference models is not included. Returns None if the run is not finished.
    """
    if not folder.is_run:
        return None
    state = folder.state()
    if state.measure is None or (state.method is not None and not state.done):
        return None
    cost = state.cost.seconds if state.method is not None and state.cost is not None else 0.0
    return cost + state.measure.seconds


def expected(suite: str, method: str, finished: Sequence[Taken]) -> float | None:
    """Return the expected seconds of a run; None if nothing is known.

    The expectation is the mean of the finished runs of the same method on the same suite, in any world and with any
    seed. If there are none, runs of the same method on other suites are used.
    """
    same = [each for each in finished if each.method == method]
    times = [each.seconds for each in same if each.suite == suite] or [each.seconds for each in same]
    return fmean(times) if times else None


def total(times: Sequence[float | None], at_once: int) -> float | None:
    """Return the seconds of several runs together.

    `at_once` of them run at a time. Returns None if the time of a run is unknown.
    """
    known = [seconds for seconds in times if seconds is not None]
    return sum(known) / min(at_once, max(len(times), 1)) if len(known) == len(times) else None


def shown(seconds: float | None) -> str:
    """Return an estimated time as text."""
    return NOT_MEASURED if seconds is None else f"about {duration(seconds)}"
