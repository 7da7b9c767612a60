from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from unlearnkit.core.errors import InputError
from unlearnkit.metrics.memorization import (
    exact_memorization,
    exact_memorization_open_unlearning,
    extraction_strength,
    extraction_strength_open_unlearning,
    mean_logp,
    rouge_recall,
)
from unlearnkit.suites.tofu import formulas as tofu
from unlearnkit.suites.tofu.formulas import (
    answer_probability,
    forget_quality,
    harmonic_mean,
    log_forget_quality,
    option_probability,
    option_probability_open_unlearning,
    truth_closeness,
    truth_ratio,
    truth_ratio_open_unlearning,
    truth_ratio_tofu_logged,
    truth_share_open_unlearning,
    truth_utility,
)

# What scipy says where the exact p rounds to above 1.
pytestmark = pytest.mark.filterwarnings("ignore:ks_2samp. Exact calculation unsuccessful")

RATIOS = (truth_ratio, truth_ratio_tofu_logged, truth_ratio_open_unlearning)
mean_logps = st.floats(-8, -0.01)
wrong_answers = st.lists(mean_logps, min_size=1, max_size=6)
ranks = st.lists(st.integers(0, 3), min_size=1, max_size=12)
whole_ratios = st.lists(st.integers(1, 60), min_size=1, max_size=25)
shares = st.just(0.0) | st.floats(1e-9, 1)


def test_answer_probability_is_the_geometric_mean() -> None:
    assert answer_probability([math.log(0.5), math.log(0.125)]) == pytest.approx(0.25)
    assert mean_logp([-1.0, -2.0, -6.0]) == -3.0


