"""Gradient ascent on the forget answers."""

from __future__ import annotations

from unlearnkit.methods.composition import ForgetObjective
from unlearnkit.methods.objective import Needs, Step, Term, objective


@objective("ga", paper="arXiv:2210.01504", equation="Eq. 1, negated")
class GA(ForgetObjective):
    """Gradient ascent: minimize the mean log-likelihood of the forget answers.

    The mean is over labeled tokens. The loss is not bounded below: too many steps destroy the model. The paper sums
    over the tokens of a sequence. Every released implementation averages over the tokens of the batch, and so does this
    class.
    """

    def forget_needs(self) -> Needs:
        """Request log-probabilities of the forget answers."""
        return Needs(logps=frozenset({"forget"}))

    def forget_term(self, step: Step) -> Term:
        """Return the sum of token log-probabilities."""
        return Term(step.logps("forget").values.sum(), "forget", "token")
