"""Test whether one model's score is higher than another model's.

Correct the p-values of all tests that a table or a list of sentences makes together with `metrics.intervals.holm`. The
tests treat the rows of the two models as independent. If both models answered the same questions, their scores are
usually correlated, and the p-values are then too high rather than too low.
"""

from __future__ import annotations

import math

from unlearnkit.metrics.score import Score

SIGNIFICANT = 0.05
"""Significance level. A difference counts as shown if its corrected p-value is below this level."""
_NORMAL = 1.959964
"""Half-width of a 95 % interval of a normal distribution, in standard deviations."""


def higher_rate_p(one: Score, other: Score) -> float:
    """Return the p-value for a higher rate in `one`.

    This is Fisher's exact test, one-sided, for means of 0/1 values.

    Args:
        one: a measured mean of 0/1 values.
        other: a measured mean of 0/1 values.
    """
    # Imported here, because scipy takes long to import, and reading a recipe should be fast.
    from scipy.stats import fisher_exact

    table = [(ones := round(each.count * (each.value or 0.0)), each.count - ones) for each in (one, other)]
    return float(fisher_exact(table, alternative="greater").pvalue)


def higher_mean_p(one: Score, other: Score) -> float:
    """Return the p-value for a higher mean in `one`.

    This is Welch's t-test, one-sided. The standard error of a mean is half the width of its 95 % bootstrap interval,
    divided by 1.96, and corrected for the sample size by the factor sqrt(n / (n - 1)). Without two rows on both sides,
    nothing can be shown, and the p-value is 1.

    Args:
        one: a measured mean with a bootstrap interval.
        other: a measured mean with a bootstrap interval.
    """
    from scipy.stats import ttest_ind_from_stats

    if min(one.count, other.count) < 2:
        return 1.0
    (mean, deviation), (other_mean, other_deviation) = _moments(one), _moments(other)
    if deviation == other_deviation == 0.0:
        return 0.0 if mean > other_mean else 1.0  # no row of a model differs from its other rows
    tested = ttest_ind_from_stats(
        mean, deviation, one.count, other_mean, other_deviation, other.count, equal_var=False, alternative="greater"
    )
    return float(tested.pvalue)


def _moments(score: Score) -> tuple[float, float]:
    """Return the mean and the sample standard deviation of the rows."""
    # A mean of two or more rows has an interval.
    assert score.value is not None and score.low is not None and score.high is not None
    return score.value, (score.high - score.low) / (2 * _NORMAL) * score.count / math.sqrt(score.count - 1)
