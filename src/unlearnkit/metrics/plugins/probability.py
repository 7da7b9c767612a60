"""Metric `probability`: the subject's probability of the answer."""

from __future__ import annotations

import math

from unlearnkit.metrics.base import Metric, metric
from unlearnkit.metrics.score_doc import LOW_ON_FORGET, ScoreDoc
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope


def log_probability(record: Record) -> float | None:
    """Return the mean log-probability of the answer's tokens.

    This is the natural logarithm of `probability`, and distinguishes unlikely answers from nearly impossible ones. None
    if it was not measured.
    """
    if record.tokens is None or not record.tokens.logps:
        return None
    return math.fsum(record.tokens.logps) / len(record.tokens.logps)


@metric("probability")
class Probability(Metric):
    """Probability of the answer, normalized for its length, in [0, 1].

    It is exp of the mean token log-probability: P(a|q)^(1/|a|) of TOFU (arXiv 2401.06121, section 2.2.1). None if
    log-probabilities were not measured.
    """

    doc = ScoreDoc(
        "Answer probability",
        "of the answer that it was trained on, per token; low is wanted on forget sets",
        LOW_ON_FORGET,
        order=80,
        printed=False,
    )

    @staticmethod
    def measure(record: Record, scope: Scope) -> float | None:
        """Take the geometric mean over the answer's tokens."""
        mean = log_probability(record)
        return None if mean is None else math.exp(mean)
