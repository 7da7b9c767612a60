"""Scores with bootstrap confidence intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from pydantic import SerializerFunctionWrapHandler, model_serializer

from unlearnkit.core.settings import Value


class Score(Value):
    """A score over several rows, with its confidence interval."""

    value: float | None
    """Value of the score. It is None if the score was not measured."""
    count: int = 0
    """Number of rows from which the value was computed."""
    unmeasured: int = 0
    """Number of rows with an output on which the metric could not be measured, for example because no detector can
    judge the language of the output."""
    low: float | None = None
    """Lower end of the 95 % bootstrap confidence interval."""
    high: float | None = None
    """Upper end of the 95 % bootstrap confidence interval."""

    @model_serializer(mode="wrap")
    def _without_zero(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out `unmeasured` if it is 0, as in earlier files."""
        fields: dict[str, Any] = dump(self)
        if not self.unmeasured:
            fields.pop("unmeasured", None)
        return fields


NOT_MEASURED = Score(value=None)


def mean_score(values: Sequence[float], *, unmeasured: int = 0, draws: int = 2000, seed: int = 0) -> Score:
    """Return the mean of per-row values, with its confidence interval.

    The interval is the 95 % percentile interval of a bootstrap over rows (Efron 1979). The resampling is seeded and
    does not depend on the order of the rows, so the same records always give the same score. If `values` is empty, the
    score is "not measured". `unmeasured` is the number of rows that the values lack because the metric could not be
    measured on them.
    """
    if not values:
        return Score(value=None, unmeasured=unmeasured)
    # In a bootstrap over rows, the counts of the distinct values follow a multinomial distribution. Drawing the counts
    # directly is equivalent to drawing rows, and is faster if there are few distinct values, such as 0 and 1.
    distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    total = len(values)
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, size=draws)
    low, high = np.quantile(drawn @ distinct / total, [0.025, 0.975])
    mean = float(counts @ distinct / total)
    return Score(value=mean, count=total, unmeasured=unmeasured, low=float(low), high=float(high))


def resampled_score(statistic: Callable[..., float], *groups: np.ndarray, draws: int = 500, seed: int = 0) -> Score:
    """Return a statistic of independent groups of rows, with its confidence interval.

    The interval is the 95 % percentile interval of a bootstrap (Efron 1979). Each group is an array with one entry per
    row along the first axis. The groups are resampled separately. The resampling is seeded and does not depend on the
    order of the rows. The score's `count` is the total number of rows in all groups.
    """
    ordered = [group[np.lexsort(group.reshape(len(group), -1).T)] for group in groups]
    generator = np.random.default_rng(seed)
    drawn = [
        statistic(*(group[generator.integers(len(group), size=len(group))] for group in ordered)) for _ in range(draws)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Score(value=statistic(*groups), count=sum(map(len, groups)), low=float(low), high=float(high))


def balanced_score(one: Sequence[float], other: Sequence[float]) -> Score:
    """Return the mean of the means of two groups of values.

    Both groups have the same weight, regardless of their sizes. The score is "not measured" if either group is empty.
    """
    if not one or not other:
        return NOT_MEASURED
    return resampled_score(lambda a, b: float(a.mean() + b.mean()) / 2, np.array(one), np.array(other))
