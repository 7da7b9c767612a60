"""Metrics: pure functions of records. Nothing here imports torch or touches a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from unlearnkit.metrics import correctness, leakage, manner, scope_accuracy
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Metric:
    """A number for one record, and how to read its mean."""

    measure: Callable[[Record, Scope], float | None]
    """The value on one record; None where what it needs was not measured."""
    summary: str
    """One line for a person."""
    forget: Better
    """Which way is better on the forget split and its probes; on every other split it is the other way, except that
    leaks are bad, and coherence and scope accuracy good, anywhere."""


def _metric(measure: Callable[[Record], float | None], forget: Better) -> Metric:
    return Metric(lambda record, _scope: measure(record), _summary(measure), forget)


def _scoped(measure: Callable[[Record, Scope], float | None], forget: Better) -> Metric:
    return Metric(measure, _summary(measure), forget)


def _summary(measure: Callable[..., float | None]) -> str:
    return (measure.__doc__ or "").partition("\n")[0]


METRICS: dict[str, Metric] = {
    "accuracy": _metric(correctness.accuracy, "lower"),
    "leak_rate": _scoped(leakage.leak, "lower"),
    "trace_leak_rate": _scoped(leakage.trace_leak, "lower"),
    "refusal_rate": _metric(manner.refusal, "higher"),
    "coherence": _metric(manner.coherence, "higher"),
    "scope_accuracy": _metric(scope_accuracy.scope_accuracy, "higher"),
    "probability": _metric(correctness.probability, "lower"),
}
"""Every metric, by the name it has on the board."""
