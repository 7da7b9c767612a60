"""Formulas of TOFU (Maini et al. 2024, arXiv 2401.06121) and their variants.

An answer is represented by its *mean log-probability*: the mean over the answer's tokens of log p(token | question,
answer so far), in nats, at most 0. The exponential of this mean is P(a|q)^(1/|a|). With logarithms, a ratio is exact
even if both probabilities are too small for a float; such probabilities are common with unlearned models.

There are several definitions of the truth ratio. For an item with a paraphrased correct answer c and wrong
("perturbed") answers w_1..w_k, all given as mean log-probabilities, the definitions are:

====================================  ====================================  =======  =======
function                              value                                 mean     epsilon
====================================  ====================================  =======  =======
`truth_ratio` (the paper, Eq. 1)      mean_i exp(w_i) / exp(c)              arithm.  none
`truth_ratio_tofu_logged`             exp(mean_i w_i - c)                   geom.    none
`truth_ratio_open_unlearning`         exp(mean_i w_i) / (exp(c) + 1e-10)    geom.    1e-10
====================================  ====================================  =======  =======

OpenUnlearning also calls the share of the correct answer, `truth_share_open_unlearning`, a truth ratio. This share
increases with the probability of the correct answer, and is not an argument of the functions below.

All three ratios increase with the probability of the wrong answers. A geometric mean is never above the arithmetic
mean, so the logged ratio is never above the paper's ratio. TOFU's code (locuslab/tofu, aggregate_eval_stat.py) computes
its scores from the inverse of the ratio that it logs. Forget quality is the same for a ratio and its inverse, because
the Kolmogorov-Smirnov statistic depends only on the order of the ratios. `truth_utility`, however, needs the ratio that
is not inverted. The epsilon matters only if exp(c) is not far above 1e-10, i.e. if the mean token loss is about 16 nats
or more. The epsilon then pulls every ratio toward 0, regardless of which answer the model prefers.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Sequence

import numpy as np

from unlearnkit.core.errors import InputError
from unlearnkit.metrics.memorization import mean_logp
from unlearnkit.metrics.values import checked, exp

OPEN_UNLEARNING_EPSILON = 1e-10
"""Constant that OpenUnlearning adds to the denominator of every ratio."""


def answer_probability(logps: Sequence[float]) -> float:
    """Return the normalized probability of an answer, in [0, 1].

    The value is P(a|q)^(1/|a|) (TOFU, section 2.2.1), computed from the log-probabilities of the answer's tokens. It is
    the geometric mean of the token probabilities, so long answers are not penalized for their length. Raises
    `InputError` if there is no token, or a log-probability is not finite.
    """
    return exp(mean_logp(logps))


def option_probability(correct: float, wrong: Sequence[float]) -> float:
    """Return the correct answer's share of the total probability of all options.

    The value, in [0, 1], is P(a) / (P(a) + sum of P(wrong)) (TOFU, section 2.2.1). TOFU uses this value for real
    authors and world facts. `correct` and `wrong` are mean log-probabilities of the answers, in nats. Raises
    `InputError` if there is no wrong answer, or a log-probability is not finite.
    """
    (right,) = checked([correct], "mean log-probability of the correct answer")
    others = checked(wrong, "mean log-probabilities of the wrong answers")
    return 1.0 / (1.0 + math.fsum(exp(other - right) for other in others))


def option_probability_open_unlearning(correct: float, wrong: Sequence[float]) -> float:
    """Return OpenUnlearning's `option_probability`, with 1e-10 added to the denominator.

    The value is lower than the paper's value. If all options are far less probable than 1e-10, the value is about 0
    instead of the correct answer's share.
    """
    (right,) = checked([correct], "mean log-probability of the correct answer")
    others = checked(wrong, "mean log-probabilities of the wrong answers")
    return exp(right) / (math.fsum(map(exp, [right, *others])) + OPEN_UNLEARNING_EPSILON)


def truth_ratio(paraphrased: float, perturbed: Sequence[float]) -> float:
    """Return the probability of wrong answers relative to the correct answer.

    This is the truth ratio of TOFU, Eq. 1, in [0, inf]: the arithmetic mean of the wrong answers' normalized
    probabilities, divided by the normalized probability of the paraphrased correct answer. Real authors and world facts
    have no paraphrase, so their correct answer itself is used. The ratio is near 0 if the model knows the answer, and
    about 1 if the model does not know it. Ratios beyond e^700 are returned as infinite. `paraphrased` and `perturbed`
    are mean log-probabilities, in nats. Raises `InputError` if there is no perturbed answer, or a log-probability is
    not finite.
    """
    right, wrong = _answers(paraphrased, perturbed)
    return statistics.fmean(exp(logp - right) for logp in wrong)


def truth_ratio_tofu_logged(paraphrased: float, perturbed: Sequence[float]) -> float:
    """Return the truth ratio that TOFU's code (locuslab/tofu, evaluate_util.py) logs.

    As in the paper, the probability of the wrong answers is divided by the probability of the correct answer. But
    TOFU's code averages the losses of the wrong answers before the exponential, which gives the geometric mean of their
    probabilities. Arguments and errors are those of `truth_ratio`.
    """
    right, wrong = _answers(paraphrased, perturbed)
    return exp(statistics.fmean(wrong) - right)


def truth_ratio_open_unlearning(paraphrased: float, perturbed: Sequence[float]) -> float:
    """Return the truth ratio of OpenUnlearning (locuslab/open-unlearning, evals/metrics/memorization.py).

    The geometric mean of the wrong answers' probabilities is divided by the probability of the correct answer, to which
    1e-10 is added. Arguments and errors are those of `truth_ratio`.
    """
    right, wrong = _answers(paraphrased, perturbed)
    return exp(statistics.fmean(wrong)) / (exp(right) + OPEN_UNLEARNING_EPSILON)


def truth_share_open_unlearning(paraphrased: float, perturbed: Sequence[float]) -> float:
    """Return the correct answer's share of all answers' probability.

    OpenUnlearning's code (aggregator `prob_mean` in evals/metrics/memorization.py) and paper (arXiv 2506.12618) call
    this share a truth ratio, too. With the notation of this module, the value, in [0, 1], is

        exp(c) / (exp(c) + exp(mean_i w_i) + 1e-10).

    It is near 1 if the model knows the answer. Arguments and errors are those of `truth_ratio`.
    """
    right, wrong = _answers(paraphrased, perturbed)
    return exp(right) / (exp(right) + exp(statistics.fmean(wrong)) + OPEN_UNLEARNING_EPSILON)


def _answers(paraphrased: float, perturbed: Sequence[float]) -> tuple[float, list[float]]:
    (right,) = checked([paraphrased], "mean log-probability of the paraphrased answer")
    return right, checked(perturbed, "mean log-probabilities of the perturbed answers")


def truth_utility(ratios: Sequence[float]) -> float:
    """Return how well correct and wrong answers are distinguished, in [0, 1].

    The value is the mean of max(0, 1 - R) (TOFU, section 2.2.1) over the truth ratios R (wrong over correct answers) of
    items to keep. Raises `InputError` if there is no ratio, or a ratio is NaN or negative.
    """
    return statistics.fmean(max(0.0, 1.0 - ratio) for ratio in _ratios(ratios))


def truth_closeness(ratios: Sequence[float]) -> float:
    """Return how close the truth ratios of forgotten items are to 1.

    The value is the mean of min(R, 1/R), in [0, 1]. TOFU's code and OpenUnlearning summarize the forget set by this
    mean, which is the same for a ratio and its inverse. (OpenUnlearning also adds 1e-10 to R in 1/R, which changes the
    result by at most 1e-10.) Raises `InputError` if there is no ratio, or a ratio is NaN or
    negative.
    """
    return statistics.fmean(min(ratio, 1.0 / ratio) if ratio else 0.0 for ratio in _ratios(ratios))


def _ratios(ratios: Sequence[float]) -> list[float]:
    found = checked(ratios, "truth ratios", infinite=True)
    if min(found) < 0:
        raise InputError("a truth ratio is negative", where="truth ratios", value=min(found), allowed="0 or more")
    return found


def forget_quality(unlearned: Sequence[float], retrained: Sequence[float]) -> float:
    """Return the p-value of a Kolmogorov-Smirnov test on two models' truth ratios.

    The test is the two-sided, two-sample test (TOFU, section 2.2.2). The p-value is high if the unlearned model's truth
    ratios on the forget set could come from the retrained model. Only the order of the ratios matters, so the ratio,
    its inverse and its logarithm give the same p-value. The p-value is exact for up to 10,000 items per model, and
    asymptotic for more (scipy's `ks_2samp`). If rounding takes the exact p-value above 1, scipy warns and returns the
    asymptotic p-value, which is at most 4e-5 below 1. The result is 0 if the p-value is too small for a float; see
    `log_forget_quality`. Raises `InputError` if a model has no ratios, or a ratio is NaN.
    """
    return _ks_test(unlearned, retrained)[1]


def log_forget_quality(unlearned: Sequence[float], retrained: Sequence[float]) -> float:
    """Return the natural logarithm of `forget_quality`, at most 0 and always finite.

    A p-value below the smallest normal float (2.2e-308) is 0 or inexact. The logarithm of such a p-value is computed
    exactly. For n and m items, this computation takes O(n m) time.
    """
    statistic, p = _ks_test(unlearned, retrained)
    if p >= sys.float_info.min:
        return math.log(p)
    return _log_exact_p(statistic, len(unlearned), len(retrained))


def _ks_test(unlearned: Sequence[float], retrained: Sequence[float]) -> tuple[float, float]:
    ours = checked(unlearned, "truth ratios of the unlearned model", infinite=True)
    theirs = checked(retrained, "truth ratios of the retrained model", infinite=True)
    # Imported here, because scipy takes a second to import, and reading a recipe should be fast.
    from scipy.stats import ks_2samp

    result = ks_2samp(ours, theirs)
    return float(result.statistic), float(result.pvalue)


def _log_exact_p(statistic: float, first: int, second: int) -> float:
    """Return the logarithm of the exact Kolmogorov-Smirnov p-value.

    The p-value is P(D >= statistic), where D is the Kolmogorov-Smirnov statistic of two samples from one continuous
    distribution. `first` and `second` are the sizes of the samples.

    Merging the two sorted samples is a walk on a grid, and all walks are equally likely: after i values of the first
    sample and j values of the second, the next value is from the first sample with probability (first - i) / (number of
    values left). The p-value is the probability that i/first and j/second ever differ by at least `statistic`: the sum,
    over all grid points, of the probability that the difference reaches `statistic` at this point for the first time
    (Hodges 1958). Each iteration updates the log-probabilities of all i at once.
    """
    limit = round(statistic * first * second)  # a whole number, so that ties are exact
    i = np.arange(first + 1)
    inside = np.full(first + 1, -np.inf)
    inside[0] = 0.0
    left = -np.inf
    for seen in range(first + second):
        with np.errstate(divide="ignore"):  # log 0 = -inf marks unreachable points
            of_first = inside + np.log(first - i) - math.log(first + second - seen)
            of_second = inside + np.log(np.clip(second - seen + i, 0, None)) - math.log(first + second - seen)
        inside = np.logaddexp(of_second, np.concatenate(([-np.inf], of_first[:-1])))
        gone = np.abs(i * second - (seen + 1 - i) * first) >= limit
        left = np.logaddexp.reduce(np.append(inside[gone], left))
        inside[gone] = -np.inf
    return float(left)


def harmonic_mean(components: Sequence[float]) -> float:
    """Return the harmonic mean of numbers that are at least 0.

    TOFU's model utility (section 2.2.1) is the harmonic mean of nine means. Each of three sets contributes the mean of
    `answer_probability` (retain set) or `option_probability` (real authors, world facts), the mean of ROUGE-L recall,
    and the mean of max(0, 1 - R) over its truth ratios R. If a number is 0, the result is 0, the limit of the harmonic
    mean. Raises `InputError` if there is no number, or a number is negative or not finite.
    """
    measured = checked(components, "components of utility")
    if min(measured) < 0:
        raise InputError(
            "a component of utility is negative", where="utility", value=min(measured), allowed="0 or more"
        )
    return statistics.harmonic_mean(measured)
