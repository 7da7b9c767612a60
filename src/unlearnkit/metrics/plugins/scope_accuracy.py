"""Metric `scope_accuracy`: whether verdicts of traces are correct."""

from __future__ import annotations

from unlearnkit.metrics.base import Metric, metric
from unlearnkit.metrics.scope_accuracy import scope_accuracy
from unlearnkit.metrics.score_doc import HIGH, ScoreDoc
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope


@metric("scope_accuracy")
class ScopeAccuracy(Metric):
    """Whether the trace decides correctly if the question is in scope (0/1)."""

    doc = ScoreDoc(
        "Scope accuracy",
        "the reasoning trace decides correctly whether the question is in scope; no trace counts as out of scope; high "
        "is wanted everywhere",
        HIGH,
        order=60,
        listed=True,
    )

    @staticmethod
    def measure(record: Record, scope: Scope) -> float | None:
        """Compare the verdict of the trace with the row set."""
        return scope_accuracy(record)