@given(st.lists(st.floats(-30, 0), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_answer_probability_knows_no_order_and_no_length(logps: list[float], chance: random.Random) -> None:
    shuffled = chance.sample(logps, len(logps))
    assert answer_probability(shuffled) == answer_probability(logps)
    assert answer_probability(logps * 3) == pytest.approx(answer_probability(logps))
    assert 0 <= answer_probability(logps) <= 1


def test_option_probability_by_hand() -> None:
    options = [math.log(0.1), math.log(0.05), math.log(0.05)]
    assert option_probability(math.log(0.2), options) == pytest.approx(0.5)


def test_option_probability_of_options_that_no_float_holds() -> None:
    """Three options at e^-2000 share what there is; the epsilon of others' code takes all of it."""
    assert option_probability(-2000.0, [-2000.0, -2000.0]) == pytest.approx(1 / 3)
    assert option_probability_open_unlearning(-2000.0, [-2000.0, -2000.0]) == 0.0
    assert option_probability(-2000.0, [-1.0]) == 0.0
    assert option_probability(-1.0, [-2000.0]) == 1.0


@given(mean_logps, wrong_answers)
def test_the_two_option_probabilities_agree_where_options_are_probable(right: float, wrong: list[float]) -> None:
    ours, theirs = option_probability(right, wrong), option_probability_open_unlearning(right, wrong)
    assert theirs <= ours <= 1
    assert theirs == pytest.approx(ours, abs=1e-6)


def test_truth_ratios_by_hand() -> None:
    """Wrong answers of 0.4 and 0.1 (means: arithmetic 0.25, geometric 0.2) against a right one of 0.5."""
    right, wrong = math.log(0.5), [math.log(0.4), math.log(0.1)]
    assert truth_ratio(right, wrong) == pytest.approx(0.5)
    assert truth_ratio_tofu_logged(right, wrong) == pytest.approx(0.4)
    assert truth_ratio_open_unlearning(right, wrong) == pytest.approx(0.2 / (0.5 + 1e-10), rel=1e-14)


def test_averaging_losses_first_is_not_the_papers_ratio() -> None:
    """Fault of the original code: one absurd wrong answer takes the ratio of an item to 0, however likely the rest."""
    right, wrong = -1.0, [-1.0, -1.0, -1.0, -1.0, -50.0]
    assert truth_ratio(right, wrong) == pytest.approx(0.8)
    assert truth_ratio_tofu_logged(right, wrong) == pytest.approx(math.exp(-9.8))


def test_no_epsilon_hides_what_an_unlearned_model_prefers() -> None:
    """Fault of OpenUnlearning: at a mean token loss of 30 nats its ratio is near 0 whatever the model prefers."""
    assert truth_ratio(-30.0, [-30.0, -30.0]) == pytest.approx(1.0)
    assert truth_ratio(-30.0, [-29.0]) == pytest.approx(math.e)
    assert truth_ratio_open_unlearning(-30.0, [-30.0, -30.0]) < 1e-3
    assert truth_ratio(-2000.0, [-2001.0]) == pytest.approx(1 / math.e)
    assert truth_ratio_open_unlearning(-2000.0, [-2001.0]) == 0.0


def test_a_ratio_too_large_for_a_float_is_infinite() -> None:
    assert truth_ratio(-5000.0, [-1.0, -1.0]) == math.inf
    assert truth_ratio(-1.0, [-5000.0]) == 0.0
    assert truth_ratio_tofu_logged(-5000.0, [-1.0]) == math.inf


@given(mean_logps, wrong_answers, st.randoms(use_true_random=False))
def test_truth_ratios_know_no_order_of_answers(right: float, wrong: list[float], chance: random.Random) -> None:
    shuffled = chance.sample(wrong, len(wrong))
    assert all(ratio(right, shuffled) == pytest.approx(ratio(right, wrong), rel=1e-12) for ratio in RATIOS)


@given(mean_logps, wrong_answers)
def test_how_the_truth_ratios_hang_together(right: float, wrong: list[float]) -> None:
    logged = truth_ratio_tofu_logged(right, wrong)
    assert logged <= truth_ratio(right, wrong) * (1 + 1e-12)
    assert truth_ratio_open_unlearning(right, wrong) == pytest.approx(logged, rel=1e-6)
    assert truth_ratio(right, wrong[:1]) == pytest.approx(truth_ratio_tofu_logged(right, wrong[:1]))


def test_truth_ratios_enter_utility_item_by_item() -> None:
    """Clipped before the mean: an item on which the model errs takes nothing from the others."""
    assert truth_utility([0.25, 3.0]) == pytest.approx(0.375)
    assert truth_utility([math.inf, 0.0]) == 0.5
    assert truth_utility([1.0]) == 0.0


def test_the_inverse_ratio_is_no_truth_ratio_for_utility() -> None:
    """Fault that the original code's two orientations invite: its scored ratio put into 1 - R says the opposite."""
    right, wrong = math.log(0.8), [math.log(0.1)]
    assert truth_utility([truth_ratio(right, wrong)]) == pytest.approx(0.875)
    assert truth_utility([1 / truth_ratio_tofu_logged(right, wrong)]) == 0.0


def test_truth_closeness_is_the_same_for_the_inverse() -> None:
    assert truth_closeness([0.5, 2.0, 1.0]) == pytest.approx(2 / 3)
    assert truth_closeness([0.0, math.inf]) == 0.0


def test_forget_quality_by_hand() -> None:
    """Two samples of 3 that do not overlap: 2 of the 20 ways to merge them are as far apart."""
    assert forget_quality([1, 2, 3], [4, 5, 6]) == pytest.approx(0.1)
    assert log_forget_quality([1, 2, 3], [4, 5, 6]) == pytest.approx(math.log(0.1))
    assert forget_quality([1, 2, 3], [1, 2, 3]) == 1.0
    assert log_forget_quality([1, 2, 3], [1, 2, 3]) == 0.0


@given(whole_ratios, whole_ratios, st.randoms(use_true_random=False))
def test_forget_quality_knows_no_order_side_or_scale(a: list[int], b: list[int], chance: random.Random) -> None:
    p = forget_quality(a, b)
    assert forget_quality(chance.sample(a, len(a)), chance.sample(b, len(b))) == p
    assert forget_quality(b, a) == pytest.approx(p)
    assert forget_quality([1 / x for x in a], [1 / x for x in b]) == pytest.approx(p)
    assert forget_quality([math.log(x) for x in a], [math.log(x) for x in b]) == pytest.approx(p)
    assert log_forget_quality(a, b) == pytest.approx(math.log(p))


@given(whole_ratios, whole_ratios)
def test_the_count_in_logarithms_equals_scipys_exact_p(a: list[int], b: list[int]) -> None:
    exact = ks_2samp(a, b, method="exact")
    assume(exact.pvalue < 0.999)  # where scipy's sum rounds to above 1 it falls back to the asymptotic p
    ours = tofu._log_exact_p(float(exact.statistic), len(a), len(b))
    assert ours == pytest.approx(math.log(exact.pvalue), abs=1e-9)


@pytest.mark.parametrize(("first", "second"), [(700, 700), (600, 900), (1300, 411)])
def test_the_logarithm_of_a_p_value_that_underflows(first: int, second: int) -> None:
    """Fault of others' code: log(0) where the samples are far apart. Apart altogether, 2 mergings of all are so."""
    apart = [0.0] * first, [1.0] * second
    assert forget_quality(*apart) < sys.float_info.min
    ways = math.lgamma(first + second + 1) - math.lgamma(first + 1) - math.lgamma(second + 1)
    assert log_forget_quality(*apart) == pytest.approx(math.log(2) - ways, rel=1e-12)


def test_the_logarithm_is_monotone_where_floats_end() -> None:
    """Down through the smallest floats and beyond, each further separated sample is less probable."""
    there = list(range(600))
    logs = [log_forget_quality([x + shift for x in there], there) for shift in range(480, 601, 4)]
    assert logs[0] > math.log(sys.float_info.min) > logs[-1]
    assert all(later < earlier for earlier, later in pairwise(logs))


def test_the_harmonic_mean_by_hand() -> None:
    """Nine numbers, eight of 0.5 and one of 0.25: 9 / (8 * 2 + 4)."""
    assert harmonic_mean([0.5] * 8 + [0.25]) == pytest.approx(0.45)
    assert harmonic_mean([1.0, 0.5, 0.25]) == pytest.approx(3 / 7)
    assert harmonic_mean([0.5, 0.0]) == 0.0


@given(st.lists(shares, min_size=1, max_size=9), st.randoms(use_true_random=False))
def test_harmonic_mean_lies_between_its_components(parts: list[float], chance: random.Random) -> None:
    mean = harmonic_mean(parts)
    assert min(parts) * (1 - 1e-12) <= mean <= sum(parts) / len(parts) * (1 + 1e-12)
    assert harmonic_mean(chance.sample(parts, len(parts))) == pytest.approx(mean)


def test_rouge_recall_by_hand() -> None:
    """Of 4 words of the reference 3 are there, 2 of them in its order; stemmed, "wrote" is not "write", "books" is."""
    assert rouge_recall("She writes long books", "books long writing") == (0.75, 0.25)
    assert rouge_recall("She writes long books", "He wrote a long book") == (0.5, 0.5)
    assert rouge_recall("yes", "") == (0.0, 0.0)


def test_rouge_recall_is_of_the_reference() -> None:
    """Saying more costs nothing: recall, not precision."""
    assert rouge_recall("Lisbon", "She was born in Lisbon, I think.") == (1.0, 1.0)
    assert rouge_recall("She was born in Lisbon", "Lisbon") == (0.2, 0.2)


def test_memorization_by_hand() -> None:
    assert exact_memorization([0, 1, 0, 0]) == 0.75
    assert extraction_strength([0, 1, 0, 0]) == 0.5
    assert exact_memorization([0, 0]) == extraction_strength([0, 0]) == 1.0


def suffix_search(ranks: Sequence[int]) -> float:
    """How OpenUnlearning looks for the suffix: k ends at n - 1 whether that suffix was right or not."""
    k = 0
    for k in range(len(ranks)):
        if not any(ranks[k:]):
            break
    return 1 - k / len(ranks)


def test_nothing_extracted_is_zero() -> None:
    """Fault of OpenUnlearning: an answer of which nothing is right counts as 1/n extracted."""
    assert suffix_search([3, 1, 2, 7]) == 0.25
    assert extraction_strength([3, 1, 2, 7]) == 0.0
    assert extraction_strength([0, 0, 0, 1]) == 0.0
    assert extraction_strength([4]) == 0.0


@given(ranks)
def test_extraction_strength_is_otherwise_that_of_the_search(given_ranks: list[int]) -> None:
    expected = 0.0 if given_ranks[-1] else suffix_search(given_ranks)
    assert extraction_strength(given_ranks) == pytest.approx(expected)
    assert extraction_strength(given_ranks) <= exact_memorization(given_ranks) + 1e-12


@given(ranks, st.integers(0, 3))
def test_memorization_of_open_unlearning_is_that_of_its_search(given_ranks: list[int], last: int) -> None:
    assert extraction_strength_open_unlearning([*given_ranks, last]) == pytest.approx(suffix_search(given_ranks))
    assert exact_memorization_open_unlearning([*given_ranks, last]) == exact_memorization(given_ranks)


def test_memorization_of_open_unlearning_by_hand() -> None:
    """Four tokens and the end token, which is wrong: the suffix that is right has two tokens, then none."""
    assert extraction_strength_open_unlearning([0, 1, 0, 0, 5]) == 0.5
    assert exact_memorization_open_unlearning([0, 1, 0, 0, 5]) == 0.75
    assert extraction_strength_open_unlearning([0, 1, 0, 2, 0]) == 0.25
    assert exact_memorization_open_unlearning([3, 1, 2, 7, 0]) == 0.0


def test_the_truth_share_by_hand() -> None:
    """Right 1/2, wrong 1/4 and 1/16, whose geometric mean is 1/8."""
    share = truth_share_open_unlearning(math.log(1 / 2), [math.log(1 / 4), math.log(1 / 16)])
    assert share == pytest.approx(0.5 / (0.625 + 1e-10), rel=1e-14)
    assert truth_share_open_unlearning(-2000.0, [-2000.0]) == 0.0


@given(st.floats(-8, 0), st.lists(st.floats(-8, 0), min_size=1, max_size=5))
def test_the_truth_share_falls_with_the_ratio(right: float, wrong: list[float]) -> None:
    ratio = truth_ratio_tofu_logged(right, wrong)
    assert truth_share_open_unlearning(right, wrong) == pytest.approx(1 / (1 + ratio), rel=1e-6)


@pytest.mark.parametrize("measure", [exact_memorization, extraction_strength])
def test_the_last_token_counts(measure: Callable[[Sequence[int]], float]) -> None:
    """Fault of OpenUnlearning: the last labeled token is dropped as the end of text, whatever it is."""
    assert measure([0, 0, 9]) < 1.0
    assert measure([0, 0, 9][:-1]) == 1.0


@pytest.mark.parametrize("measure", [exact_memorization, extraction_strength])
def test_an_empty_answer_is_not_memorized(measure: Callable[[Sequence[int]], float]) -> None:
    """Fault of G-effect's code: after an early end of text an empty rest equals an empty rest, and silence scores."""
    with pytest.raises(InputError, match="no values"):
        measure([])


@pytest.mark.parametrize(
    "call",
    [
        lambda: answer_probability([]),
        lambda: answer_probability([-1.0, math.nan]),
        lambda: answer_probability([-math.inf]),
        lambda: option_probability(-1.0, []),
        lambda: truth_ratio(-1.0, []),
        lambda: truth_ratio(math.nan, [-1.0]),
        lambda: truth_share_open_unlearning(-1.0, []),
        lambda: extraction_strength_open_unlearning([0]),
        lambda: exact_memorization_open_unlearning([]),
        lambda: truth_utility([]),
        lambda: truth_utility([-0.5]),
        lambda: truth_closeness([math.nan]),
        lambda: forget_quality([], [1.0]),
        lambda: forget_quality([1.0], [math.nan]),
        lambda: harmonic_mean([]),
        lambda: harmonic_mean([0.5, -0.1]),
        lambda: exact_memorization([-1]),
        lambda: rouge_recall("Лиссабон", "Лиссабон"),
    ],
)
def test_what_cannot_be_scored_is_said(call: Callable[[], object]) -> None:
    with pytest.raises(InputError, match="where:"):
        call()
