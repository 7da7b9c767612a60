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
    """TNPO multiplied by WGA's weight.

    A token is weighted by its ratio to the reference and by its own probability. The two exponents are separate, as in
    the paper; its released code sets both from one number.
    """

    beta: Annotated[float, Gt(0)] = 1.0
    """Inverse temperature of TNPO's weight."""
    alpha: Annotated[float, Ge(0)] = 1.0
    """Exponent of WGA's weight."""

    def forget_needs(self) -> Needs:
        """Request log-probabilities of the forget answers, under model and reference."""
        return Needs(logps=frozenset({"forget"}), reference=frozenset({"forget"}))

    def forget_term(self, step: Step) -> Term:
        """Return the weighted sum of token log-probabilities."""
        logps, reference = step.logps("forget").values, step.reference.logps("forget").values
        weights = tnpo_weight(logps, reference, self.beta) * wga_weight(logps, self.alpha)
        return Term((weights * logps).sum(), "forget", "token")
