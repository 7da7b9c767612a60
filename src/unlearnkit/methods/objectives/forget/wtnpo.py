"""Weighted token-wise negative preference optimization."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Gt

from unlearnkit.methods.composition import ForgetObjective
from unlearnkit.methods.objective import Needs, Step, Term, objective
from unlearnkit.methods.objectives.forget.tnpo import tnpo_weight
from unlearnkit.methods.objectives.forget.wga import wga_weight


@objective("wtnpo", paper="arXiv:2502.19301", equation="weight 2 p^(beta + alpha) / (p^beta + p_ref^beta)")
class WTNPO(ForgetObjective):
    """TNPO with each token weight multiplied by WGA's weight.

    TNPO's weight depends on the ratio of the token's probabilities under the model and under the reference model. WGA's
    weight depends only on the token's probability under the model. The two exponents are separate, as in the paper; the
    released code uses one number for both exponents.
    """

    beta: Annotated[float, Gt(0)] = 1.0
    """Inverse temperature of TNPO's weight."""
    alpha: Annotated[float, Ge(0)] = 1.0
    """Exponent of WGA's weight."""

    def forget_needs(self) -> Needs:
        """Request the model's and the reference model's log-probabilities of forget answers."""
        return Needs(logps=frozenset({"forget"}), reference=frozenset({"forget"}))

    def forget_term(self, step: Step) -> Term:
        """Return the weighted sum of token log-probabilities."""
        logps, reference = step.logps("forget").values, step.reference.logps("forget").values
        weights = tnpo_weight(logps, reference, self.beta) * wga_weight(logps, self.alpha)
        return Term((weights * logps).sum(), "forget", "token")
