"""Intervals against numbers worked out by hand, against other implementations, and in a simulation."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from unlearnkit.core.errors import InputError
from unlearnkit.metrics.intervals import chance_above, exact_interval, holm, mean_interval, upper_limit
from unlearnkit.metrics.score import (
    NOT_MEASURED,
    Group,
    Score,
    balanced_score,
    mean_over_subjects,
    mean_score,
    resampled_score,
    unbounded_mean_score,
)
from unlearnkit.suites.tofu.scores import _harmonic

counts = st.integers(1, 300).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count)))
shares = st.floats(0, 1).map(lambda value: round(value, 6))


def test_limits_of_rates_by_hand() -> None:
    assert upper_limit(0, 60) == pytest.approx(1 - 0.05 ** (1 / 60)) == pytest.approx(0.0487, abs=5e-5)
    assert upper_limit(60, 60) == 1
    assert upper_limit(1, 1) == 1 and upper_limit(0, 1) == pytest.approx(0.95)
    assert exact_interval(0, 10) == pytest.approx((0, 1 - 0.025 ** (1 / 10)))
    assert exact_interval(10, 10) == pytest.approx((0.025 ** (1 / 10), 1))


@given(counts)
def test_limits_of_rates_are_those_of_scipys_test(ones_and_count: tuple[int, int]) -> None:
    ones, count = ones_and_count
    expected = binomtest(ones, count).proportion_ci(0.95, "exact")
    assert exact_interval(ones, count) == pytest.approx((expected.low, expected.high), abs=1e-7)
    one_sided = binomtest(ones, count, alternative="less").proportion_ci(0.95, "exact")
    assert upper_limit(ones, count) == pytest.approx(one_sided.high, abs=1e-7)


def test_gaffkes_bound_by_hand() -> None:
    # One value x: the bound is the quantile of 1 - U (1 - x) with U uniform.
    assert mean_interval([0.5]) == pytest.approx((0.025 * 0.5, 1 - 0.025 * 0.5))
    # Values 0 and 1/2: above 1/2, the mean of 0, 1/2 and 1 with random weights exceeds t with probability 2 (1 - t)^2.
    # The lower end is 1 minus the bound of 1/2 and 1: the mean of 1/2, 1 and 1 with weight w of 1/2 is 1 - w/2, and
    # w exceeds 2 (1 - t) with probability (1 - 2 (1 - t))^2.
    low, high = mean_interval([0.0, 0.5])
    assert high == pytest.approx(1 - math.sqrt(0.0125), abs=1e-8)
    assert low == pytest.approx((1 - math.sqrt(0.975)) / 2, abs=1e-8)


@pytest.mark.parametrize("count", [2, 5, 30, 300])
def test_gaffkes_bound_is_that_of_drawn_weights(count: int) -> None:
    """Against its definition: spacings of uniform order statistics, by Monte Carlo."""
    draw = np.random.default_rng(count)
    values = np.sort(draw.beta(0.4, 1.5, size=count))
    spacings = np.diff(
        np.sort(draw.random((30_000 if count > 100 else 100_000, count)), axis=1), axis=1, prepend=0.0, append=1.0
    )
    high = np.quantile(spacings @ np.append(values, 1.0), 0.975)
    low = np.quantile(spacings @ np.append(0.0, values), 0.025)
    assert mean_interval(list(values)) == pytest.approx((low, high), abs=0.004)


@given(counts)
def test_gaffkes_bound_of_rates_is_the_exact_limit(ones_and_count: tuple[int, int]) -> None:
    ones, count = ones_and_count
    _, high = exact_interval(ones, count)
    points, multiples = np.array([[0.0, 1.0]]), np.array([[count - ones, ones + 1]])
    if ones < count:
        assert chance_above(points, multiples, high)[0] == pytest.approx(0.025, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(shares, min_size=1, max_size=30))
def test_an_interval_holds_its_mean_and_is_never_a_point(values: list[float]) -> None:
    low, high = mean_interval(values)
    mean = sum(values) / len(values)
    assert 0 <= low <= mean + 1e-9 and mean - 1e-9 <= high <= 1
    assert high - low > 0.01


@settings(max_examples=40, deadline=None)
@given(st.lists(shares, min_size=1, max_size=12), st.randoms())
def test_an_interval_has_the_symmetries_of_a_mean(values: list[float], random: random.Random) -> None:
    low, high = mean_interval(values)
    mirrored = mean_interval([1 - value for value in values])
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-6)
    shuffled = values[:]
    random.shuffle(shuffled)
    assert mean_interval(shuffled) == (low, high)
    raised = [value + (1 - value) / 2 for value in values]
    assert all(more >= less - 1e-8 for more, less in zip(mean_interval(raised), (low, high), strict=True))


def test_scores_of_none_and_all_are_no_points() -> None:
    none, whole = mean_score([0.0] * 400), mean_score([1.0] * 400)
    assert (none.low, none.high) == pytest.approx((0, 1 - 0.025 ** (1 / 400)))
    assert (whole.low, whole.high) == pytest.approx((0.025 ** (1 / 400), 1))
    for score in (balanced_score([1.0] * 40, [1.0] * 40), balanced_score([0.0] * 40, [0.0] * 40)):
        assert score.low is not None and score.high is not None and score.high - score.low > 0.01


def test_mean_score_by_hand() -> None:
    assert mean_score([]) == NOT_MEASURED
    assert mean_score([1.0, 0.0, 1.0, 1.0], unmeasured=2) == Score(
        value=0.75, count=4, unmeasured=2, low=exact_interval(3, 4)[0], high=exact_interval(3, 4)[1]
    )
    ten = mean_score([10.0, 5.0], highest=10)
    assert ten.value == 7.5 and (ten.low, ten.high) == pytest.approx([10 * end for end in mean_interval([1.0, 0.5])])
    broken = mean_score([0.5, math.nan])
    assert broken.value is not None and math.isnan(broken.value) and broken.low is None and broken.high is None


@pytest.mark.parametrize("value", [-0.1, 1.1, math.inf])
def test_values_outside_the_range_are_refused(value: float) -> None:
    with pytest.raises(InputError, match="outside the range") as caught:
        mean_score([0.5, value])
    assert caught.value.value == value and caught.value.allowed == "0 to 1"
    assert mean_score([1 + 1e-9]).value == 1 + 1e-9  # rounding


def test_values_without_a_range_keep_the_bootstrap() -> None:
    values = 3 * np.random.default_rng(3).random(200) - 2
    picks = np.random.default_rng(4).integers(0, 200, size=(20000, 200))
    low, high = np.quantile(values[picks].mean(axis=1), [0.025, 0.975])
    score = unbounded_mean_score(list(values), draws=20000)
    assert (score.low, score.high) == pytest.approx((low, high), abs=0.01)
    assert unbounded_mean_score([-2.0]) == Score(value=-2.0, count=1)
    assert unbounded_mean_score([]) == NOT_MEASURED


def test_a_resampled_mean_has_gaffkes_interval() -> None:
    values = np.random.default_rng(5).random(30) ** 2
    score = resampled_score(0.3, lambda rows, weights: weights @ rows, Group(values, 0.0, 1.0), draws=40_000)
    assert (score.low, score.high) == pytest.approx(mean_interval(list(values)), abs=0.003)
    assert (score.value, score.count) == (0.3, 30)


def test_a_utility_of_nothing_is_no_point() -> None:
    """TOFU's model utility of a model that answers nothing is 0, and of one that answers everything 1."""
    nothing, everything = (_harmonic(*[np.full((40, 3), value)] * 3) for value in (0.0, 1.0))
    assert nothing.value == nothing.low == 0 and nothing.high is not None and nothing.high > 0.01
    assert everything.value == 1 == pytest.approx(everything.high) and everything.low is not None
    assert everything.low < 0.99


