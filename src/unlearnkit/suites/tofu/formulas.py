"""Formulas of TOFU (Maini et al. 2024, arXiv 2401.06121) and their variants.

An answer is given by its *mean log-probability*: the mean over its tokens of log p(token | question, answer so far), in
nats, at most 0. Its exponential is P(a|q)^(1/|a|). In logarithms, a ratio of two probabilities that are both too small
for a float is still exact; unlearned models produce many of those.

There are several definitions of the truth ratio. For an item with paraphrased correct answer c and wrong ("perturbed")
answers w_1..w_k, all as mean log-probabilities:

====================================  ====================================  =======  =======
function                              value                                 over w   epsilon
====================================  ====================================  =======  =======
`truth_ratio` (the paper, Eq. 1)      mean_i exp(w_i) / exp(c)              arithm.  none
`truth_ratio_tofu_logged`             exp(mean_i w_i - c)                   geom.    none
`truth_ratio_open_unlearning`         exp(mean_i w_i) / (exp(c) + 1e-10)    geom.    1e-10
====================================  ====================================  =======  =======

All increase with the probability of the wrong answers. A geometric mean is never above the arithmetic one, so the
logged ratio is never above the paper's. For its scores, TOFU's code (locuslab/tofu, aggregate_eval_stat.py) takes the
inverse of what it logs. The inverse gives the same forget quality, since the Kolmogorov-Smirnov statistic depends only
on the order, but `truth_utility` needs the ratio that is not inverted. The epsilon matters if exp(c) is not far above
1e-10, a mean token loss of about 16 nats: it then pulls every ratio to 0, whatever the model prefers.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Sequence

import numpy as np
from scipy.stats import ks_2samp

from unlearnkit.core.errors import InputError
from unlearnkit.metrics.memorization import mean_logp
from unlearnkit.metrics.values import checked, exp

OPEN_UNLEARNING_EPSILON = 1e-10
"""Constant that OpenUnlearning adds to every denominator."""


def answer_probability(logps: Sequence[float]) -> float:
    """Return the normalized probability of an answer, in [0, 1].

    P(a|q)^(1/|a|) (TOFU, section 2.2.1), given the log-probabilities of the answer's tokens. This is the geometric mean
    of the token probabilities, so that long answers are not penalized for their length. InputError if there is no
    token, or a value is not finite.
    """
    return exp(mean_logp(logps))


def option_probability(correct: float, wrong: Sequence[float]) -> float:
    """Return the correct answer's share of all options' probability, in [0, 1].

    P(a) / (P(a) + sum of P(wrong)) (TOFU, section 2.2.1), for real authors and world facts. `correct` and `wrong` are
    mean log-probabilities of the answers, in nats. InputError if there is no wrong answer, or a value is not finite.
    """
    (right,) = checked([correct], "mean log-probability of the correct answer")
    others = checked(wrong, "mean log-probabilities of the wrong answers")
    return 1.0 / (1.0 + math.fsum(exp(other - right) for other in others))


def option_probability_open_unlearning(correct: float, wrong: Sequence[float]) -> float:
    """Return `option_probability` with 1e-10 added to the denominator, as OpenUnlearning computes it.

    Lower than the paper's value, and 0 instead of the share if all options are far less probable than 1e-10.
    """
    (right,) = checked([correct], "mean log-probability of the correct answer")
    others = checked(wrong, "mean log-probabilities of the wrong answers")
    return exp(right) / (math.fsum(map(exp, [right, *others])) + OPEN_UNLEARNING_EPSILON)


def truth_ratio(paraphrased: float, perturbed: Sequence[float]) -> float:
    """Return the probability of wrong answers relative to the correct one.

    TOFU, Eq. 1, in [0, inf]: the arithmetic mean of the wrong answers' normalized probabilities over that of the
    paraphrased correct answer (the answer itself for real authors and world facts, which have no paraphrase). Near 0 if
    the model knows the answer, about 1 if it does not. `paraphrased` and `perturbed` are mean log-probabilities, in
    nats; infinite beyond e^700. InputError if there is no perturbed answer, or a value is not finite.
    """
    right, wrong = _answers(paraphrased, perturbed)
    return statistics.fmean(exp(logp - right) for logp in wrong)


def truth_ratio_tofu_logged(paraphrased: float, perturbed: Sequence[float]) -> float:
    """Return the truth ratio that TOFU's code (locuslab/tofu, evaluate_util.py) logs.

    Wrong over correct as in the paper, but with the geometric mean of the wrong answers: it averages their losses
    before the exponential. Same arguments and errors as `truth_ratio`.
    """
    right, wrong = _answers(paraphrased, perturbed)
    return exp(statistics.fmean(wrong) - right)


def truth_ratio_open_unlearning(paraphrased: float, perturbed: Sequence[float]) -> float:
    """Return the truth ratio of OpenUnlearning (locuslab/open-unlearning, evals/metrics/memorization.py).

    Wrong over correct with the geometric mean of the wrong answers, and 1e-10 added to the probability of the correct
    one. Same arguments and errors as `truth_ratio`.
    """
    right, wrong = _answers(paraphrased, perturbed)
    return exp(statistics.fmean(wrong)) / (exp(right) + OPEN_UNLEARNING_EPSILON)


def _answers(paraphrased: float, perturbed: Sequence[float]) -> tuple[float, list[float]]:
    (right,) = checked([paraphrased], "mean log-probability of the paraphrased answer")
    return right, checked(perturbed, "mean log-probabilities of the perturbed answers")


def truth_utility(ratios: Sequence[float]) -> float:
    """Return how well correct and wrong answers are distinguished, in [0, 1].

    The mean of max(0, 1 - R) (TOFU, section 2.2.1) over the truth ratios R, wrong over correct, of items to be kept.
    InputError if there is none, or one is NaN or negative.
    """
    return statistics.fmean(max(0.0, 1.0 - ratio) for ratio in _ratios(ratios))


def truth_closeness(ratios: Sequence[float]) -> float:
    """Return how close the truth ratios of forgotten items are to 1.

    The mean of min(R, 1/R), in [0, 1]. It is the summary of the forget set in TOFU's code and in OpenUnlearning, the
    same for a ratio and its inverse. InputError if there is none, or one is NaN or negative.
    """
    return statistics.fmean(min(ratio, 1.0 / ratio) if ratio else 0.0 for ratio in _ratios(ratios))


def _ratios(ratios: Sequence[float]) -> list[float]:
    found = checked(ratios, "truth ratios", infinite=True)
    if min(found) < 0:
        raise InputError("A truth ratio is negative.", where="truth ratios", value=min(found), allowed="0 or more")
    return found


def forget_quality(unlearned: Sequence[float], retrained: Sequence[float]) -> float:
    """Return a Kolmogorov-Smirnov test's p-value for two models' truth ratios.

    The test is two-sided with two samples (TOFU, section 2.2.2). High if the unlearned model's truth ratios on the
    forget set could be the retrained model's. Only the order of the ratios matters, so the ratio, its inverse and its
    logarithm give the same value. Exact up to 10,000 items on a side, asymptotic beyond (scipy's `ks_2samp`). If
    rounding takes the exact p above 1, scipy warns and returns the asymptotic one, at most 4e-5 below 1. 0 if p is too
    small for a float, see `log_forget_quality`. InputError if a side has no ratio, or one is NaN.
    """
    return _ks_test(unlearned, retrained)[1]


def log_forget_quality(unlearned: Sequence[float], retrained: Sequence[float]) -> float:
    """Return the natural logarithm of `forget_quality`, at most 0 and always finite.

    If the p-value is below the smallest normal float (2.2e-308), and so 0 or inexact, its logarithm is computed
    exactly, in time proportional to the product of the two numbers of items.
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
    """Return ln P(D >= statistic) for two samples from one distribution.

    `first` and `second` are the sizes of the samples; the distribution is continuous. Merging the samples in order is a
    walk on a grid, and all walks are equally likely: after i values of the first sample and j of the second, the next
    is from the first with probability (first - i) / (number of values left). The walk leaves once i/first and j/second
    differ by `statistic`, and the p-value is the sum over the places where it first does (Hodges 1958). Each step
    updates the log-probabilities of all i at once.
    """
    limit = round(statistic * first * second)  # i/first - j/second in whole numbers, so that ties with it are exact
    i = np.arange(first + 1)
    inside = np.full(first + 1, -np.inf)
    inside[0] = 0.0
    left = -np.inf
    for seen in range(first + second):
        with np.errstate(divide="ignore"):  # log 0 = -inf: unreachable
            of_first = inside + np.log(first - i) - math.log(first + second - seen)
            of_second = inside + np.log(np.clip(second - seen + i, 0, None)) - math.log(first + second - seen)
        inside = np.logaddexp(of_second, np.concatenate(([-np.inf], of_first[:-1])))
        gone = np.abs(i * second - (seen + 1 - i) * first) >= limit
        left = np.logaddexp.reduce(np.append(inside[gone], left))
        inside[gone] = -np.inf
    return float(left)


def harmonic_mean(components: Sequence[float]) -> float:
    """Return the harmonic mean of numbers that are at least 0.

    TOFU's model utility (section 2.2.1) is that of nine means: of `answer_probability` (on the retain set) or
    `option_probability` (on real authors and world facts), of ROUGE-L recall, and of max(0, 1 - R), each on three sets.
    0 if one number is 0, the limit of the harmonic mean. InputError if there is none, or one is negative or not finite.
    """
    measured = checked(components, "components of utility")
    if min(measured) < 0:
        raise InputError(
            "A component of utility is negative.", where="utility", value=min(measured), allowed="0 or more"
        )
    return statistics.harmonic_mean(measured)
