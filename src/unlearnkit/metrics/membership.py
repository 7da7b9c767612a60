"""Membership inference attacks and PrivLeak.

Membership inference asks whether a model was trained on an item. There are six scores of an item, and `auc` measures
how well a score separates two groups. In every score, a *low* value means "member": a model is less surprised by what
it was trained on. All log-probabilities are natural logarithms; scores are in nats unless stated otherwise. Only scores
of the same attack are comparable.
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
"""Minimum variance in Min-K%++, as in OpenUnlearning. If the model is certain, rounding can give 0 or less."""
CHANCE = 0.5
"""AUC of an attack that cannot distinguish the two groups."""
OPEN_UNLEARNING_EPSILON = 1e-10
"""The number that OpenUnlearning adds to the denominator of PrivLeak."""


def loss_score(logps: Sequence[float]) -> float:
    """LOSS: mean negative log-probability of the item's tokens, in nats.

    Source: Yeom et al. 2018, arXiv 1709.01604.

    Args:
        logps: log-probability of each token.

    Raises:
        InputError: `logps` is empty, or a value is not finite.
    """
    return -statistics.fmean(checked(logps, "token log-probabilities"))


def zlib_score(logps: Sequence[float], text: str) -> float:
    """zlib: the loss per byte of the compressed text, in nats.

    Text that any compressor predicts easily is no evidence of membership. Source: Carlini et al. 2021,
    arXiv 2012.07805.

    Args:
        logps: log-probability of each token of `text`.
        text: the item, compressed as UTF-8 at zlib's default level.

    Raises:
        InputError: see `loss_score`.
    """
    return loss_score(logps) / len(zlib.compress(text.encode("utf-8")))


def reference_score(logps: Sequence[float], reference_logps: Sequence[float]) -> float:
    """Reference: the loss minus that of a model without the item.

    That model is a reference that never saw the item; it may tokenize the text differently. Source: Carlini et al.
    2021, arXiv 2012.07805. Raises `InputError` like `loss_score`.
    """
    return loss_score(logps) - loss_score(reference_logps)


def grad_norm_score(tensor_norms: Sequence[float]) -> float:
    """GradNorm: mean L2 norm of the loss's gradient over the weight tensors.

    The loss is that of the one item. After Wang et al. 2024 (arXiv 2402.17012), averaged over tensors as in
    OpenUnlearning.

    Raises:
        InputError: there is no norm, or one is negative or NaN.
    """
    norms = checked(tensor_norms, "gradient norms", infinite=True)
    if min(norms) < 0:
        raise InputError("a gradient norm is negative", where="gradient norms", value=min(norms), allowed="0 or more")
    return statistics.fmean(norms)


def min_k_score(logps: Sequence[float], share: float = SHARE) -> float:
    """Min-K%: minus the mean of the lowest log-probabilities, in nats.

    The mean is over the lowest floor(share * n) of n tokens, at least one. An unseen text has a few surprising tokens.
    Source: Shi et al. 2024, arXiv 2310.16789.

    Raises:
        InputError: `share` is not in (0, 1]; or see `loss_score`.
    """
    return _minus_mean_of_lowest(checked(logps, "token log-probabilities"), share)


def min_k_plus_plus_score(
    logps: Sequence[float], mean_logps: Sequence[float], var_logps: Sequence[float], share: float = SHARE
) -> float:
    """Min-K%++: Min-K% of (log p - mu) / sigma, in standard deviations.

    At each token's position, mu and sigma^2 are the mean and the variance of the log-probability of a token drawn from
    the model itself. Source: Zhang et al. 2025, arXiv 2404.02936.

    Args:
        logps: log p of each token.
        mean_logps: mu at each token, same length.
        var_logps: sigma^2 at each token, same length; raised to `VARIANCE_FLOOR` if smaller.
        share: see `min_k_score`.

    Raises:
        InputError: the lengths differ; or see `min_k_score`.
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
        raise InputError("the share of tokens is out of range", where="Min-K%", value=share, allowed="above 0, up to 1")
    return -statistics.fmean(sorted(values)[: max(1, int(share * len(values)))])


def auc(members: Sequence[float], non_members: Sequence[float]) -> float:
    """Area under the ROC curve of a membership score.

    It is the share of pairs in which the member has the *lower* score, with ties counted as half (the Mann-Whitney
    statistic): 1 for perfect separation, 0.5 for none, 0 for perfect separation in the wrong direction.

    Args:
        members: scores of items that the model was trained on or had to forget.
        non_members: scores of comparable held-out items. Infinite scores are the highest or lowest.

    Raises:
        InputError: a side is empty or contains NaN.
    """
    inside = np.asarray(checked(members, "scores of members", infinite=True))
    outside = np.sort(checked(non_members, "scores of non-members", infinite=True))
    # Twice the number of higher non-members, plus the number of equal ones: integers, so nothing is rounded.
    twice_above = (
        2 * len(outside) - np.searchsorted(outside, inside, "left") - np.searchsorted(outside, inside, "right")
    )
    return float(twice_above.sum() / (2 * len(inside) * len(outside)))


def privleak(unlearned_auc: float, retrained_auc: float) -> float | None:
    """PrivLeak of MUSE, in percent.

    0 is ideal; about -100 means that nothing was unlearned. The formula (arXiv 2407.06460, section 3.2) is

        100 (A_unlearned - A_retrained) / A_retrained,

    where A is the AUC of Min-40% on the forget set against held-out text. MUSE counts A in the opposite direction, low
    if the forget set looks like members: A = 1 - `auc`, and both arguments are values of `auc`. The result is positive
    if the unlearned model is more surprised than a model that never saw the data. None if the retrained A is 0, since
    the change is undefined.

    Raises:
        InputError: an AUC is not in [0, 1].
    """
    ours, theirs = (1.0 - _area(value) for value in (unlearned_auc, retrained_auc))
    return 100.0 * (ours - theirs) / theirs if theirs else None


def privleak_open_unlearning(unlearned_auc: float, retrained_auc: float = CHANCE) -> float:
    """PrivLeak as computed by OpenUnlearning, in percent.

    Like `privleak`, but 1e-10 is added to the denominator, and chance replaces a retrained model that was not measured.
    In that case 0 means "indistinguishable", which a retrained model seldom reaches.

    Raises:
        InputError: an AUC is not in [0, 1].
    """
    ours, theirs = (1.0 - _area(value) for value in (unlearned_auc, retrained_auc))
    return 100.0 * (ours - theirs) / (theirs + OPEN_UNLEARNING_EPSILON)


def _area(value: float) -> float:
    if not 0 <= value <= 1:
        raise InputError("an AUC is out of range", where="PrivLeak", value=value, allowed="0 to 1")
    return value
