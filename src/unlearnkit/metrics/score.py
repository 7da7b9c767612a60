"""A score: a value, how many rows it was made of, and how sure it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from unlearnkit.core.settings import Value


class Score(Value):
    """What a metric makes of records. `value` is None where it was not measured."""

    value: float | None
    count: int = 0
    """Number of rows the value was made of."""
    low: float | None = None
    """Lower end of the 95 % bootstrap interval."""
    high: float | None = None
    """Upper end of the 95 % bootstrap interval."""


NOT_MEASURED = Score(value=None)


def mean_score(values: Sequence[float], *, draws: int = 2000, seed: int = 0) -> Score:
    """Mean of per-row values with a 95 % percentile bootstrap interval (Efron 1979) over rows.

    The resampling is seeded and blind to the order of the rows, so that a score is a function of its set of records.
    No values: not measured.
    """
    if not values:
        return NOT_MEASURED
    # How often each distinct value is drawn is multinomial: the same resampling, and fast where values are 0 or 1.
    distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    total = len(values)
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, size=draws)
    low, high = np.quantile(drawn @ distinct / total, [0.025, 0.975])
    return Score(value=float(counts @ distinct / total), count=total, low=float(low), high=float(high))


def resampled_score(statistic: Callable[..., float], *groups: np.ndarray, draws: int = 500, seed: int = 0) -> Score:
    """A statistic of independent groups of rows, with a 95 % percentile bootstrap interval (Efron 1979).

    Each group, an array whose first axis is its rows, is resampled by itself. The resampling is seeded and blind to the
    order of the rows. The count is that of all rows.
    """
    ordered = [group[np.lexsort(group.reshape(len(group), -1).T)] for group in groups]
    generator = np.random.default_rng(seed)
    drawn = [
        statistic(*(group[generator.integers(len(group), size=len(group))] for group in ordered)) for _ in range(draws)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Score(value=statistic(*groups), count=sum(map(len, groups)), low=float(low), high=float(high))
