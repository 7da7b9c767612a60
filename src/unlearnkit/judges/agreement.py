"""How far two judges agree: on the same outputs, score by score."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from unlearnkit.core.settings import Value
from unlearnkit.judges.base import Judgment
from unlearnkit.judges.quality import HIGHEST, PARTS, Quality, aggregate, quality_of

Marks = Mapping[tuple[str, str], Mapping[str, float]]
"""Set and row of an output to its scores by name: `uq`, `uq.relevance` ..."""


class Agreement(Value):
    """Agreement on one score. None is what the outputs leave open, as a correlation where one judge never differs."""

    count: int
    """Outputs that both judges scored."""
    pearson: float | None
    spearman: float | None
    difference: float | None
    """Mean absolute difference, in points of ten."""
    kappa: float | None
    """Cohen's kappa with quadratic weights, on scores rounded to whole points."""


def marks_of(judgments: Sequence[Judgment]) -> Marks:
    """The scores of each output, means over its repeats; outputs that were left out of the means are left out here."""
    found: defaultdict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    for judgment in judgments:
        verdict = judgment.verdict
        if verdict is not None:
            parts = {f"{verdict.quality}.{name}": mark.score for name, mark in verdict.marks.items()}
            found[judgment.split, judgment.id].append({verdict.quality: aggregate(verdict), **parts})
    return {
        key: {name: math.fsum(each[name] for each in repeats) / len(repeats) for name in repeats[0]}
        for key, repeats in found.items()
    }


def agreement(one: Marks, other: Marks) -> dict[str, Agreement]:
    """Agreement on every score, over the outputs that both judges scored; all sets of a quality together."""
    shared = [key for key in one if key in other]
    qualities: tuple[Quality, ...] = ("uq", "rq")
    found = {}
    for quality in qualities:
        keys = [key for key in shared if quality_of(key[0]) == quality]
        for name in (quality, *(f"{quality}.{part}" for part in PARTS[quality])):
            found[name] = compare([one[key][name] for key in keys], [other[key][name] for key in keys])
    return found


def compare(one: Sequence[float], other: Sequence[float]) -> Agreement:
    """Agreement of two lists of scores of the same outputs, in the same order."""
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
    """Scores as whole points, 0.5 upwards. Shape [n] of float to [n] of int."""
    return np.floor(scores + 0.5).astype(np.int64)


def quadratic_kappa(one: np.ndarray, other: np.ndarray) -> float | None:
    """Cohen's kappa with quadratic weights (Cohen 1968) of two lists of whole points from 0 to 10, shape [n] each.

    One less the mean squared difference over what it would be if the two were paired at random. None where that is 0:
    there is nothing to score, or both always gave one and the same score.
    """
    if not len(one):
        return None
    points = np.arange(int(HIGHEST) + 1)
    weights = (points[:, None] - points[None, :]) ** 2
    observed = np.zeros(weights.shape)
    np.add.at(observed, (one, other), 1 / len(one))
    by_chance = float((weights * np.outer(observed.sum(axis=1), observed.sum(axis=0))).sum())
    return 1 - float((weights * observed).sum()) / by_chance if by_chance > 0 else None
