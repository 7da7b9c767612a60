"""The formulas of TOFU (Maini et al. 2024, arXiv 2401.06121), and two measures of memorization that go with them.

An answer enters as its *mean log-probability*: the mean over its tokens of log p(token | question, answer so far), in
nats, at most 0; its exponential is P(a|q)^(1/|a|). Working with logarithms, ratios of two probabilities that are both
too small for a float are still exact: an unlearned model gives many of those.

The truth ratio is computed in several ways in the field. For an item with paraphrased right answer c and wrong
("perturbed") answers w_1..w_k, all as mean log-probabilities:

====================================  ====================================  =======  =====  =========
function                              value                                 over w   grows  epsilon
====================================  ====================================  =======  =====  =========
`truth_ratio` (the paper, Eq. 1)      mean_i exp(w_i) / exp(c)              arithm.  wrong  none
`truth_ratio_tofu_logged`             exp(mean_i w_i - c)                   geom.    wrong  none
`truth_ratio_tofu_scored`             exp(c - mean_i w_i)                   geom.    right  none
`truth_ratio_open_unlearning`         exp(mean_i w_i) / (exp(c) + 1e-10)    geom.    wrong  1e-10
====================================  ====================================  =======  =====  =========

"Grows" names the answers whose probability makes it larger. A geometric mean is never above the arithmetic one, so the
logged ratio is never above the paper's. The inverse gives the same forget quality, since the Kolmogorov-Smirnov
statistic knows only the order; it must be inverted again before `truth_utility`. The epsilon is felt once exp(c) is no
longer far above 1e-10, a mean token loss of about 16 nats: there it pulls every ratio to 0, whatever the model prefers.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import ks_2samp

from unlearnkit.core.errors import InputError
from unlearnkit.metrics.memorization import mean_logp
from unlearnkit.metrics.values import checked, exp

OPEN_UNLEARNING_EPSILON = 1e-10
"""What OpenUnlearning adds to the denominator of every quotient."""


def answer_probability(logps: Sequence[float]) -> float:
    """P(a|q)^(1/|a|), in [0, 1], from the log-probabilities of the answer's tokens (TOFU, section 2.2.1).

    The geometric mean of the token probabilities, so that long answers are not punished for their length. InputError if
    there is no token, or a value is not finite.
    """
    return exp(mean_logp(logps))


def option_probability(correct: float, wrong: Sequence[float]) -> float:
    """Share of the correct answer in the probability of all options, in [0, 1]: P(a) / (P(a) + sum of P(wrong)).

    TOFU, section 2.2.1, for real authors and world facts. `correct` and `wrong` are mean log-probabilities of the
    answers, in nats. InputError if there is no wrong answer, or a value is not finite.
    """
    (right,) = checked([correct], "mean log-probability of the correct answer")
    others = checked(wrong, "mean log-probabilities of the wrong answers")
    return 1.0 / (1.0 + math.fsum(exp(other - right) for other in others))


def option_probability_open_unlearning(correct: float, wrong: Sequence[float]) -> float:
    """`option_probability` with 1e-10 added to the denominator, as OpenUnlearning computes it.

    Lower than the paper's, and 0 instead of the share where all options are about as improbable as 1e-10.
    """
    (right,) = checked([correct], "mean log-probability of the correct answer")
    others = checked(wrong, "mean log-probabilities of the wrong answers")
    return exp(right) / (math.fsum(map(exp, [right, *others])) + OPEN_UNLEARNING_EPSILON)


def truth_ratio(paraphrased: float, perturbed: Sequence[float]) -> float:
    """How much more probable the wrong answers are than the right one: TOFU, Eq. 1, in [0, inf].

    The arithmetic mean of the wrong answers' normalized probabilities over that of the paraphrased right answer (the
    answer itself for real authors and world facts, which have no paraphrase). Near 0 where the model knows, about 1
    where it cannot tell. `paraphrased` and `perturbed` are mean log-probabilities, in nats; infinite beyond e^700.
    InputError if there is no perturbed answer, or a value is not finite.
    """
    right, wrong = _answers(paraphrased, perturbed)
    return statistics.fmean(exp(logp - right) for logp in wrong)


def truth_ratio_tofu_logged(paraphrased: float, perturbed: Sequence[float]) -> float:
    """The `truth_ratio` that the original code (locuslab/tofu, evaluate_util.py) writes to its logs.

    Wrong over right as in the paper, but with the geometric mean of the wrong answers: it averages their losses before
    the exponential. Same arguments and errors as `truth_ratio`.
    """
    right, wrong = _answers(paraphrased, perturbed)
    return exp(statistics.fmean(wrong) - right)


def truth_ratio_tofu_scored(paraphrased: float, perturbed: Sequence[float]) -> float:
    """The ratio of which the original code (locuslab/tofu, aggregate_eval_stat.py) makes its scores.

    The inverse of what it logs: right over geometric mean of wrong. The code then enters 1 - 1/ratio into its utility.
    Same arguments and errors as `truth_ratio`.
    """
    right, wrong = _answers(paraphrased, perturbed)
    return exp(right - statistics.fmean(wrong))


def truth_ratio_open_unlearning(paraphrased: float, perturbed: Sequence[float]) -> float:
    """The ratio of OpenUnlearning (locuslab/open-unlearning, evals/metrics/memorization.py).

    Wrong over right with the geometric mean of the wrong answers, and 1e-10 added to the right one's probability. Same
    arguments and errors as `truth_ratio`.
    """
    right, wrong = _answers(paraphrased, perturbed)
    return exp(statistics.fmean(wrong)) / (exp(right) + OPEN_UNLEARNING_EPSILON)


def truth_share_open_unlearning(paraphrased: float, perturbed: Sequence[float]) -> float:
    """Share of the right answer in right and wrong, in [0, 1]: OpenUnlearning's newer "truth ratio" (`prob_mean`).

    exp(c) / (exp(c) + exp(mean_i w_i) + 1e-10): the right answer's, so higher where the model knows, and averaged as it
    is. Not for `truth_utility`. Same arguments and errors as `truth_ratio`.
    """
    right, wrong = _answers(paraphrased, perturbed)
    return exp(right) / (exp(right) + exp(statistics.fmean(wrong)) + OPEN_UNLEARNING_EPSILON)


def _answers(paraphrased: float, perturbed: Sequence[float]) -> tuple[float, list[float]]:
    (right,) = checked([paraphrased], "mean log-probability of the paraphrased answer")
    return right, checked(perturbed, "mean log-probabilities of the perturbed answers")


def truth_utility(ratios: Sequence[float]) -> float:
    """How well right answers are told from wrong ones, in [0, 1]: the mean of max(0, 1 - R) (TOFU, section 2.2.1).

    `ratios` are truth ratios of items to be kept, wrong over right. InputError if there is none, or one is NaN.
    """
    return statistics.fmean(max(0.0, 1.0 - ratio) for ratio in _ratios(ratios))


def truth_closeness(ratios: Sequence[float]) -> float:
    """How close the truth ratios of forgotten items are to 1, in [0, 1]: the mean of min(R, 1/R).

    The forget-side summary of the original code and of OpenUnlearning, the same for a ratio and its inverse. InputError
    if there is none, or one is NaN.
    """
    return statistics.fmean(min(ratio, 1.0 / ratio) if ratio else 0.0 for ratio in _ratios(ratios))


def _ratios(ratios: Sequence[float]) -> list[float]:
    found = checked(ratios, "truth ratios", infinite=True)
    if min(found) < 0:
        raise InputError("A truth ratio is negative.", where="truth ratios", value=min(found), allowed="0 or more")
    return found


def forget_quality(unlearned: Sequence[float], retrained: Sequence[float]) -> float:
    """p-value in [0, 1] of the two-sided two-sample Kolmogorov-Smirnov test of two models' truth ratios (TOFU, 2.2.2).

    High where the unlearned model's truth ratios on the forget set could be the retrained model's. Only the order of
    the ratios counts, so that the ratio, its inverse and its logarithm give the same. Exact up to 10,000 items on a
    side, asymptotic beyond (scipy's `ks_2samp`). Where rounding takes the exact p above 1, scipy warns and gives the
    asymptotic one, at most 4e-5 below 1. 0 where p is too small for a float, see `log_forget_quality`. InputError if a
    side has no ratio, or one is NaN.
    """
    return _ks_test(unlearned, retrained)[1]


def log_forget_quality(unlearned: Sequence[float], retrained: Sequence[float]) -> float:
    """Natural logarithm of `forget_quality`, at most 0 and always finite.

    Where the p-value is below the smallest normal float (2.2e-308) and so 0 or short of digits, its logarithm is
    counted exactly, in logarithms throughout, in time proportional to the product of the two counts of items.
    """
    statistic, p = _ks_test(unlearned, retrained)
    if p >= sys.float_info.min:
        return math.log(p)
    return _log_exact_p(statistic, len(unlearned), len(retrained))


def _ks_test(unlearned: Sequence[float], retrained: Sequence[float]) -> tuple[float, float]:
    ours = checked(unlearned, "truth ratios of the unlearned model", infinite=True)
    theirs = checked(retrained, "truth ratios of the retrained model", infinite=True)
    result = ks_2samp(ours, theirs)
    return float(result.statistic), float(result.pvalue)


def _log_exact_p(statistic: float, first: int, second: int) -> float:
    """ln P(D >= statistic) for samples of these sizes from one continuous distribution.

    Merging the samples in order is a walk on a grid, all walks being equally likely: i values of the first sample and j
    of the second were seen, and the next is of the first with probability (first - i) / (what is left). The walk leaves
    when i/first and j/second are `statistic` apart, and the p-value is the sum over the places where it first does
    (Hodges 1958). Each step moves the log-probabilities of all i at once.
    """
    limit = round(statistic * first * second)  # i/first - j/second in whole numbers, so that ties with it are exact
    i = np.arange(first + 1)
    inside = np.full(first + 1, -np.inf)
    inside[0] = 0.0
    left = -np.inf
    for seen in range(first + second):
        with np.errstate(divide="ignore"):  # log 0 = -inf: no way leads there
            of_first = inside + np.log(first - i) - math.log(first + second - seen)
            of_second = inside + np.log(np.clip(second - seen + i, 0, None)) - math.log(first + second - seen)
        inside = np.logaddexp(of_second, np.concatenate(([-np.inf], of_first[:-1])))
        gone = np.abs(i * second - (seen + 1 - i) * first) >= limit
        left = np.logaddexp.reduce(np.append(inside[gone], left))
        inside[gone] = -np.inf
    return float(left)


class SetUtility(NamedTuple):
    """The three means by which one set enters model utility, each in [0, 1]; None where it was not measured."""

    probability: float | None
    """Of `answer_probability` on the retain set, of `option_probability` on real authors and world facts."""
    rouge: float | None
    """Of ROUGE-L recall."""
    truth: float | None
    """`truth_utility`: of max(0, 1 - R), not of the truth ratios themselves."""


def harmonic_mean(components: Sequence[float | None]) -> float | None:
    """Harmonic mean of numbers that are at least 0.

    None if one was not measured: the mean of the others would be of something else. 0 if one is 0, the limit of the
    harmonic mean. InputError if there is none, or one is negative or not finite.
    """
    if None in components:
        return None
    measured = checked([part for part in components if part is not None], "components of utility")
    if min(measured) < 0:
        raise InputError(
            "A component of utility is negative.", where="utility", value=min(measured), allowed="0 or more"
        )
    return statistics.harmonic_mean(measured)


def model_utility(retain: SetUtility, real_authors: SetUtility, world_facts: SetUtility) -> float | None:
    """Harmonic mean of the nine components, in [0, 1] (TOFU, section 2.2.1); see `harmonic_mean` for 0 and None."""
    return harmonic_mean([*retain, *real_authors, *world_facts])


def retain_utility(retain: SetUtility) -> float | None:
    """Harmonic mean of the retain set's three components, in [0, 1]; see `harmonic_mean` for 0 and None.

    For where real authors and world facts say nothing, as with a model that was never taught them.
    """
    return harmonic_mean(retain)
