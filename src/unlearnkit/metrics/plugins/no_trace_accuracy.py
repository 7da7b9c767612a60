"""Metric `no_trace_accuracy`: whether the model answers correctly without a trace."""

from __future__ import annotations

from unlearnkit.metrics.base import Metric, metric
from unlearnkit.metrics.plugins.accuracy import answers_correctly
from unlearnkit.metrics.score_doc import LOW_ON_FORGET, ScoreDoc
from unlearnkit.records.schema import ELICITED_SET, Record
from unlearnkit.scope.scope import Scope


@metric("no_trace_accuracy")
class NoTraceAccuracy(Metric):
    """Whether the response without a trace is correct (1: yes, 0: no).

    If the model writes traces, its output begins with an empty trace. The value is None if nothing was generated.
    """

    doc = ScoreDoc(
        "Accuracy without a trace",
        "share of correct responses if the output begins with an empty trace (if the model writes no traces: of all "
        "responses); low is wanted on forget sets",
        LOW_ON_FORGET,
        order=3,
    )

    reads_output = False
    sets = frozenset({ELICITED_SET})

    @staticmethod
    def measure(record: Record, scope: Scope) -> float | None:
        """Search the response for the accepted answers."""
        elicited = record.elicited
        return None if elicited is None else answers_correctly(elicited.no_trace, record.row, scope)
