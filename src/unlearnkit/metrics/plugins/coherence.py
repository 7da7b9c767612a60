"""Metric `coherence`: whether outputs are language."""

from __future__ import annotations

from unlearnkit.metrics.base import Metric, metric
from unlearnkit.metrics.score_doc import HIGH, ScoreDoc
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope
from unlearnkit.text.coherence import is_coherent


@metric("coherence")
class Coherence(Metric):
    """Whether the whole output is language: 1 or 0.

    The output is the response, and the trace if there is one. An empty response is not language. None if nothing was
    generated.
    """

    doc = ScoreDoc(
        "Coherence", "the output is language and not gibberish; high is wanted everywhere", HIGH, order=50, listed=True
    )

    @staticmethod
    def measure(record: Record, scope: Scope) -> float | None:
        """Classify the response, and the trace if it is not empty."""
        if record.generation is None:
            return None
        output = record.generation
        return float(is_coherent(output.response) and (not output.trace.strip() or is_coherent(output.trace)))
