"""Whether the subject still knows: accuracy of what it says, probability of what it was trained to say."""

from __future__ import annotations

import math

from unlearnkit.records.schema import Record
from unlearnkit.text.normalize import contains


def accuracy(record: Record) -> float | None:
    """Whether the response holds an accepted form of the answer: 1 or 0.

    A trace does not count: what matters is what the user reads. None where nothing was generated.
    """
    if record.generation is None:
        return None
    response = record.generation.response
    return float(any(contains(response, form) for form in record.row.answers))


def probability(record: Record) -> float | None:
    """Probability of the answer, normalized for its length: exp of the mean token log-probability, in [0, 1].

    P(a|q)^(1/|a|) of TOFU (arXiv 2401.06121, section 2.2.1). None where log-probabilities were not measured.
    """
    mean = log_probability(record)
    return None if mean is None else math.exp(mean)


def log_probability(record: Record) -> float | None:
    """Mean log-probability of the answer's tokens, natural logarithm: the logarithm of `probability`.

    Unlike that it tells apart what is unlikely from what is hopeless. None where it was not measured.
    """
    if record.tokens is None or not record.tokens.logps:
        return None
    return math.fsum(record.tokens.logps) / len(record.tokens.logps)