def test_holms_correction_by_hand() -> None:
    assert holm([]) == []
    assert holm([0.04]) == [0.04]
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9, 0.6]) == [1.0, 1.0, 1.0]


@given(st.lists(shares, max_size=12))
def test_holms_correction_rejects_what_its_definition_rejects(p_values: list[float]) -> None:
    """Reject the k smallest p-values as long as the i-th smallest of n is at most level / (n + 1 - i)."""
    corrected = holm(p_values)
    for level in (0.01, 0.05, 0.2):
        rejected: set[float] = set()
        for rank, p in enumerate(sorted(p_values)):
            if p * (len(p_values) - rank) > level:
                break
            rejected.add(p)
        # Equal p-values are rejected together, because the threshold only grows.
        assert {p for p, q in zip(p_values, corrected, strict=True) if q <= level} == rejected


SUBJECTS, QUESTIONS = 5, 61
RATES, CORRELATIONS = (0.02, 0.05, 0.2, 0.5, 0.8, 0.95, 0.98), (0.05, 0.2, 0.5)


def coverage(rate: float, correlation: float, worlds: int = 4000) -> float:
    """The share of simulated methods whose interval over five subjects holds the rate.

    A subject's own rate has a beta distribution with the mean `rate` and the intra-class correlation `correlation`.
    """
    draw, size = np.random.default_rng([round(1000 * rate), round(100 * correlation)]), 1 / correlation - 1
    own = draw.beta(rate * size, (1 - rate) * size, size=(worlds, SUBJECTS))
    means = draw.binomial(QUESTIONS, own) / QUESTIONS
    # An end lies beyond the rate if and only if the chance is above 2.5 %; see the test below.
    ones, counts = np.ones((worlds, 1)), np.ones((worlds, SUBJECTS + 1))
    below = chance_above(np.hstack([means, ones]), counts, rate) >= 0.025
    above = chance_above(np.hstack([1 - means, ones]), counts, 1 - rate) >= 0.025
    return float((below & above).mean())


def test_the_interval_over_subjects_holds_at_every_rate() -> None:
    found = {(rate, rho): coverage(rate, rho) for rate in RATES for rho in CORRELATIONS}
    assert {cell: share for cell, share in found.items() if share < 0.93} == {}


@given(st.lists(st.integers(0, QUESTIONS), min_size=SUBJECTS, max_size=SUBJECTS), st.sampled_from(RATES))
def test_the_simulation_reads_the_interval_of_the_function(ones: list[int], rate: float) -> None:
    score = mean_over_subjects([each / QUESTIONS for each in ones])
    means, counts = np.array([[*ones, QUESTIONS]]) / QUESTIONS, np.ones((1, SUBJECTS + 1))
    assert score.count == SUBJECTS and score.low is not None and score.high is not None
    assert (rate <= score.high + 1e-6) >= (chance_above(means, counts, rate)[0] >= 0.025)
    assert (rate < score.high - 1e-6) <= (chance_above(means, counts, rate)[0] >= 0.025)


def test_values_that_are_nearly_zero_have_the_interval_of_zeros() -> None:
    assert mean_interval([1e-20, 3e-300, 0.0]) == exact_interval(0, 3)
