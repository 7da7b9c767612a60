"""Gradient ascent weighted by saturation and importance (SatImp)."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge
from torch import Tensor

from unlearnkit.methods.composition import ForgetObjective
from unlearnkit.methods.objective import Needs, Step, Term, objective


def satimp_weight(logps: Tensor, beta1: float, beta2: float) -> Tensor:
    """Return the weight p^beta1 (1 - p)^beta2 of each token, without gradient.

    The weight is largest at p = beta1 / (beta1 + beta2).
    """
    fixed = logps.detach()
    # Compute 1 - p from log p, so that a token with probability 1 - 1e-9 keeps its weight. Rounding may make log p
    # positive, so log p is clamped.
    left = -fixed.clamp(max=0.0).expm1()
    return (beta1 * fixed).exp() * left**beta2


@objective("satimp", paper="arXiv:2505.11953", equation="weight p^beta1 (1 - p)^beta2")
class SatImp(ForgetObjective):
    """Gradient ascent with tokens weighted by saturation and importance.

    Saturation measures how well the model knows a token: tokens that are almost forgotten have a small p^beta1.
    Importance is low for tokens that do not depend on the fact, such as the fixed words of an answer's template. The
    model is certain of these tokens, so (1 - p)^beta2 is small. As in `wga`, the weighted sum is divided by the number
    of tokens.
    """

    beta1: Annotated[float, Ge(0)] = 5.0
    """Exponent of p in the weight. The factor p^beta1 measures saturation."""
    beta2: Annotated[float, Ge(0)] = 1.0
    """Exponent of 1 - p in the weight. The factor (1 - p)^beta2 measures importance."""

    def forget_needs(self) -> Needs:
        """Request log-probabilities of the forget answers."""
        return Needs(logps=frozenset({"forget"}))

    def forget_term(self, step: Step) -> Term:
        """Return the weighted sum of token log-probabilities."""
        logps = step.logps("forget").values
        return Term((satimp_weight(logps, self.beta1, self.beta2) * logps).sum(), "forget", "token")
