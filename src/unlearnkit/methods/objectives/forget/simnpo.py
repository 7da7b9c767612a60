"""Simple negative preference optimization."""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from annotated_types import Gt
from torch import Tensor

from unlearnkit.methods.composition import ForgetObjective
from unlearnkit.methods.objective import Needs, Step, Term, objective


def simnpo(mean_logps: Tensor, beta: float, delta: float) -> Tensor:
    """Return -(2 / beta) log sigmoid(beta (-mean_logps - delta)), shape (rows,).

    `mean_logps` is the mean token log-probability of each sequence.
    """
    return (2.0 / beta) * F.softplus(beta * (mean_logps + delta))


@objective("simnpo", paper="arXiv:2410.07163", equation="the SimNPO loss, where gamma is beta * delta")
class SimNPO(ForgetObjective):
    """NPO without a reference model, on each sequence's mean token log-probability.

    The mean is over the labeled tokens of the sequence, so that long answers weigh as much as short ones. (MUSE's
    released variant uses raw logits instead, which are not log-probabilities.)
    """

    beta: Annotated[float, Gt(0)] = 2.5
    """Inverse temperature. The published values are 2.5 for TOFU forget05 and 4.5 for forget10."""
    delta: float = 0.0
    """Margin in nats per token, which is subtracted from the negated mean log-probability. The paper's gamma is beta *
    delta. In every published setting, gamma is 0."""

    def forget_needs(self) -> Needs:
        """Request log-probabilities of the forget answers."""
        return Needs(logps=frozenset({"forget"}))

    def forget_term(self, step: Step) -> Term:
        """Return the loss summed over sequences."""
        logps = step.logps("forget")
        return Term(simnpo(logps.per_row() / logps.lengths(), self.beta, self.delta).sum(), "forget", "sequence")
