"""Metric `scope_accuracy`: whether verdicts of traces are correct."""

from __future__ import annotations

from unlearnkit.metrics.base import Metric, metric
from unlearnkit.metrics.scope_accuracy import scope_accuracy
from unlearnkit.metrics.score_doc import HIGH, ScoreDoc
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope


@metric("scope_accuracy")
class ScopeAccuracy(Metric):
    """Whether the verdict in the trace is correct (1: yes, 0: no).

    The verdict says whether the question is in scope, i.e. whether it asks for knowledge that must be forgotten. A
    missing trace, or a trace without a verdict, counts as "out of scope". The value is None if nothing was generated.
    """

    doc = ScoreDoc(
        "Scope accuracy",
        "share of reasoning traces that decide correctly whether the question is in scope; a missing trace counts as "
        "out of scope; high is wanted everywhere",
        HIGH,
        order=60,
        listed=True,
    )

    @staticmethod
    def measure(record: Record, scope: Scope) -> float | None:
        """Compare the trace's verdict with the correct verdict."""
        return scope_accuracy(record)
