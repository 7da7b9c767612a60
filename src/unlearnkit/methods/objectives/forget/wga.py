"""Weighted gradient ascent."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge
from torch import Tensor

from unlearnkit.methods.composition import ForgetObjective
from unlearnkit.methods.objective import Needs, Step, Term, objective


def wga_weight(logps: Tensor, alpha: float) -> Tensor:
    """Return the weight p^alpha of each token, without gradient.

    If p is small, the weight offsets the factor 1 / p in the gradient of log p.
    """
    return (alpha * logps.detach()).exp()


@objective("wga", paper="arXiv:2502.19301", equation="Eq. 2")
class WGA(ForgetObjective):
    """Gradient ascent with tokens weighted by their own probability.

    The gradient of a token's log p has a factor 1 / p, so plain ascent acts mostly on tokens that are already
    forgotten. In WGA, forgotten tokens have a small weight. The weighted sum is divided by the number of tokens.
    Dividing by the sum of the weights would keep the gradient large even if every weight is small. With alpha 0, the
    method is gradient ascent.
    """

    alpha: Annotated[float, Ge(0)] = 1.0
    """Exponent of the weight p^alpha. The paper's figures use 0.5."""

    def forget_needs(self) -> Needs:
        """Request log-probabilities of the forget answers."""
        return Needs(logps=frozenset({"forget"}))

    def forget_term(self, step: Step) -> Term:
        """Return the weighted sum of token log-probabilities."""
        logps = step.logps("forget").values
        return Term((wga_weight(logps, self.alpha) * logps).sum(), "forget", "token")
