"""Compute TOFU's scores from records.

The names of the scores begin with `tofu.`. No model is needed. If TOFU's code or OpenUnlearning deviates from the
paper, the deviating definition is a separate score. The name of this score ends in `_tofu_code` or `_open_unlearning`.
See `unlearnkit.suites.tofu.formulas` for the formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from unlearnkit.metrics.membership_scores import membership_scores
from unlearnkit.metrics.memorization import mean_logp, memorization_scores, rouge
from unlearnkit.metrics.score import NOT_MEASURED, Group, Score, mean_score, resampled_score
from unlearnkit.records.schema import Record, by_set
from unlearnkit.suites.tofu import formulas as tofu

FORGET, RETAIN = "forget", "retain"
UTILITY = {"retain": "retain", "utility.real_authors": "real_authors", "utility.world_facts": "world_facts"}
"""Maps each set on which model utility is computed to the set's name in TOFU's scores."""
SETS = {FORGET: FORGET, **UTILITY}


class _Variant(NamedTuple):
    """Truth ratio and option probability, as one source defines them.

    The sources are TOFU's paper, TOFU's code and OpenUnlearning.
    """

    suffix: str
    ratio: Callable[[float, Sequence[float]], float]
    option: Callable[[float, Sequence[float]], float]


_PAPER = _Variant("", tofu.truth_ratio, tofu.option_probability)
_VARIANTS = (
    _PAPER,
    _Variant("_tofu_code", tofu.truth_ratio_tofu_logged, tofu.option_probability),
    _Variant("_open_unlearning", tofu.truth_ratio_open_unlearning, tofu.option_probability_open_unlearning),
)


def tofu_scores(records: Sequence[Record], retrained: Sequence[Record]) -> dict[str, Score]:
    """Compute every score of TOFU.

    Args:
        records: records of the model under test, on the set `holdout` and the sets that `SETS` lists. A score is not
            measured if the records of a set that this score needs are missing.
        retrained: records of the retrained model on the same sets; if empty, forget quality, the reference attack and
            PrivLeak are not measured.
    """
    ours, theirs = by_set(records), by_set(retrained)
    scores: dict[str, Score] = {}
    for variant in _VARIANTS:
        scores |= _utility_scores(ours, variant) | _forget_quality(ours, theirs, variant)
    for name, short in SETS.items():
        members = ours.get(name, [])
        scores[f"tofu.{short}.probability"] = _mean(_probability(record, _PAPER, name) for record in members)
        scores |= {f"tofu.{short}.{metric}": score for metric, score in memorization_scores(members).items()}
    return scores | {f"tofu.{name}": score for name, score in membership_scores(ours, theirs).items()}


def _mean(values: Iterable[float | None]) -> Score:
    return mean_score([value for value in values if value is not None])


def _ratio(record: Record, variant: _Variant) -> float | None:
    """Return a record's truth ratio, or None if it was not measured.

    If the record has no paraphrased answer, the original answer is used as the correct answer.
    """
    right = record.paraphrased if record.paraphrased else record.tokens and record.tokens.logps
    if not right or not record.perturbed:
        return None
    return variant.ratio(mean_logp(right), [mean_logp(wrong) for wrong in record.perturbed])


def _probability(record: Record, variant: _Variant, split: str) -> float | None:
    """Return the probability of a record's answer.

    For real authors and world facts, return the answer's share of the total probability of all options. Returns None if
    the probability was not measured.
    """
    if record.tokens is None:
        return None
    if split in (FORGET, RETAIN):
        return tofu.answer_probability(record.tokens.logps)
    wrong = [mean_logp(logps) for logps in record.perturbed]
    return variant.option(mean_logp(record.tokens.logps), wrong) if wrong else None


def _utility_scores(ours: Mapping[str, Sequence[Record]], variant: _Variant) -> dict[str, Score]:
    """Compute model utility, retain utility, and the truth utility of each set."""
    sets = {name: _utility(ours.get(name, []), variant, name) for name in UTILITY}
    scores = {"tofu.model_utility": _harmonic(*sets.values()), "tofu.retain_utility": _harmonic(sets[RETAIN])}
    for name, short in UTILITY.items():
        ratios = _ratios(ours.get(name, []), variant)
        scores[f"tofu.{short}.truth_ratio"] = mean_score([tofu.truth_utility([ratio]) for ratio in ratios])
    if variant.option is not tofu.option_probability:
        for name, short in UTILITY.items():
            if name != RETAIN:
                values = (_probability(record, variant, name) for record in ours.get(name, []))
                scores[f"tofu.{short}.probability"] = _mean(values)
    return {name + variant.suffix: score for name, score in scores.items()}


def _ratios(records: Sequence[Record], variant: _Variant) -> list[float]:
    return [ratio for record in records if (ratio := _ratio(record, variant)) is not None]


def _utility(records: Sequence[Record], variant: _Variant, split: str) -> np.ndarray:
    """Return the probability, ROUGE-L recall and truth utility of each row.

    The array has shape (rows, 3). Rows for which one of the three values was not measured are left out.
    """
    rows = []
    for record in records:
        recall, ratio = rouge(record), _ratio(record, variant)
        probability = _probability(record, variant, split)
        if recall is not None and ratio is not None and probability is not None:
            rows.append((probability, recall.rouge_l, tofu.truth_utility([ratio])))
    return np.asarray(rows, dtype=np.float64).reshape(len(rows), 3)


def _harmonic(*sets: np.ndarray) -> Score:
    """Return the harmonic mean of the column means of all sets.

    The score is not measured if a set has no rows.
    """
    if not all(map(len, sets)):
        return NOT_MEASURED

    def utility(*given: np.ndarray) -> np.ndarray:
        means = np.concatenate([weights @ rows for rows, weights in zip(given[::2], given[1::2], strict=True)], axis=1)
        return np.array([tofu.harmonic_mean(parts) for parts in means.tolist()])

    value = tofu.harmonic_mean([float(part) for rows in sets for part in rows.mean(0)])
    return resampled_score(value, utility, *(Group(rows, np.zeros(3), np.ones(3)) for rows in sets))


def _forget_quality(
    ours: Mapping[str, Sequence[Record]], theirs: Mapping[str, Sequence[Record]], variant: _Variant
) -> dict[str, Score]:
    """Compute forget quality, its logarithm, and the closeness of the truth ratios."""
    ratios, others = _ratios(ours.get(FORGET, []), variant), _ratios(theirs.get(FORGET, []), variant)
    quality = log = NOT_MEASURED
    if ratios and others:
        quality = Score(value=tofu.forget_quality(ratios, others), count=len(ratios))
        log = Score(value=tofu.log_forget_quality(ratios, others), count=len(ratios))
    return {
        f"tofu.forget_quality{variant.suffix}": quality,
        f"tofu.log_forget_quality{variant.suffix}": log,
        f"tofu.forget.truth_ratio{variant.suffix}": mean_score([tofu.truth_closeness([ratio]) for ratio in ratios]),
    }
