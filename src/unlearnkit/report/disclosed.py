"""Warn about models whose outputs disclose the request."""

from __future__ import annotations

from unlearnkit.core.number_format import percent
from unlearnkit.data.vocabulary import ordered_sets
from unlearnkit.metrics.score_names import ScoreName
from unlearnkit.report.model import SubjectReport

METRIC = "disclosure_rate"


def disclosed(subject: SubjectReport) -> dict[str, float]:
    """Return the disclosure rates above 0, by row set.

    The result is empty for a reference model, which was not trained to keep the request to itself.
    """
    rates = {ScoreName.parse(flat): score.value for flat, score in subject.scores.items() if not subject.is_reference}
    found = {name.split: value for name, value in rates.items() if name.metric == METRIC and value}
    return {split: found[split] for split in ordered_sets(found)}


def disclosure_sentence(subject: SubjectReport) -> str:
    """Return a warning, or an empty text if nothing was disclosed."""
    rates = ", ".join(f"{percent(rate)} on {split}" for split, rate in disclosed(subject).items())
    return f"Its outputs give away who the request is about: {rates}." if rates else ""
