"""The board of TOFU: from records to its scores, under the names `tofu.<...>`; no model is needed.

Where the original code (`_tofu_code`) or OpenUnlearning (`_open_unlearning`) compute something else than the paper,
their variant stands beside it under its own name; see `unlearnkit.suites.tofu.formulas` for the formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from unlearnkit.metrics.membership_scores import membership_scores
from unlearnkit.metrics.memorization import mean_logp, memorization_scores, rouge
from unlearnkit.metrics.score import NOT_MEASURED, Score, mean_score, resampled_score
from unlearnkit.records.schema import Record, by_set
from unlearnkit.suites.tofu import formulas as tofu
from unlearnkit.suites.tofu.formulas import SetUtility

FORGET, RETAIN = "forget", "retain"
UTILITY = {"retain": "retain", "utility.real_authors": "real_authors", "utility.world_facts": "world_facts"}
"""Sets that make model utility, and their names among TOFU's scores."""


class _Variant(NamedTuple):
    """One way of computing what is computed in several ways."""

    suffix: str
    ratio: Callable[[float, Sequence[float]], float]
    option: Callable[[float, Sequence[float]], float]


_PAPER = _Variant("", tofu.truth_ratio, tofu.option_probability)
_VARIANTS = (
    _PAPER,
    _Variant("_tofu_code", tofu.truth_ratio_tofu_logged, tofu.option_probability),
    _Variant("_open_unlearning", tofu.truth_ratio_open_unlearning, tofu.option_probability_open_unlearning),
)


class _Utility(NamedTuple):
    """A set's rows as (rows, 3) values of probability, ROUGE-L recall and truth; empty where one was not measured."""

    rows: np.ndarray

    def means(self) -> SetUtility:
        return SetUtility(*map(float, self.rows.mean(0))) if len(self.rows) else SetUtility(None, None, None)


def tofu_scores(records: Sequence[Record], retrained: Sequence[Record]) -> dict[str, Score]:
    """Every score of TOFU.

    Args:
        records: of the subject, on the sets `forget`, `holdout` and those of `UTILITY`; a score whose sets are missing
            is not measured.
        retrained: the same of the retrained model; empty where there is none: then forget quality, the reference attack
            and PrivLeak are not measured.
    """
    ours, theirs = by_set(records), by_set(retrained)
    scores: dict[str, Score] = {}
    for variant in _VARIANTS:
        scores |= _utility_scores(ours, variant) | _forget_quality(ours, theirs, variant)
    for name, short in {FORGET: FORGET, **UTILITY}.items():
        found = ours.get(name, [])
        scores[f"tofu.{short}.probability"] = _mean(_probability(record, _PAPER, name) for record in found)
        scores |= {f"tofu.{short}.{metric}": score for metric, score in memorization_scores(found).items()}
    return scores | {f"tofu.{name}": score for name, score in membership_scores(ours, theirs).items()}


def _mean(values: Iterable[float | None]) -> Score:
    return mean_score([value for value in values if value is not None])


def _ratio(record: Record, variant: _Variant) -> float | None:
    """The truth ratio; real authors and world facts, which have no paraphrase, are held against the answer itself."""
    right = record.paraphrased if record.paraphrased else record.tokens and record.tokens.logps
    if not right or not record.perturbed:
        return None
    return variant.ratio(mean_logp(right), [mean_logp(wrong) for wrong in record.perturbed])


def _probability(record: Record, variant: _Variant, split: str) -> float | None:
    """Of the answer; among the options for real authors and world facts."""
    if record.tokens is None:
        return None
    if split in (FORGET, RETAIN):
        return tofu.answer_probability(record.tokens.logps)
    wrong = [mean_logp(logps) for logps in record.perturbed]
    return variant.option(mean_logp(record.tokens.logps), wrong) if wrong else None


def _utility_scores(ours: Mapping[str, Sequence[Record]], variant: _Variant) -> dict[str, Score]:
    """Model utility, utility on retain alone, and the truth component of each set."""
    sets = {name: _utility(ours.get(name, []), variant, name) for name in UTILITY}
    retain = [sets[RETAIN]]
    scores = {
        "tofu.model_utility": _harmonic(list(sets.values())),
        "tofu.retain_utility": _harmonic(retain),
        **{f"tofu.{short}.truth_ratio": _mean(_truths(ours.get(name, []), variant)) for name, short in UTILITY.items()},
    }
    if variant.option is not tofu.option_probability:
        for name, short in UTILITY.items():
            if name != RETAIN:
                values = (_probability(record, variant, name) for record in ours.get(name, []))
                scores[f"tofu.{short}.probability"] = _mean(values)
    return {name + variant.suffix: score for name, score in scores.items()}


def _truths(records: Sequence[Record], variant: _Variant) -> list[float | None]:
    ratios = (_ratio(record, variant) for record in records)
    return [None if ratio is None else tofu.truth_utility([ratio]) for ratio in ratios]


def _utility(records: Sequence[Record], variant: _Variant, split: str) -> _Utility:
    """Rows on which all three components were measured."""
    rows = []
    for record in records:
        recall, ratio = rouge(record), _ratio(record, variant)
        probability = _probability(record, variant, split)
        if recall is not None and ratio is not None and probability is not None:
            rows.append((probability, recall.rouge_l, tofu.truth_utility([ratio])))
    return _Utility(np.asarray(rows, dtype=np.float64).reshape(len(rows), 3))


def _harmonic(sets: Sequence[_Utility]) -> Score:
    if any(not len(part.rows) for part in sets):
        return NOT_MEASURED

    def utility(*groups: np.ndarray) -> float:
        value = tofu.harmonic_mean([float(part) for rows in groups for part in rows.mean(0)])
        assert value is not None  # none of the components is
        return value

    return resampled_score(utility, *(part.rows for part in sets))


def _forget_quality(
    ours: Mapping[str, Sequence[Record]], theirs: Mapping[str, Sequence[Record]], variant: _Variant
) -> dict[str, Score]:
    """Forget quality and its logarithm, and how close the truth ratios are to 1."""
    found = [_ratio(record, variant) for record in ours.get(FORGET, [])]
    ratios = [ratio for ratio in found if ratio is not None]
    others = [ratio for record in theirs.get(FORGET, []) if (ratio := _ratio(record, variant)) is not None]
    quality = log = NOT_MEASURED
    if ratios and others:
        quality = Score(value=tofu.forget_quality(ratios, others), count=len(ratios))
        log = Score(value=tofu.log_forget_quality(ratios, others), count=len(ratios))
    return {
        f"tofu.forget_quality{variant.suffix}": quality,
        f"tofu.log_forget_quality{variant.suffix}": log,
        f"tofu.forget.truth_ratio{variant.suffix}": mean_score([tofu.truth_closeness([ratio]) for ratio in ratios]),
    }
