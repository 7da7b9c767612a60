"""Direct preference optimization of "I don't know" over the answer."""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from annotated_types import Gt
from torch import Tensor

from unlearnkit.methods.composition import ForgetObjective
from unlearnkit.methods.objective import Needs, Step, Term, objective


def dpo(chosen: Tensor, rejected: Tensor, beta: float) -> Tensor:
    """-(2 / beta) log sigmoid(beta (chosen - rejected)) of log-ratios to the reference model; shapes (rows,)."""
    return (2.0 / beta) * F.softplus(beta * (rejected - chosen))


@objective("idkdpo", paper="arXiv:2305.18290", equation="Eq. 7, times 2 / beta")
class IdkDPO(ForgetObjective):
    """DPO that prefers an "I don't know" answer to the one to be forgotten.

    The factor 2 / beta, which DPO itself has not, makes it NPO's where the chosen answer stays as likely as it was. It
    pushes two sequences apart; neither becomes likely or unlikely by itself, in contrast to `po`.
    """

    beta: Annotated[float, Gt(0)] = 0.1
    """Inverse temperature."""

    def forget_needs(self) -> Needs:
        """Log-probabilities of both answers, under model and reference."""
        both = frozenset({"forget", "forget:idk"})
        return Needs(logps=both, reference=both)

    def forget_term(self, step: Step) -> Term:
        """The sum of the pairs' losses."""

        def log_ratio(view: str) -> Tensor:
            return step.logps(view).per_row() - step.reference.logps(view).per_row()

        return Term(dpo(log_ratio("forget:idk"), log_ratio("forget"), self.beta).sum(), "forget", "sequence")
