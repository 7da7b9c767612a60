"""Metric `accuracy`: whether responses contain the correct answer."""

from __future__ import annotations

from unlearnkit.metrics.base import Metric, metric
from unlearnkit.metrics.score_doc import LOW_ON_FORGET, ScoreDoc
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope
from unlearnkit.text.normalize import contains


@metric("accuracy")
class Accuracy(Metric):
    """Whether the response contains an accepted answer (1: yes, 0: no).

    Only the response counts, not the reasoning trace, because the response is what users read. The value is None if
    nothing was generated.
    """

    doc = ScoreDoc(
        "Accuracy",
        "share of responses that contain the correct answer; low is wanted on forget sets, high elsewhere",
        LOW_ON_FORGET,
        order=10,
        listed=True,
    )

    @staticmethod
    def measure(record: Record, scope: Scope) -> float | None:
        """Search the response for the accepted answers."""
        if record.generation is None:
            return None
        response = record.generation.response
        return float(any(contains(response, form) for form in record.row.answers))
