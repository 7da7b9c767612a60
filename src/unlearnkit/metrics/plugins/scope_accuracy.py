"""Metric `scope_accuracy`: whether the trace holds the right questions in scope."""

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
        "the reasoning trace holds the question in scope where it is, and does not where it is not; no trace counts as "
        "out of scope; high is wanted everywhere",
        HIGH,
        order=60,
        listed=True,
    )

    @staticmethod
    def measure(record: Record, scope: Scope) -> float | None:
        """Compare the verdict of the trace with the row set."""
        return scope_accuracy(record)
