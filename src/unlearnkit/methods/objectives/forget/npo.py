"""Negative preference optimization."""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from annotated_types import Gt
from torch import Tensor

from unlearnkit.methods.composition import ForgetObjective
from unlearnkit.methods.objective import Needs, Step, Term, objective


def npo(logps: Tensor, reference: Tensor, beta: float) -> Tensor:
    """Return (2 / beta) log(1 + (p / p_ref)^beta) for each sequence.

    `logps` and `reference` are log-probabilities of sequences, of shape (rows,). The loss is computed with softplus,
    which does not overflow for p >> p_ref, and keeps its gradient for p << p_ref.
    """
    return (2.0 / beta) * F.softplus(beta * (logps - reference))


@objective("npo", paper="arXiv:2404.05868", equation="Eq. 3")
class NPO(ForgetObjective):
    """Negative preference optimization: preference optimization with only the rejected answer.

    Unlike the loss of gradient ascent, this loss is bounded below. As beta goes to 0, the gradient approaches that of
    gradient ascent. The log-probability of a sequence is the sum, not the mean, over the answer tokens. (MUSE's
    released code uses raw logits instead of log-probabilities.)
    """

    beta: Annotated[float, Gt(0)] = 0.1
    """Inverse temperature."""

    def forget_needs(self) -> Needs:
        """Request the model's and the reference model's log-probabilities of forget answers."""
        return Needs(logps=frozenset({"forget"}), reference=frozenset({"forget"}))

    def forget_term(self, step: Step) -> Term:
        """Return the loss summed over sequences."""
        losses = npo(step.logps("forget").per_row(), step.reference.logps("forget").per_row(), self.beta)
        return Term(losses.sum(), "forget", "sequence")
