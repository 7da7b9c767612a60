"""Token-wise negative preference optimization."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt
from torch import Tensor

from unlearnkit.methods.composition import ForgetObjective
from unlearnkit.methods.objective import Needs, Step, Term, objective


def tnpo_weight(logps: Tensor, reference: Tensor, beta: float) -> Tensor:
    """Return the weight 2 p^beta / (p^beta + p_ref^beta) of each token, without gradient.

    The weight is computed as a sigmoid of the log-ratio. The quotient itself would be 0 / 0 if both powers underflow.
    The released code instead adds a small number to the denominator. As a result, every token whose p^beta is much
    smaller than this number gets almost no weight.
    """
    return 2.0 * (beta * (logps.detach() - reference)).sigmoid()


@objective("tnpo", paper="arXiv:2502.19301", equation="Eq. 6")
class TNPO(ForgetObjective):
    """Negative preference optimization with a weight per token.

    NPO has one weight per sequence, which falls when any token of the sequence is unlearned. In TNPO, the weight of a
    token does not depend on the other tokens.
    """

    beta: Annotated[float, Gt(0)] = 1.0
    """Inverse temperature. The paper's figures use 1; its released code uses 4."""

    def forget_needs(self) -> Needs:
        """Request the model's and the reference model's log-probabilities of forget answers."""
        return Needs(logps=frozenset({"forget"}), reference=frozenset({"forget"}))

    def forget_term(self, step: Step) -> Term:
        """Return the weighted sum of token log-probabilities."""
        logps = step.logps("forget").values
        weights = tnpo_weight(logps, step.reference.logps("forget").values, self.beta)
        return Term((weights * logps).sum(), "forget", "token")
