"""Scores with bootstrap confidence intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from unlearnkit.core.settings import Value


class Score(Value):
    """The result of a metric over records."""

    value: float | None
    """None if it was not measured."""
    count: int = 0
    """Number of rows that the value was computed from."""
    low: float | None = None
    """Lower end of the 95 % bootstrap interval."""
    high: float | None = None
    """Upper end of the 95 % bootstrap interval."""


NOT_MEASURED = Score(value=None)


def mean_score(values: Sequence[float], *, draws: int = 2000, seed: int = 0) -> Score:
    """Return the mean of per-row values, with its interval.

    The interval is a 95 % percentile bootstrap (Efron 1979) over rows. The resampling is seeded and does not depend on
    the order of the rows, so a score is a function of its set of records. Without values, the score is not measured.
    """
    if not values:
        return NOT_MEASURED
    # The number of draws of each distinct value is multinomial: the same resampling, and fast if values are 0 or 1.
    distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    total = len(values)
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, size=draws)
    low, high = np.quantile(drawn @ distinct / total, [0.025, 0.975])
    return Score(value=float(counts @ distinct / total), count=total, low=float(low), high=float(high))


def resampled_score(statistic: Callable[..., float], *groups: np.ndarray, draws: int = 500, seed: int = 0) -> Score:
    """Return a statistic of independent groups of rows, with its interval.

    The interval is a 95 % percentile bootstrap (Efron 1979). Each group, an array whose first axis is its rows, is
    resampled separately. The resampling is seeded and does not depend on the order of the rows. `count` is the number
    of all rows.
    """
    ordered = [group[np.lexsort(group.reshape(len(group), -1).T)] for group in groups]
    generator = np.random.default_rng(seed)
    drawn = [
        statistic(*(group[generator.integers(len(group), size=len(group))] for group in ordered)) for _ in range(draws)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Score(value=statistic(*groups), count=sum(map(len, groups)), low=float(low), high=float(high))


def balanced_score(one: Sequence[float], other: Sequence[float]) -> Score:
    """Return the mean of two groups' means.

    Each group has half the weight, whatever its size. Not measured if one of the groups is empty.
    """
    if not one or not other:
        return NOT_MEASURED
    return resampled_score(lambda a, b: float(a.mean() + b.mean()) / 2, np.array(one), np.array(other))
