from __future__ import annotations

import math
import random
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.core.errors import InputError
from unlearnkit.metrics.membership import (
    VARIANCE_FLOOR,
    auc,
    grad_norm_score,
    loss_score,
    min_k_plus_plus_score,
    min_k_plus_plus_score_open_unlearning,
    min_k_score,
    min_k_score_open_unlearning,
    privleak,
    privleak_open_unlearning,
    reference_score,
    zlib_score,
)

token_logps = st.lists(st.floats(-20, 0), min_size=1, max_size=30)
scores = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=15)
areas = st.floats(0, 1)


def test_loss_and_reference_by_hand() -> None:
    assert loss_score([-1.0, -2.0, -6.0]) == 3.0
    assert reference_score([-1.0, -2.0], [-4.0, -5.0, -3.0]) == -2.5


def test_zlib_divides_by_compressed_bytes() -> None:
    text = "ж" * 40
    assert zlib_score([-2.0, -4.0], text) * len(zlib.compress(text.encode())) == pytest.approx(3.0)
    assert zlib_score([-3.0], "a" * 200) > zlib_score([-3.0], "".join(map(chr, range(48, 248))))


def test_gradient_norms_are_averaged_over_tensors() -> None:
    """Not the norm of the whole gradient, which would be 5."""
    assert grad_norm_score([3.0, 4.0]) == 3.5


def test_min_k_by_hand() -> None:
    logps = [-1.0, -5.0, -2.0, -3.0, -0.5]
    assert min_k_score(logps) == 4.0
    assert min_k_score(logps, share=1.0) == loss_score(logps)


def test_min_k_of_a_short_text_takes_one_token() -> None:
    """Fault of the code of Min-K% and those who copied it: floor(k n) = 0 tokens have the mean NaN."""
    assert min_k_score([-1.0, -4.0]) == 4.0
    assert min_k_score([-2.0], share=0.05) == 2.0


def test_min_k_plus_plus_by_hand() -> None:
    """Tokens 1 below and 1 above the mean, with standard deviations of 2 and 0.5: -0.5 and 2."""
    logps, means, variances = [-2.0, -1.0], [-1.0, -2.0], [4.0, 0.25]
    assert min_k_plus_plus_score(logps, means, variances) == 0.5
    assert min_k_plus_plus_score(logps, means, variances, share=1.0) == -0.75


def test_min_k_plus_plus_divides_by_the_standard_deviation() -> None:
    """Dividing by the variance, or not at all, would choose the other token."""
    assert min_k_plus_plus_score([-3.0, -9.0], [0.0, 0.0], [0.04, 1.0]) == pytest.approx(15.0)


@pytest.mark.parametrize("variance", [0.0, -1e-9, VARIANCE_FLOOR / 2])
def test_min_k_plus_plus_survives_a_model_that_is_sure(variance: float) -> None:
    """Fault of code without a floor: a variance of 0, or just below by rounding, gives NaN."""
    assert min_k_plus_plus_score([0.0], [0.0], [variance]) == 0.0
    assert min_k_plus_plus_score([-1.0], [0.0], [variance]) == pytest.approx(1 / math.sqrt(VARIANCE_FLOOR))


def test_open_unlearning_drops_the_last_token_before_it_chooses_the_lowest() -> None:
    """Of 5 tokens 2 are averaged; without the last one, floor(0.4 * 4) = 1 of 4."""
    logps = [-1.0, -5.0, -2.0, -3.0, -9.0]
    assert min_k_score(logps) == 7.0
    assert min_k_score_open_unlearning(logps) == 5.0
    means, variances = [0.0] * 5, [1.0, 4.0, 1.0, 1.0, 1.0]
    assert min_k_plus_plus_score(logps, means, variances) == 6.0
    assert min_k_plus_plus_score_open_unlearning(logps, means, variances) == 3.0


@given(token_logps, st.floats(-20, 0), st.floats(0.05, 1))
def test_the_last_token_has_no_influence_in_open_unlearning(logps: list[float], last: float, share: float) -> None:
    assert min_k_score_open_unlearning([*logps, last], share) == min_k_score(logps, share)
    zeros, ones = [0.0] * (len(logps) + 1), [1.0] * (len(logps) + 1)
    found = min_k_plus_plus_score_open_unlearning([*logps, last], zeros, ones, share)
    assert found == min_k_score(logps, share)


@given(token_logps, st.floats(0.05, 1), st.randoms(use_true_random=False))
def test_scores_know_no_order_of_tokens(logps: list[float], share: float, chance: random.Random) -> None:
    shuffled = chance.sample(logps, len(logps))
    assert loss_score(shuffled) == loss_score(logps)
    assert min_k_score(shuffled, share) == min_k_score(logps, share)
    zeros, ones = [0.0] * len(logps), [1.0] * len(logps)
    assert min_k_plus_plus_score(shuffled, zeros, ones, share) == min_k_score(logps, share)


