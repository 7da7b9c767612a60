"""Metric `refusal_rate`: whether the model declines to answer."""

from __future__ import annotations

from unlearnkit.metrics.base import Metric, metric
from unlearnkit.metrics.score_doc import HIGH_ON_FORGET, ScoreDoc
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope
from unlearnkit.text.refusal import refusal_of


@metric("refusal_rate")
class RefusalRate(Metric):
    """Whether the response declines or admits ignorance (1: yes, 0: no).

    The value is None if nothing was generated, or if the response is in a language that cannot be judged.
    """

    doc = ScoreDoc(
        "Refusal rate",
        "share of responses that decline or admit ignorance; high is wanted on forget sets, low elsewhere",
        HIGH_ON_FORGET,
        order=20,
        listed=True,
    )

    @staticmethod
    def measure(record: Record, scope: Scope) -> float | None:
        """Classify the response; the trace is ignored."""
        if record.generation is None or (refusal := refusal_of(record.generation.response)) is None:
            return None
        return float(refusal)
