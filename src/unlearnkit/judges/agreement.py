"""Measure the agreement between two judges on each score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from unlearnkit.core.settings import Value
from unlearnkit.judges.quality import PARTS, quality_of
from unlearnkit.metrics.judge_docs import HIGHEST

Marks = Mapping[tuple[str, str], Mapping[str, float]]
"""Scores of each output, by name of the score. The outer keys are pairs (row set, row id)."""


class Agreement(Value):
    """Agreement between two judges on one score.

    A measure of agreement is None if the measure is undefined. For example, correlations are undefined if one judge
    gives constant scores.
    """

    count: int
    """Number of outputs that both judges scored."""
    pearson: float | None
    spearman: float | None
    difference: float | None
    """Mean absolute difference between the judges' scores, which range from 0 to 10."""
    kappa: float | None
    """Cohen's kappa with quadratic weights, computed on scores rounded to integers."""


def agreement(one: Marks, other: Marks) -> dict[str, Agreement]:
    """Return the agreement between two judges on every score.

    The keys of the result are names of scores: `uq`, `uq.relevance`, and so on. Only outputs that both judges scored
    are compared. All row sets with the same quality are pooled.
    """
    shared = [key for key in one if key in other]
    result = {}
    for quality, parts in PARTS.items():
        keys = [key for key in shared if quality_of(key[0]) == quality]
        for part in ("", *parts):
            name = f"{quality}.{part}" if part else quality
            result[name] = compare([one[key][part] for key in keys], [other[key][part] for key in keys])
    return result


def compare(one: Sequence[float], other: Sequence[float]) -> Agreement:
    """Return the agreement between two judges' lists of scores.

    The two lists must contain scores of the same outputs in the same order.
    """
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    differ = len(a) > 1 and bool(np.ptp(a) > 0 and np.ptp(b) > 0)
    return Agreement(
        count=len(a),
        pearson=float(stats.pearsonr(a, b).statistic) if differ else None,
        spearman=float(stats.spearmanr(a, b).statistic) if differ else None,
        difference=float(np.abs(a - b).mean()) if len(a) else None,
        kappa=quadratic_kappa(rounded(a), rounded(b)),
    )


def rounded(scores: np.ndarray) -> np.ndarray:
    """Round scores to the nearest integer; halves are rounded up.

    The argument has shape [n] and dtype float, the result has shape [n] and dtype int.
    """
    return np.floor(scores + 0.5).astype(np.int64)


def quadratic_kappa(one: np.ndarray, other: np.ndarray) -> float | None:
    """Return Cohen's kappa with quadratic weights (Cohen 1968).

    Both arguments contain integers from 0 to 10 and have shape [n]. Kappa is 1 minus the ratio of two numbers: the mean
    squared difference of paired scores, and the mean squared difference that is expected if the scores are paired at
    random. The result is None if the expected difference is 0, that is, if the lists are empty or both judges gave
    every output the same score.
    """
    if not len(one):
        return None
    points = np.arange(int(HIGHEST) + 1)
    weights = (points[:, None] - points[None, :]) ** 2
    observed = np.zeros(weights.shape)
    np.add.at(observed, (one, other), 1 / len(one))
    by_chance = float((weights * np.outer(observed.sum(axis=1), observed.sum(axis=0))).sum())
    return 1 - float((weights * observed).sum()) / by_chance if by_chance > 0 else None
