"""Compute scores under attacks, and scores without attacks for comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from unlearnkit.metrics.base import METRICS
from unlearnkit.metrics.plugins.probability import log_probability
from unlearnkit.metrics.score import Score, mean_score, unbounded_mean_score
from unlearnkit.metrics.score_doc import ScoreDoc
from unlearnkit.records.schema import Record, by_set
from unlearnkit.scope.scope import Scope
from unlearnkit.text.coherence import coherence_of

Measure = Callable[[Record, Scope], float | None]

ATTACK_METRICS: dict[str, Measure] = {
    **{
        name: METRICS.get(name).plugin.measure
        for name in ("accuracy", "leak_rate", "trace_leak_rate", "refusal_rate", "probability")
    },
    "coherence": lambda record, _scope: _coherence(record),
    "log_probability": lambda record, _scope: log_probability(record),
}
"""The metrics that are computed on each record of an attack, by the metric's name."""
FROM_TOKENS = ("probability", "log_probability")
"""The metrics that are computed from token log-probabilities and not from outputs."""

ATTACK_DOCS = {
    "accuracy": ScoreDoc("answers"),
    "refusal_rate": ScoreDoc("declines"),
    "log_probability": ScoreDoc("answer's log p"),
}
"""Docs of the metrics that tables of attacks show, in the order of the columns."""

PLAIN, LEFT_OUT = "plain_", "left_out"


def attack_scores(
    attempt: str,
    records: Sequence[Record],
    plain: Sequence[Record],
    scope: Scope,
    left_out: Mapping[str, int],
) -> dict[str, Score]:
    """Return the scores of one attempt, by score name.

    `<attempt>.<split>.<metric>` is a metric under the attack. `<attempt>.<split>.plain_<metric>` is the same metric on
    the same rows without the attack. `<attempt>.<split>.left_out` is the number of rows that could not be attacked. The
    `count` of this score is the number of all rows, whether attacked or not.
    """
    asked = {(record.split, record.row.id): record for record in plain}
    sets, scores = by_set(records), {}
    for split in sorted({*sets, *left_out}):
        members = sets.get(split, [])
        unattacked = [asked[key] for record in members if (key := (split, record.row.id)) in asked]
        for name, measure in ATTACK_METRICS.items():
            scores[f"{attempt}.{split}.{name}"] = _mean(name, measure, members, scope)
            scores[f"{attempt}.{split}.{PLAIN}{name}"] = _mean(name, measure, unattacked, scope)
        out = left_out.get(split, 0)
        scores[f"{attempt}.{split}.{LEFT_OUT}"] = Score(value=float(out), count=len(members) + out)
    return scores


def _coherence(record: Record) -> float | None:
    """Return 1 if the response is coherent, else 0.

    The trace is ignored, because the attacker may have written it. Returns None if no output was generated, or if the
    response is in a language that cannot be judged.
    """
    coherent = None if record.generation is None else coherence_of(record.generation.response)
    return None if coherent is None else float(coherent)


def _mean(name: str, measure: Measure, records: Sequence[Record], scope: Scope) -> Score:
    values = [measure(record, scope) for record in records]
    measured = [value for value in values if value is not None]
    missing = sum(v is None and r.generation is not None for v, r in zip(values, records, strict=True))
    mean = unbounded_mean_score if name == "log_probability" else mean_score
    return mean(measured, unmeasured=0 if name in FROM_TOKENS else missing)
