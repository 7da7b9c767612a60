"""Membership inference: was this text trained on? Six scores of an item, how well they tell, and PrivLeak of MUSE.

Every score is made so that a *low* one says "member": a model finds what it was trained on less surprising. All
log-probabilities are natural logarithms; scores are in nats unless said otherwise. Scores of one attack are compared
with each other only, by `auc`.
"""

from __future__ import annotations

import math
import statistics
import zlib
from collections.abc import Sequence

import numpy as np

from unlearnkit.core.errors import InputError
from unlearnkit.metrics.values import checked, same_length

SHARE = 0.4
"""The k of Min-K% in MUSE and TOFU: the least likely 40 % of the tokens."""
VARIANCE_FLOOR = 1e-6
"""Smallest variance by which Min-K%++ divides: where the model is sure, rounding leaves 0 or less. OpenUnlearning's."""
CHANCE = 0.5
"""AUC of an attack that cannot tell."""
OPEN_UNLEARNING_EPSILON = 1e-10
"""What OpenUnlearning adds to the denominator of PrivLeak."""


def loss_score(logps: Sequence[float]) -> float:
    """LOSS (Yeom et al. 2018, arXiv 1709.01604): mean negative log-probability of the item's tokens, in nats.

    `logps` has one entry for each token. InputError if there is none, or one is not finite.
    """
    return -statistics.fmean(checked(logps, "token log-probabilities"))


def zlib_score(logps: Sequence[float], text: str) -> float:
    """zlib (Carlini et al. 2021, arXiv 2012.07805): the loss over the length of the compressed text, in nats a byte.

    `text` is what `logps` are of, compressed as UTF-8 at zlib's default level: what is easy for any compressor is no
    sign of membership. Errors as `loss_score`.
    """
    return loss_score(logps) / len(zlib.compress(text.encode("utf-8")))


def reference_score(logps: Sequence[float], reference_logps: Sequence[float]) -> float:
    """Reference (Carlini et al. 2021, arXiv 2012.07805): the loss less that of a model that never saw the item.

    The two models may part the text into different tokens. Errors as `loss_score`.
    """
    return loss_score(logps) - loss_score(reference_logps)


def grad_norm_score(tensor_norms: Sequence[float]) -> float:
    """GradNorm: mean over the weight tensors of the L2 norm of the loss's gradient on the one item.

    After Wang et al. 2024 (arXiv 2402.17012), averaged over tensors as OpenUnlearning does. InputError if there is no
    norm, or one is negative or NaN.
    """
    norms = checked(tensor_norms, "gradient norms", infinite=True)
    if min(norms) < 0:
        raise InputError("A gradient norm is negative.", where="gradient norms", value=min(norms), allowed="0 or more")
    return statistics.fmean(norms)


def min_k_score(logps: Sequence[float], share: float = SHARE) -> float:
    """Min-K% (Shi et al. 2024, arXiv 2310.16789): minus the mean of the lowest log-probabilities, in nats.

    The lowest floor(share * n) of n tokens, and at least one. A text unseen before has a few tokens that surprise.
    InputError if `share` is not in (0, 1]; else as `loss_score`.
    """
    return _minus_mean_of_lowest(checked(logps, "token log-probabilities"), share)


def min_k_plus_plus_score(
    logps: Sequence[float], mean_logps: Sequence[float], var_logps: Sequence[float], share: float = SHARE
) -> float:
    """Min-K%++ (Zhang et al. 2025, arXiv 2404.02936): Min-K% of (log p - mu) / sigma, in standard deviations.

    mu and sigma^2 are mean and variance of the log-probability of a token drawn from the model itself, at the place of
    each token: `mean_logps` and `var_logps`, of the length of `logps`. Variances are taken to be at least
    `VARIANCE_FLOOR`. Errors as `min_k_score`, and InputError if the lengths differ.
    """
    same_length({"logps": logps, "mean_logps": mean_logps, "var_logps": var_logps}, "Min-K%++")
    measured = zip(
        checked(logps, "token log-probabilities"),
        checked(mean_logps, "means of the log-probabilities"),
        checked(var_logps, "variances of the log-probabilities"),
        strict=True,
    )
    standardized = [(logp - mean) / math.sqrt(max(variance, VARIANCE_FLOOR)) for logp, mean, variance in measured]
    return _minus_mean_of_lowest(standardized, share)


def _minus_mean_of_lowest(values: list[float], share: float) -> float:
    if not 0 < share <= 1:
        raise InputError("The share of tokens is no share.", where="Min-K%", value=share, allowed="above 0, at most 1")
    return -statistics.fmean(sorted(values)[: max(1, int(share * len(values)))])


def auc(members: Sequence[float], non_members: Sequence[float]) -> float:
    """How well a score tells members from non-members: 1 perfectly, 0.5 not at all, 0 perfectly the wrong way round.

    Area under the ROC curve: the share of pairs in which the member has the *lower* score, ties counting half (the
    Mann-Whitney statistic). `members` are scores of what the model was trained on or had to forget, `non_members` of
    held-out items like them; infinite scores are the highest or lowest. InputError if a side is empty or holds NaN.
    """
    found = np.asarray(checked(members, "scores of members", infinite=True))
    others = np.sort(checked(non_members, "scores of non-members", infinite=True))
    # Twice the number of non-members above, and once that of the equal ones: whole numbers, no rounding.
    twice_above = 2 * len(others) - np.searchsorted(others, found, "left") - np.searchsorted(others, found, "right")
    return float(twice_above.sum() / (2 * len(found) * len(others)))


def privleak(unlearned_auc: float, retrained_auc: float) -> float | None:
    """PrivLeak of MUSE (arXiv 2407.06460, section 3.2), in per cent: 0 is ideal, about -100 says nothing was unlearned.

    100 (A_unlearned - A_retrained) / A_retrained, A being the AUC of Min-40% on the forget set against held-out text.
    MUSE counts A the other way round, so that it is low where the forget set looks like members: A = 1 - `auc`, and
    both arguments are values of `auc`. Positive where the unlearned model is surprised more than one that never saw
    the data. None where the retrained A is 0: a relative change of nothing. InputError if an AUC is not in [0, 1].
    """
    ours, theirs = (1.0 - _area(value) for value in (unlearned_auc, retrained_auc))
    return 100.0 * (ours - theirs) / theirs if theirs else None


def privleak_open_unlearning(unlearned_auc: float, retrained_auc: float = CHANCE) -> float:
    """PrivLeak as OpenUnlearning computes it, in per cent.

    As `privleak`, but with 1e-10 added to the denominator, and with chance in place of a retrained model that was not
    measured. Then 0 means "cannot tell", which a retrained model seldom reaches. InputError if an AUC is not in [0, 1].
    """
    ours, theirs = (1.0 - _area(value) for value in (unlearned_auc, retrained_auc))
    return 100.0 * (ours - theirs) / (theirs + OPEN_UNLEARNING_EPSILON)


def _area(value: float) -> float:
    if not 0 <= value <= 1:
        raise InputError("An AUC is out of range.", where="PrivLeak", value=value, allowed="0 to 1")
    return value
