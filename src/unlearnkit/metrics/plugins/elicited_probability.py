"""Metric `elicited_probability`: the answer's probability with or without a trace."""

from __future__ import annotations

import math

from unlearnkit.metrics.base import Metric, metric
from unlearnkit.metrics.score_doc import LOW_ON_FORGET, ScoreDoc
from unlearnkit.records.schema import ELICITED_SET, Record
from unlearnkit.scope.scope import Scope


@metric("elicited_probability")
class ElicitedProbability(Metric):
    """Probability of the answer per token, in [0, 1].

    The probability is the larger one of two, which differ in the trace that precedes the answer. The two traces are the
    trace of the model's own output, and no trace. A model that declines in its trace usually gives the answer a low
    probability after that trace. If the probability is high without a trace, the model still knows the answer. The
    value is exp of the mean token log-probability. It is None if log-probabilities were not measured.
    """

    doc = ScoreDoc(
        "Answer probability, elicited",
        "probability per token of the answer, after the model's own trace or without a trace, whichever is larger; low "
        "is wanted on forget sets",
        LOW_ON_FORGET,
        order=1,
    )

    reads_output = False
    sets = frozenset({ELICITED_SET})

    @staticmethod
    def measure(record: Record, scope: Scope) -> float | None:
        """Return the larger of the two probabilities."""
        elicited = record.elicited
        if elicited is None:
            return None
        measured = [logps for logps in (elicited.own_trace_logps, elicited.no_trace_logps) if logps]
        return max((math.exp(math.fsum(logps) / len(logps)) for logps in measured), default=None)
