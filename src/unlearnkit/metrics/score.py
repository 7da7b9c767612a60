"""Scores with confidence intervals.

The unit of a run's scores is the row: an interval shows how much a score would change with other questions. Rows about
one subject resemble each other, so the interval of a run says nothing about other subjects, other seeds or other
worlds. For statements about a method, the unit is the subject; see `mean_over_subjects`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from pydantic import SerializerFunctionWrapHandler, model_serializer

from unlearnkit.core.errors import InputError
from unlearnkit.core.settings import Value
from unlearnkit.metrics.intervals import mean_interval

_ROUNDING = 1e-6
"""Values may exceed their range by this share of the range, because of rounding errors."""
_ENDS = (0.025, 0.975)


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
    """Lower end of the 95 % confidence interval; `high` is the upper end. Both are None if there is no interval."""
    high: float | None = None
    subject: int | None = None
    """Number of the subject that the score is about, see `metrics.subject_scores`. It is None if the score is about
    all rows of a set."""

    @model_serializer(mode="wrap")
    def _without_defaults(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out `unmeasured` and `subject` at their defaults, as in earlier files."""
        fields: dict[str, Any] = dump(self)
        defaults = {"unmeasured": 0, "subject": None}
        return {name: value for name, value in fields.items() if name not in defaults or value != defaults[name]}


NOT_MEASURED = Score(value=None)


def mean_score(values: Sequence[float], *, unmeasured: int = 0, highest: float = 1.0) -> Score:
    """Return the mean of values from 0 to `highest`.

    The interval is that of `intervals.mean_interval`: the exact interval of Clopper and Pearson if all values are 0 or
    `highest`, and Gaffke's bounds otherwise. It is never a single point, not even if all values are 0. It treats the
    rows as independent draws. If `values` is empty, the score is "not measured". If a value is NaN, the score is NaN
    and has no interval.

    Args:
        values: one value per row.
        unmeasured: number of rows that the values lack because the metric could not be measured on them.
        highest: largest possible value.

    Raises:
        InputError: a value is outside the range; see `unbounded_mean_score`.
    """
    if not values:
        return Score(value=None, unmeasured=unmeasured)
    outside = next((value for value in values if not within_range(value, highest)), None)
    if outside is not None:
        raise InputError(
            "a value is outside the range of the score",
            value=outside,
            allowed=f"0 to {highest:g}",
            fix="use unbounded_mean_score if the values have no known range",
        )
    shares = np.asarray(values, dtype=np.float64) / highest
    mean = math.fsum(shares) / len(shares)
    if math.isnan(mean):
        return Score(value=mean, count=len(values), unmeasured=unmeasured)
    low, high = mean_interval(np.clip(shares, 0.0, 1.0).tolist())
    return Score(value=mean * highest, count=len(values), unmeasured=unmeasured, low=low * highest, high=high * highest)


def within_range(value: float, highest: float) -> bool:
    """Return whether a value is in the range, NaN, or barely outside."""
    return not (value < -_ROUNDING * highest or value > (1 + _ROUNDING) * highest)


def mean_over_subjects(values: Sequence[float]) -> Score:
    """Return the mean of one value per subject.

    Use this function for statements about a method. The interval covers other subjects. It is that of `mean_score`,
    which holds for any number of
    subjects and for rates near 0 and 1, where an interval from Student's t does not hold. The number of questions about
    a subject does not matter, so many questions about few subjects do not make the interval narrow. The subjects must
    be independent of each other. If several runs measured a subject, for example with several seeds, average over
    these runs first. Subjects of different worlds are different subjects. If a statement is about other worlds or
    seeds, the unit is the world or the seed: then give one value per world or seed, averaged over its subjects.

    Args:
        values: one value from 0 to 1 per subject, such as the share of questions that reveal something about it.

    Raises:
        InputError: a value is outside 0 to 1.
    """
    return mean_score(values)


def unbounded_mean_score(values: Sequence[float], *, unmeasured: int = 0, draws: int = 2000, seed: int = 0) -> Score:
    """Return the mean of values without a known range.

    The interval is the percentile interval of a bootstrap over rows (Efron 1979). The resampling is seeded and does not
    depend on the order of the rows, so the same records always give the same score. A single row has no interval. If
    `values` is empty, the score is "not measured". `unmeasured` is the number of rows that the values lack because the
    metric could not be measured on them.
    """
    if not values:
        return Score(value=None, unmeasured=unmeasured)
    # In a bootstrap over rows, the counts of the distinct values follow a multinomial distribution. Drawing the counts
    # directly is equivalent to drawing rows, and is faster if there are few distinct values.
    distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    total = len(values)
    mean = float(counts @ distinct / total)
    if total == 1:
        return Score(value=mean, count=1, unmeasured=unmeasured)
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, size=draws)
    low, high = np.quantile(drawn @ distinct / total, _ENDS)
    return Score(value=mean, count=total, unmeasured=unmeasured, low=float(low), high=float(high))


class Group(NamedTuple):
    """Rows of one group, with the two most extreme possible rows."""

    rows: np.ndarray
    """(rows, ...) the values of each row."""
    lowest: Any
    """The row with which the statistic is lowest."""
    highest: Any
    """The row with which the statistic is highest."""


Statistic = Callable[..., np.ndarray]
"""Takes two arguments per group: the rows, and their weights (draws, rows), which sum to 1. Returns (draws,) values."""


def resampled_score(value: float, statistic: Statistic, *groups: Group, draws: int = 1000, seed: int = 0) -> Score:
    """Return a statistic of groups of rows.

    The statistic must have a known range, and the groups must be independent of each other.

    The interval generalizes Gaffke's bound (see `metrics.intervals`) from the mean to other statistics. Each group gets
    one more row, the most extreme possible row, and all rows get random weights, as in the Bayesian bootstrap (Rubin
    1981). The ends are quantiles of the statistic. Because of the extreme row, the interval is not a single point if
    all rows are equal. It is not proven to hold. The resampling is seeded and does not depend on the order of the rows.

    Args:
        value: the statistic of the rows with equal weights.
        statistic: the statistic, as a function of rows and weights.
        groups: at least one row in each group. The score's `count` is the number of rows in all groups.
    """
    ends = []
    for side, end in zip(("lowest", "highest"), _ENDS, strict=True):
        generator, given = np.random.default_rng(seed), []
        for group in groups:
            rows = group.rows[np.lexsort(group.rows.reshape(len(group.rows), -1).T)]
            rows = np.concatenate([rows, np.asarray(getattr(group, side), dtype=np.float64)[None]])
            given += [rows, generator.dirichlet(np.ones(len(rows)), size=draws)]
        ends.append(float(np.quantile(statistic(*given), end)))
    return Score(value=value, count=sum(len(group.rows) for group in groups), low=ends[0], high=ends[1])


def balanced_score(one: Sequence[float], other: Sequence[float]) -> Score:
    """Return the mean of the means of two groups.

    All values are from 0 to 1. Both groups have the same weight, regardless of their sizes. The score is "not measured"
    if either group is empty.
    """
    if not one or not other:
        return NOT_MEASURED
    a, b = (np.asarray(values, dtype=np.float64) for values in (one, other))

    def balanced(a: np.ndarray, a_weights: np.ndarray, b: np.ndarray, b_weights: np.ndarray) -> np.ndarray:
        mean: np.ndarray = (a_weights @ a + b_weights @ b) / 2
        return mean

    return resampled_score(float(a.mean() + b.mean()) / 2, balanced, Group(a, 0.0, 1.0), Group(b, 0.0, 1.0))
