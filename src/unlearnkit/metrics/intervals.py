"""Confidence intervals for rates and for means of bounded values.

The intervals hold for few values and for rates near 0 and 1.

All functions are deterministic: none of them draws random numbers. Values are numbers from 0 to 1.

- 0/1 values: the exact interval of Clopper and Pearson (1934).
- Other values from 0 to 1: Gaffke's bound (Gaffke 2005; Learned-Miller and Thomas, arXiv 1905.06208; Phan, Thomas and
  Learned-Miller, arXiv 2106.03163). For 0/1 values, Gaffke's bound equals the bound of Clopper and Pearson, which is
  proven to hold. For other values, it is conjectured to hold for all distributions and all numbers of values. No
  counterexample is known, and `docs/results/laboratory.md` has a simulation.

The intervals assume that the values are independent draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEVEL = 0.95
"""Confidence level of all intervals and limits."""
_TAIL = (1 - LEVEL) / 2
_FARTHEST, _NODES, _PRECISION = 20.0, 80, 1e-11
"""End and first number of nodes of the numerical integration in `chance_above`. The number of nodes is doubled until
the integral changes by less than the precision."""


def exact_interval(ones: int, count: int) -> tuple[float, float]:
    """Return the two-sided 95 % interval of a rate (Clopper and Pearson).

    Args:
        ones: number of values that are 1.
        count: number of values, at least 1.
    """
    return 1 - _exact_upper(count - ones, count, _TAIL), _exact_upper(ones, count, _TAIL)


def upper_limit(ones: int, count: int) -> float:
    """Return the one-sided 95 % upper limit of a rate.

    This is the limit of Clopper and Pearson. If no value is 1, the limit is 1 - 0.05^(1/count). For example, 0 of 60
    gives 0.0487.

    Args:
        ones: number of values that are 1.
        count: number of values, at least 1.
    """
    return _exact_upper(ones, count, 1 - LEVEL)


def _exact_upper(ones: int, count: int, tail: float) -> float:
    # Imported here, because scipy takes long to import, and reading a recipe should be fast.
    from scipy.special import betaincinv

    return 1.0 if ones == count else float(betaincinv(ones + 1, count - ones, 1 - tail))


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return a two-sided 95 % interval for a mean.

    The interval is exact for 0/1 values (see `exact_interval`). Otherwise, both ends are Gaffke's bounds with a
    confidence of 97.5 %. The interval is never a single point.

    Args:
        values: at least one value, all from 0 to 1.
    """
    given = np.asarray(values, dtype=np.float64)
    # A value whose complement rounds to 1 counts as 0, as it does in the lower end, where it would leave no bracket.
    points, counts = np.unique(np.where(1 - given == 1.0, 0.0, given), return_counts=True)
    if np.isin(points, (0.0, 1.0)).all():
        return exact_interval(int(counts[points == 1.0].sum()), int(counts.sum()))
    return 1 - _gaffke_upper(1 - points, counts), _gaffke_upper(points, counts)


def _gaffke_upper(points: np.ndarray, counts: np.ndarray) -> float:
    """Return Gaffke's upper bound; `counts[i]` values equal `points[i]`."""
    from scipy.optimize import brentq

    # The bound is the quantile of a weighted mean of the values and of one more value, which is 1. The weights are
    # uniformly distributed over all weights that sum to 1.
    points, counts = np.append(points, 1.0), np.append(counts, 1)
    points, counts = points[None], counts[None]
    return float(brentq(lambda bound: chance_above(points, counts, bound)[0] - _TAIL, points.min(), 1.0, xtol=1e-9))


def chance_above(points: np.ndarray, counts: np.ndarray, threshold: float) -> np.ndarray:
    """Return the probability that a randomly weighted mean exceeds a threshold.

    The weights of all values are uniformly distributed over the weights that sum to 1 (a flat Dirichlet distribution),
    as in Gaffke's bound and in the Bayesian bootstrap (Rubin 1981).

    The probability is P(Q > 0), where Q is the sum of (value - threshold) * E, and E are independent exponential
    variables. It is computed from the moment generating function M of Q as the integral of M(s) / (2 pi i s) along a
    vertical line through the saddle point of M(s) / s (Daniels 1987). The trapezoidal rule converges exponentially if
    s = saddle + i * width * sinh(x).

    Args:
        points: (samples, values) values of one or several samples.
        counts: (samples, values) how often each value occurs.
        threshold: the threshold.

    Returns:
        (samples,) probabilities.
    """
    above, inside = points.min(-1) >= threshold, points.max(-1) > threshold
    chance: np.ndarray = above.astype(np.float64)  # 1 if no value is below the threshold, 0 if no value is above it
    chosen = inside & ~above
    if chosen.any():
        chance[chosen] = _integral(points[chosen] - threshold, counts[chosen])
    return chance


def _integral(excess: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return P(Q > 0), where `excess` has the coefficients of each sample.

    In each sample, at least one coefficient is above 0, and one is below 0.
    """
    saddle = _saddle(excess, counts)
    curvature = (counts * (excess / (1 - saddle[:, None] * excess)) ** 2).sum(-1) + saddle**-2
    width = 1 / np.sqrt(curvature)

    def mean_height(places: np.ndarray) -> np.ndarray:
        total = np.zeros(len(excess))
        for place in places:
            point = saddle + 1j * width * np.sinh(place)
            log_m = -(counts * np.log(1 - point[:, None] * excess)).sum(-1)
            height = np.exp(log_m) / point * width * np.cosh(place)
            total += height.real / 2 if place == 0 else height.real
            if (np.abs(height) < 1e-14).all():
                break  # with many values, the integrand falls quickly
        return total / len(places)

    count = _NODES
    coarse, fine = np.full(len(excess), np.inf), mean_height(np.arange(count) * (_FARTHEST / count))
    while np.abs(fine - coarse).max() > _PRECISION:
        middles = (np.arange(count) + 0.5) * (_FARTHEST / count)
        coarse, fine, count = fine, (fine + mean_height(middles)) / 2, 2 * count
    chance: np.ndarray = np.clip(fine * _FARTHEST / np.pi, 0.0, 1.0)
    return chance


def _saddle(excess: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the saddle point of M(s) / s for each sample.

    It is between 0 and 1 / (largest coefficient).
    """
    low, high = np.zeros(len(excess)), 1 / excess.max(-1)
    for _ in range(30):
        middle = (low + high) / 2
        slope = (counts * excess / (1 - middle[:, None] * excess)).sum(-1) - 1 / middle
        low, high = np.where(slope < 0, middle, low), np.where(slope < 0, high, middle)
    saddle: np.ndarray = (low + high) / 2
    return saddle


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for the number of tests, and keep their order.

    This is the step-down correction of Holm (1979). It limits the probability of any false rejection among all tests,
    and holds for tests that depend on each other in any way. The smallest of n p-values is multiplied by n, the second
    smallest by n - 1, and so on; no corrected p-value is smaller than that of a smaller p-value, or above 1.
    """
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
