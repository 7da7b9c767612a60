"""Aggregate judgments into scores named `judge.<judge>.<set>.<quality>`.

The name of a score contains the name of the judge, so the scores of different judges cannot be confused. The judge's
name comes before the row set, so the scores of one judge are sorted together. A judge's score cannot be confused with a
metric either, because its name never ends with the name of a metric.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from unlearnkit.judges.base import Judged, Judgment, items_of, scope_digest
from unlearnkit.judges.llm.judge import PRESETS
from unlearnkit.judges.quality import PARTS, Quality, aggregate
from unlearnkit.metrics.judge_docs import HIGHEST
from unlearnkit.metrics.score import NOT_MEASURED, Score, mean_score
from unlearnkit.metrics.score_names import LAAJ, judged_name
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope


def judge_scores(judged: Iterable[Judged], records: Sequence[Record], scope: Scope) -> dict[str, Score]:
    """Return the scores of all judges of a run.

    For each judge and row set, the result contains the quality and the three scores whose mean is the quality. If
    outputs were judged repeatedly, the result also contains the spread of the repeated judgments. For LLM judges, the
    result also contains the share of empty outputs and the share of unreadable verdicts. If the judge `laaj` has not
    judged a row set, the quality on this set is "not measured". Judgments that no longer match the records or the scope
    are skipped.
    """
    qualities = {item.split: item.quality for item in items_of(records)}
    scores = {judged_name(LAAJ, split, quality): NOT_MEASURED for split, quality in qualities.items()}
    for each in judged:
        valid = valid_judgments(each, records, scope)
        for split, quality in qualities.items():
            scores |= _scores_of_set(each.judge, split, quality, [j for j in valid if j.split == split])
    return scores


def valid_judgments(judged: Judged, records: Sequence[Record], scope: Scope) -> list[Judgment]:
    """Return the judgments that match the current records and scope."""
    if judged.scope is not None and judged.scope != scope_digest(scope):
        return []
    digests = {(item.split, item.row.id): item.digest for item in items_of(records)}
    return [each for each in judged.judgments if digests.get((each.split, each.id)) == each.digest]


def repeated_scores(judgments: Iterable[Judgment]) -> dict[tuple[str, str], list[dict[str, float]]]:
    """Return the scores of each output, with one dictionary per judgment.

    The keys of the result are pairs (row set, row id). Each dictionary maps the names of the three scores to their
    values. The key `""` has the quality, which is the mean of the three scores. Judgments without a verdict are
    skipped.
    """
    scores: defaultdict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    for each in judgments:
        if each.verdict is not None:
            parts = {name: mark.score for name, mark in each.verdict.marks.items()}
            scores[each.split, each.id].append({"": aggregate(each.verdict), **parts})
    return scores


def mean_scores(judgments: Iterable[Judgment]) -> dict[tuple[str, str], dict[str, float]]:
    """Return the scores of each output, averaged over repeated judgments.

    The keys are the same as in `repeated_scores`.
    """
    return {
        output: {part: math.fsum(scores[part] for scores in repeats) / len(repeats) for part in repeats[0]}
        for output, repeats in repeated_scores(judgments).items()
    }


def _scores_of_set(judge: str, split: str, quality: Quality, judgments: Sequence[Judgment]) -> dict[str, Score]:
    if not judgments:
        return {judged_name(judge, split, quality): NOT_MEASURED}
    means = mean_scores(judgments).values()
    scores = {
        part: mean_score([of_output[part] for of_output in means], highest=HIGHEST) for part in ("", *PARTS[quality])
    }
    if any(each.repeat for each in judgments):
        repeated = repeated_scores(judgments).values()
        scores["spread"] = spread([[of_repeat[""] for of_repeat in repeats] for repeats in repeated])
    if judge in PRESETS:
        scores["empty"] = mean_score([float(each.outcome == "empty") for each in judgments])
        scores["unread"] = mean_score([float(each.outcome == "unreadable") for each in judgments])
    return {judged_name(judge, split, quality, part): score for part, score in scores.items()}


def spread(repeated: Sequence[Sequence[float]]) -> Score:
    """Return the pooled standard deviation of repeated scores.

    For each output, the sample variance (with n - 1) of the output's repeated scores is computed. The result is the
    square root of the mean of these variances. The result's `count` is the number of outputs with more than one score.
    If there is no such output, the spread is "not measured".

    Args:
        repeated: for each output, the scores from repeated judgments.
    """
    variances = [float(np.var(scores, ddof=1)) for scores in repeated if len(scores) > 1]
    if not variances:
        return NOT_MEASURED
    # The variance of two scores is at most HIGHEST^2 / 2, and that of more scores is smaller.
    mean = mean_score(variances, highest=HIGHEST**2 / 2)
    assert mean.value is not None and mean.low is not None and mean.high is not None
    return Score(value=math.sqrt(mean.value), count=mean.count, low=math.sqrt(mean.low), high=math.sqrt(mean.high))
