"""Aggregate judgments to scores named `judge.<judge>.<set>.<quality>`.

The judge's name comes first, as a suite's does (`tofu.forget_quality`): the scores of one judge are sorted together,
cannot be confused with another judge's, and never end in the name of a metric.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from unlearnkit.judges.base import Judged, Judgment, items_of, scope_digest
from unlearnkit.judges.llm.judge import PRESETS
from unlearnkit.judges.quality import PARTS, aggregate, quality_of
from unlearnkit.metrics.score import NOT_MEASURED, Score, mean_score, resampled_score
from unlearnkit.metrics.score_names import LAAJ, judged_name
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope


def judge_scores(judged: Iterable[Judged], records: Sequence[Record], scope: Scope) -> dict[str, Score]:
    """Return the scores of all judges of a run.

    For each judge and set: the quality, its three scores, the spread of repeated judgments, and for an LLM judge the
    shares of empty outputs and of unreadable verdicts. Sets that the judge `laaj` has not judged are "not measured".
    Judgments that no longer match the records are skipped.
    """
    items = items_of(records)
    splits = dict.fromkeys(item.split for item in items)
    scores: dict[str, Score] = {}
    for split in splits:
        quality = quality_of(split)
        assert quality is not None  # otherwise it would not be an item
        scores[judged_name(LAAJ, split, quality)] = NOT_MEASURED
    for each in judged:
        valid = valid_judgments(each, records, scope)
        for split in splits:
            scores |= _scores_of_set(each.judge, split, [j for j in valid if j.split == split])
    return scores


def valid_judgments(judged: Judged, records: Sequence[Record], scope: Scope) -> list[Judgment]:
    """Return the judgments that match the records and the scope."""
    if judged.scope is not None and judged.scope != scope_digest(scope):
        return []
    digests = {item.key: item.digest for item in items_of(records)}
    return [each for each in judged.judgments if digests.get((each.split, each.id)) == each.digest]


def _scores_of_set(judge: str, split: str, judgments: Sequence[Judgment]) -> dict[str, Score]:
    quality = quality_of(split)
    assert quality is not None
    if not judgments:
        return {judged_name(judge, split, quality): NOT_MEASURED}
    rows: defaultdict[str, list[Mapping[str, float]]] = defaultdict(list)
    for each in judgments:
        if each.verdict is not None:
            parts = {name: mark.score for name, mark in each.verdict.marks.items()}
            rows[each.id].append({"": aggregate(each.verdict), **parts})
    scores = {
        judged_name(judge, split, quality, part): mean_score(
            [math.fsum(r[part] for r in repeats) / len(repeats) for repeats in rows.values()]
        )
        for part in ("", *PARTS[quality])
    }
    if any(each.repeat for each in judgments):
        scores[judged_name(judge, split, quality, "spread")] = spread([[r[""] for r in rs] for rs in rows.values()])
    if judge in PRESETS:
        for outcome, part in (("empty", "empty"), ("unreadable", "unread")):
            share = mean_score([float(each.outcome == outcome) for each in judgments])
            scores[judged_name(judge, split, quality, part)] = share
    return scores


def spread(repeated: Sequence[Sequence[float]]) -> Score:
    """Return the standard deviation of one output's repeated scores, pooled over outputs.

    This is the square root of the mean sample variance (n - 1) over outputs. `count` is the number of outputs with more
    than one score; if there are none, the score is not measured.
    """
    variances = [float(np.var(scores, ddof=1)) for scores in repeated if len(scores) > 1]
    if not variances:
        return NOT_MEASURED
    return resampled_score(lambda values: math.sqrt(float(values.mean())), np.asarray(variances))
