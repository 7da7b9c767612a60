"""Membership inference attacks and PrivLeak.

Membership inference tests whether a model was trained on an item. Each of six attacks gives an item a score, and `auc`
measures how well a score separates two groups of items. In every attack, a *low* score means "member", because a model
is less surprised by items that it was trained on. All log-probabilities are natural logarithms, and scores are in nats
unless stated otherwise. Scores of different attacks are not comparable.
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
"""Min-K% averages over this share of an item's tokens: the least likely 40 %, as in MUSE and TOFU."""
VARIANCE_FLOOR = 1e-6
"""Minimum variance in Min-K%++, as in OpenUnlearning.

If a model is certain of a token, rounding errors can make the computed variance 0 or negative.
"""
CHANCE = 0.5
"""AUC of an attack that cannot distinguish members from non-members."""
OPEN_UNLEARNING_EPSILON = 1e-10
"""The constant that OpenUnlearning adds to the denominator of PrivLeak."""


def loss_score(logps: Sequence[float]) -> float:
    """LOSS: mean negative log-probability of the item's tokens, in nats.

    Source: Yeom et al. 2018, arXiv 1709.01604.

    Args:
        logps: log-probability of each token of the item.

    Raises:
        InputError: `logps` is empty, or a value is not finite.
    """
    return -statistics.fmean(checked(logps, "token log-probabilities"))


def zlib_score(logps: Sequence[float], text: str) -> float:
    """zlib: the loss per byte of the compressed text, in nats.

    A simple text has a low loss even if the model was not trained on the text. Simple texts also compress well, so the
    loss is divided by the compressed size. Source: Carlini et al. 2021, arXiv 2012.07805.

    Args:
        logps: log-probability of each token of `text`.
        text: the item, compressed as UTF-8 at zlib's default level.

    Raises:
        InputError: `logps` is empty, or a value is not finite.
    """
    return loss_score(logps) / len(zlib.compress(text.encode("utf-8")))


def reference_score(logps: Sequence[float], reference_logps: Sequence[float]) -> float:
    """Reference: loss of the model minus loss of a reference model.

    The difference is in nats. The reference model never saw the item, and may use a different tokenizer. Source:
    Carlini et al. 2021, arXiv 2012.07805.

    Args:
        logps: log-probability of each token of the item under the model.
        reference_logps: log-probability of each token of the item under the reference model.

    Raises:
        InputError: `logps` or `reference_logps` is empty, or a value is not finite.
    """
    return loss_score(logps) - loss_score(reference_logps)


def grad_norm_score(tensor_norms: Sequence[float]) -> float:
    """GradNorm: the gradient's L2 norm, averaged over the weight tensors.

    The gradient is computed from the loss on this item alone. The score follows Wang et al. 2024 (arXiv 2402.17012);
    the mean over weight tensors follows OpenUnlearning. OpenUnlearning computes the gradient of another loss, however:
    it leaves out the item's last token and turns dropout on.

    Args:
        tensor_norms: L2 norm of the gradient for each weight tensor.

    Raises:
        InputError: `tensor_norms` is empty, or a norm is negative or NaN.
    """
    norms = checked(tensor_norms, "gradient norms", infinite=True)
    if min(norms) < 0:
        raise InputError("a gradient norm is negative", where="gradient norms", value=min(norms), allowed="0 or more")
    return statistics.fmean(norms)


def min_k_score(logps: Sequence[float], share: float = SHARE) -> float:
    """Min-K%: negative mean of the lowest token log-probabilities, in nats.

    For an item with n tokens, the mean is over the floor(share * n) least likely tokens, but over at least one token.
    The score assumes that an unseen text contains a few very surprising tokens. Source: Shi et al. 2024, arXiv
    2310.16789.

    Args:
        logps: log-probability of each token of the item.
        share: share of the tokens that is averaged.

    Raises:
        InputError: `share` is not in (0, 1], `logps` is empty, or a value is not finite.
    """
    return _minus_mean_of_lowest(checked(logps, "token log-probabilities"), share)


def min_k_score_open_unlearning(logps: Sequence[float], share: float = SHARE) -> float:
    """Min-K% as computed by OpenUnlearning, in nats.

    OpenUnlearning (locuslab/open-unlearning, evals/metrics/utils.py) takes the last labeled token for the end token and
    leaves it out, whatever it is. The result is `min_k_score` without this token. LOSS, zlib and Reference keep the
    token in OpenUnlearning, too.

    Args:
        logps: log-probability of each token of the item, including the last one.
        share: share of the remaining tokens that is averaged.

    Raises:
        InputError: `logps` has fewer than two entries, a value is not finite, or `share` is not in (0, 1].
    """
    return min_k_score(logps[:-1], share)


