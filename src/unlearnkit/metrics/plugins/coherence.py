"""Metric `coherence`: whether outputs are language rather than gibberish."""

from __future__ import annotations

from unlearnkit.metrics.base import Metric, metric
from unlearnkit.metrics.score_doc import HIGH, ScoreDoc
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope
from unlearnkit.text.coherence import coherence_of


@metric("coherence")
class Coherence(Metric):
    """Whether the output is language, not gibberish (1: yes, 0: no).

    The output consists of the response and, if there is one, the reasoning trace; both must be language. An empty
    response is not language. The value is None if nothing was generated, or if the output is in a language that cannot
    be judged.
    """

    doc = ScoreDoc(
        "Coherence",
        "share of outputs that are language, not gibberish; high is wanted everywhere",
        HIGH,
        order=50,
        listed=True,
    )

    @staticmethod
    def measure(record: Record, scope: Scope) -> float | None:
        """Classify the response, and the trace if it is not empty."""
        if record.generation is None:
            return None
        output = record.generation
        parts = [coherence_of(text) for text in (output.response, *filter(str.strip, [output.trace]))]
        if False in parts:
            return 0.0
        return None if None in parts else 1.0
