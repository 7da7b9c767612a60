"""Token-wise negative preference optimization."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt
from torch import Tensor

from unlearnkit.methods.composition import ForgetObjective
from unlearnkit.methods.objective import Needs, Step, Term, objective


def tnpo_weight(logps: Tensor, reference: Tensor, beta: float) -> Tensor:
    """Return 2 p^beta / (p^beta + p_ref^beta) of each token, without gradient.

    It is computed as a sigmoid of the log-ratio. The plain quotient is 0 / 0 if both are small; the small number that
    the released code adds to the denominator removes every token whose p^beta is smaller than that number.
    """
    return 2.0 * (beta * (logps.detach() - reference)).sigmoid()


@objective("tnpo", paper="arXiv:2502.19301", equation="Eq. 6")
class TNPO(ForgetObjective):
    """Negative preference optimization with a weight per token.

    NPO's weight of a sequence falls when any of its tokens is unlearned; a token's own weight does not affect the
    others.
    """

    beta: Annotated[float, Gt(0)] = 1.0
    """Inverse temperature. The paper's figures have 1, its released code 4."""

    def forget_needs(self) -> Needs:
        """Request log-probabilities of the forget answers, under model and reference."""
        return Needs(logps=frozenset({"forget"}), reference=frozenset({"forget"}))

    def forget_term(self, step: Step) -> Term:
        """Return the weighted sum of token log-probabilities."""
        logps = step.logps("forget").values
        weights = tnpo_weight(logps, step.reference.logps("forget").values, self.beta)
        return Term((weights * logps).sum(), "forget", "token")