def min_k_plus_plus_score(
    logps: Sequence[float], mean_logps: Sequence[float], var_logps: Sequence[float], share: float = SHARE
) -> float:
    """Min-K%++: Min-K% of (log p - mu) / sigma, in standard deviations.

    At each position, mu and sigma^2 are the mean and the variance of the log-probability of a token that is drawn from
    the model's own next-token distribution. Source: Zhang et al. 2025, arXiv 2404.02936.

    Args:
        logps: log p of each token of the item.
        mean_logps: mu at each token, as many values as `logps`.
        var_logps: sigma^2 at each token, as many values as `logps`. Values below `VARIANCE_FLOOR` are raised to this
            minimum.
        share: share of the tokens that is averaged, see `min_k_score`.

    Raises:
        InputError: the three lists differ in length or are empty, a value is not finite, or `share` is not in (0, 1].
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


def min_k_plus_plus_score_open_unlearning(
    logps: Sequence[float], mean_logps: Sequence[float], var_logps: Sequence[float], share: float = SHARE
) -> float:
    """Min-K%++ as computed by OpenUnlearning, in standard deviations.

    The result is `min_k_plus_plus_score` without the last token, see `min_k_score_open_unlearning`.

    Raises:
        InputError: the three lists differ in length or have fewer than two entries, a value is not finite, or `share`
            is not in (0, 1].
    """
    same_length({"logps": logps, "mean_logps": mean_logps, "var_logps": var_logps}, "Min-K%++")
    return min_k_plus_plus_score(logps[:-1], mean_logps[:-1], var_logps[:-1], share)


def _minus_mean_of_lowest(values: list[float], share: float) -> float:
    if not 0 < share <= 1:
        raise InputError("the share of tokens is out of range", where="Min-K%", value=share, allowed="above 0, up to 1")
    return -statistics.fmean(sorted(values)[: max(1, int(share * len(values)))])


def auc(members: Sequence[float], non_members: Sequence[float]) -> float:
    """Area under the ROC curve of a membership score.

    The AUC is the share of pairs of a member and a non-member in which the member has the *lower* score; ties count as
    half (the Mann-Whitney statistic). The AUC is 1 for perfect separation, 0.5 for no separation, and 0 for perfect
    separation in the wrong direction. Scores may be infinite.

    Args:
        members: scores of items that the model was trained on or had to forget.
        non_members: scores of comparable held-out items.

    Raises:
        InputError: `members` or `non_members` is empty or contains NaN.
    """
    inside = np.asarray(checked(members, "scores of members", infinite=True))
    outside = np.sort(checked(non_members, "scores of non-members", infinite=True))
    # For each member: twice the number of non-members with a higher score, plus the number with an equal score. These
    # are integers, so nothing is rounded.
    twice_above = (
        2 * len(outside) - np.searchsorted(outside, inside, "left") - np.searchsorted(outside, inside, "right")
    )
    return float(twice_above.sum() / (2 * len(inside) * len(outside)))


def privleak(unlearned_auc: float, retrained_auc: float) -> float | None:
    """PrivLeak of MUSE, in percent.

    A value of 0 is ideal. A value of about -100 means that nothing was unlearned. The formula (arXiv 2407.06460,
    section 3.2) is

        100 (A_unlearned - A_retrained) / A_retrained,

    where A is the AUC with which Min-40% distinguishes the forget set from held-out text. MUSE defines A in the
    opposite direction from the function `auc`: A = 1 - `auc`. A is low if the forget set looks like training data. Both
    arguments are values that `auc` returned. The result is positive if the forget set surprises the unlearned model
    more than the retrained model, which never saw the forget set. The result is None if A_retrained is 0, because the
    relative change is undefined then.

    Raises:
        InputError: an AUC is not in [0, 1].
    """
    ours, theirs = (1.0 - _area(value) for value in (unlearned_auc, retrained_auc))
    return 100.0 * (ours - theirs) / theirs if theirs else None


def privleak_open_unlearning(unlearned_auc: float, retrained_auc: float = CHANCE) -> float:
    """PrivLeak as computed by OpenUnlearning, in percent.

    The formula is the same as in `privleak`, but 1e-10 is added to the denominator, and the AUCs are those of
    `min_k_score_open_unlearning`. If no retrained model was measured, 0.5 (chance) is used as the AUC of the retrained
    model. In that case, a result of 0 means that the forget set is indistinguishable from held-out text. Even a
    retrained model seldom reaches this result.

    Raises:
        InputError: an AUC is not in [0, 1].
    """
    ours, theirs = (1.0 - _area(value) for value in (unlearned_auc, retrained_auc))
    return 100.0 * (ours - theirs) / (theirs + OPEN_UNLEARNING_EPSILON)


def _area(value: float) -> float:
    if not 0 <= value <= 1:
        raise InputError("an AUC is out of range", where="PrivLeak", value=value, allowed="0 to 1")
    return value
