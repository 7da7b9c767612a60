"""Retain term for rows of which some labels may be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearnkit.methods.objective import Needs, Objective, Step, Term, Terms, objective

if TYPE_CHECKING:
    from torch import Tensor


def sure_or_kept(logps: Tensor, divergences: Tensor, doubtful: Tensor) -> Tensor:
    """Return the loss of each labeled token.

    The loss is -log p at sure labels, and the divergence at doubtful ones. All arguments and the result have the shape
    (tokens,).
    """
    return divergences.where(doubtful, -logps)


@objective("nll_kl", paper="arXiv:2401.06121", equation="section 3.2, its two retain terms")
class NLLOrKL(Objective):
    """Mean NLL of sure labels and KL divergence at doubtful ones.

    The loss of a token is its negative log-likelihood. If the label may be wrong, the loss is KL(reference || model)
    instead, so that the model keeps its distribution and no wrong statement is rehearsed. Only rows that are composed
    from the scope have doubtful labels. For these rows, `data.augment` replaces the retain term `nll` by this one.
    """

    def needs(self) -> Needs:
        """Request log-probabilities and KL divergences of the retain answers."""
        return Needs(logps=frozenset({"retain"}), kl=frozenset({"retain"}))

    def terms(self, step: Step) -> Terms:
        """Return the term `retain`, a sum over tokens."""
        logps = step.logps("retain")
        losses = sure_or_kept(logps.values, step.kl("retain").values, logps.doubtful)
        return {"retain": Term(losses.sum(), "retain", "token")}