@given(token_logps, st.floats(0.05, 1), st.floats(0.01, 5))
def test_a_less_surprised_model_scores_lower(logps: list[float], share: float, more: float) -> None:
    known = [logp / (1 + more) for logp in logps]
    assert min_k_score(logps, share) >= loss_score(logps) - 1e-9
    assert loss_score(known) <= loss_score(logps)
    assert min_k_score(known, share) <= min_k_score(logps, share)
    assert reference_score(known, logps) <= 0


def test_auc_by_hand() -> None:
    """Of 4 pairs the member is lower in 3, and equal in 1."""
    assert auc([0.1, 0.4], [0.4, 0.9]) == 0.875


def test_auc_is_one_where_members_surprise_least() -> None:
    """Direction: every score is low for members. The other way round a perfect attack would have the AUC 0."""
    assert auc([loss_score([-0.1]), loss_score([-0.2])], [loss_score([-3.0])]) == 1.0
    assert auc([loss_score([-3.0])], [loss_score([-0.1])]) == 0.0
    assert auc([math.inf], [math.inf, 1.0]) == 0.25


@given(scores, scores)
def test_auc_counts_pairs(members: list[float], others: list[float]) -> None:
    pairs = [(member < other) + 0.5 * (member == other) for member in members for other in others]
    assert auc(members, others) == pytest.approx(sum(pairs) / len(pairs))


@given(scores, scores, st.randoms(use_true_random=False))
def test_auc_of_swapped_classes_and_of_other_scales(a: list[float], b: list[float], chance: random.Random) -> None:
    area = auc(a, b)
    assert auc(b, a) == pytest.approx(1 - area)
    assert auc([-x for x in a], [-x for x in b]) == pytest.approx(1 - area)
    assert auc(chance.sample(a, len(a)), chance.sample(b, len(b))) == area
    assert auc([math.exp(x) for x in a], [math.exp(x) for x in b]) == area
    assert auc(a, a) == 0.5


def test_privleak_by_hand() -> None:
    """AUCs of 0.9 and 0.5, that is 0.1 and 0.5 as MUSE counts: 80 % less than the retrained model's."""
    assert privleak(0.9, 0.5) == pytest.approx(-80.0)
    assert privleak(0.2, 0.5) == pytest.approx(60.0)
    assert privleak(0.5, 1.0) is None


def test_privleak_of_what_was_not_unlearned_is_near_minus_100() -> None:
    """Fault of early OpenUnlearning: AUC of the usual sign, by which the target model leaks +100 % and not -100 %."""
    target, retrained = 0.999, 1 - 0.477  # the retrained model's A on MUSE News is 0.477
    assert privleak(target, retrained) == pytest.approx(-99.79, abs=0.01)
    assert 100 * (target - retrained) / retrained > 90


def test_the_retrained_model_leaks_nothing() -> None:
    """Fault of OpenUnlearning: without the retrained model's log it takes chance for it, and says so in no number."""
    assert privleak(0.39, 0.39) == 0.0
    assert privleak_open_unlearning(0.39) == pytest.approx(22.0)


@given(areas, st.floats(0, 0.99))
def test_privleak_is_that_of_open_unlearning_but_for_the_epsilon(unlearned: float, retrained: float) -> None:
    ours = privleak(unlearned, retrained)
    assert ours is not None
    assert privleak_open_unlearning(unlearned, retrained) == pytest.approx(ours, rel=1e-7)
    assert (ours < 0) == (unlearned > retrained) or ours == pytest.approx(0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: loss_score([]),
        lambda: loss_score([math.nan]),
        lambda: zlib_score([], "text"),
        lambda: reference_score([-1.0], []),
        lambda: grad_norm_score([-1.0]),
        lambda: min_k_score([-1.0], share=0.0),
        lambda: min_k_score([-1.0], share=40),
        lambda: min_k_plus_plus_score([-1.0], [-1.0, -2.0], [1.0]),
        lambda: min_k_score_open_unlearning([-1.0]),
        lambda: min_k_plus_plus_score_open_unlearning([-1.0], [-1.0], [1.0]),
        lambda: min_k_plus_plus_score_open_unlearning([-1.0, -2.0], [-1.0, -2.0, -3.0], [1.0, 1.0]),
        lambda: auc([], [1.0]),
        lambda: auc([1.0], [math.nan]),
        lambda: privleak(99.0, 0.5),
        lambda: privleak_open_unlearning(0.5, -0.1),
    ],
)
def test_what_cannot_be_scored_is_said(call: Callable[[], object]) -> None:
    with pytest.raises(InputError, match="where:"):
        call()
