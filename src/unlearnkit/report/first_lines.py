"""The sentences that come first in every report.

They begin every verdict, printed board, report and model card. They state what speaks against the model: whether it was
damaged, and what it still tells if its output is begun for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from unlearnkit.core.number_format import number, percent
from unlearnkit.data.vocabulary import REFERENCES, TARGET, ordered_sets, set_title, showing_kept
from unlearnkit.metrics.default_gates import ELICITED, Scores, limit
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.metrics.score_names import ScoreName
from unlearnkit.report.headline import headline

COHERENT, BROKEN = 0.9, 0.5
"""Thresholds for the share of coherent outputs on the worst row set. If the share is below the first threshold, the
first line states that the model's text suffers. If the share is below the second threshold, it states that the text
breaks down."""
KEPT = 0.8
"""Smallest share of the target model's score that counts as kept. If the model has a smaller share on any row set of
knowledge to keep, the first line states that the model lost knowledge."""
KNOWS = 0.05
"""Smallest probability or accuracy that is called knowledge. A target model that hardly knows the answers, such as one
that was never trained on them, has smaller values."""
DECLINES = 0.5
"""Share of declined forget questions above which the sentence states that the model declines."""

_WAYS = {
    "forget.elicited_probability": "the probability of an answer is {} per token",
    "forget.begun_accuracy": "{} of the answers are right if their first words are given",
    "forget.no_trace_accuracy": "{} are right without a trace",
}
assert tuple(_WAYS) == ELICITED


def first_lines(name: str, scores: Scores, docs: ScoreDocs) -> list[str]:
    """Return the sentences about a model, damage first.

    Args:
        name: name of the model.
        scores: scores of this model and of the reference models.
        docs: docs of all scores.

    Returns:
        One or two sentences. The list is empty if nothing was measured that the sentences state.
    """
    return [line for line in (_damage(name, scores, docs), _elicited(name, scores)) if line]


def _damage(name: str, scores: Scores, docs: ScoreDocs) -> str:
    """Return a sentence on the damage to the model."""
    own = docs.on_board(scores[name])
    found = [
        _incoherent(own),
        _lost(own, docs.on_board(scores.get(TARGET, {})), headline(scores.values(), docs).metric),
    ]
    parts = " and ".join(filter(None, found))
    return f"The model is damaged: {parts}." if parts else ""


def _incoherent(own: Mapping[ScoreName, Score]) -> str:
    shares = {place.split: score.value or 0.0 for place, score in own.items() if place.metric == "coherence"}
    worst = min(ordered_sets(shares), key=lambda split: shares[split], default=None)
    if worst is None or shares[worst] >= COHERENT:
        return ""
    effect = "breaks down" if shares[worst] < BROKEN else "suffers"
    return f"its text {effect} (only {percent(shares[worst])} of the outputs on {worst} are coherent)"


def _lost(own: Mapping[ScoreName, Score], target: Mapping[ScoreName, Score], metric: str) -> str:
    """Return words on the row set that lost most knowledge.

    The set `retain`, which is trained on, counts only if no retain rows were held out (see `showing_kept`).
    """
    shares = {}
    for place, score in own.items():
        before = target.get(place, NOT_MEASURED).value
        if place.metric == metric and before and score.value is not None:
            shares[place.split] = (score.value / before, score.value, before)
    shares = {split: shares[split] for split in showing_kept(shares)}
    worst = min(ordered_sets(shares), key=lambda split: shares[split][0], default=None)
    if worst is None or shares[worst][0] >= KEPT:
        return ""
    _, value, before = shares[worst]
    return f"it lost what it had to keep ({set_title(worst)}: {percent(value)}, target model: {percent(before)})"


def _elicited(name: str, scores: Scores) -> str:
    """Return a sentence on what a begun output tells."""
    own = scores[name]
    values = {flat: own.get(flat, NOT_MEASURED).value for flat in ELICITED}
    measured = {flat: value for flat, value in values.items() if value is not None}
    if not measured:
        return ""
    limits = {flat: limit(flat, scores) for flat in measured}
    above = {flat: value for flat, value in measured.items() if (most := limits[flat]) is not None and value > most}
    ways = ", ".join(_way(flat, value, scores, name) for flat, value in measured.items())
    declined = own.get("forget.refusal_rate", NOT_MEASURED).value
    start = f"It declines {percent(declined)} of the forget questions. " if declined and declined >= DECLINES else ""
    if any(value >= KNOWS for value in above.values()):
        return f"{start}It still knows the answers: {ways}."
    if above:
        return f"{start}If its output is begun, it tells more than the default gates allow, but little: {ways}."
    if None in limits.values():
        return (
            f"{start}What it still tells if its output is begun: {ways}. There is no reference model to compare with."
        )
    return f"{start}If its output is begun, it tells no more than the default gates allow: {ways}."


def _way(flat: str, value: float, scores: Scores, name: str) -> str:
    written = number if flat.endswith("probability") else percent
    compared = [
        f"{reference} model: {written(other)}"
        for reference in REFERENCES
        if reference != name and (other := scores.get(reference, {}).get(flat, NOT_MEASURED).value) is not None
    ]
    return _WAYS[flat].format(written(value)) + (f" ({', '.join(compared)})" if compared else "")
