"""Metric `probability`: the model's probability of the answer."""

from __future__ import annotations

import math

from unlearnkit.metrics.base import Metric, metric
from unlearnkit.metrics.score_doc import LOW_ON_FORGET, ScoreDoc
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope


def log_probability(record: Record) -> float | None:
    """Return the mean log-probability of the answer's tokens.

    The result is the natural logarithm of the metric `probability`. Unlike the probability, the logarithm distinguishes
    unlikely answers from nearly impossible answers. The result is None if log-probabilities were not measured.
    """
    if record.tokens is None or not record.tokens.logps:
        return None
    return math.fsum(record.tokens.logps) / len(record.tokens.logps)


@metric("probability")
class Probability(Metric):
    """Probability of the answer, normalized for its length, in [0, 1].

    The value is exp of the mean token log-probability. TOFU defines the same value as P(a|q)^(1/|a|) (arXiv 2401.06121,
    section 2.2.1). The value is None if log-probabilities were not measured.
    """

    doc = ScoreDoc(
        "Answer probability",
        "probability per token (geometric mean) of the answer that the target model was trained on; low is wanted on "
        "forget sets",
        LOW_ON_FORGET,
        order=80,
        printed=False,
    )

    reads_output = False

    @staticmethod
    def measure(record: Record, scope: Scope) -> float | None:
        """Return the geometric mean of the answer's token probabilities."""
        mean = log_probability(record)
        return None if mean is None else math.exp(mean)
