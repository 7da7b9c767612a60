"""Direct preference optimization that prefers "I don't know" to the answer."""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from annotated_types import Gt
from torch import Tensor

from unlearnkit.methods.composition import ForgetObjective
from unlearnkit.methods.objective import Needs, Step, Term, objective


def dpo(chosen: Tensor, rejected: Tensor, beta: float) -> Tensor:
    """Return -(2 / beta) log sigmoid(beta (chosen - rejected)), shape (rows,).

    `chosen` and `rejected` are log-ratios: the answer's log-probability under the model minus the answer's
    log-probability under the reference model.
    """
    return (2.0 / beta) * F.softplus(beta * (rejected - chosen))


@objective("idkdpo", paper="arXiv:2305.18290", equation="Eq. 7, times 2 / beta")
class IdkDPO(ForgetObjective):
    """DPO that prefers an "I don't know" answer to the forget answer.

    The original DPO loss does not have the factor 2 / beta. With this factor, the loss equals the NPO loss if the
    model and the reference model assign the same probability to the "I don't know" answer. The loss depends only on the
    difference between the two answers' log-ratios: unlike `po`, the loss does not by itself make the "I don't know"
    answer likely.
    """

    beta: Annotated[float, Gt(0)] = 0.1
    """Inverse temperature."""

    def forget_needs(self) -> Needs:
        """Request the model's and the reference model's log-probabilities of both answers."""
        both = frozenset({"forget", "forget:idk"})
        return Needs(logps=both, reference=both)

    def forget_term(self, step: Step) -> Term:
        """Return the loss summed over pairs of answers."""

        def log_ratio(view: str) -> Tensor:
            return step.logps(view).per_row() - step.reference.logps(view).per_row()

        return Term(dpo(log_ratio("forget:idk"), log_ratio("forget"), self.beta).sum(), "forget", "sequence")
