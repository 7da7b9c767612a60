"""Negative log-likelihood of the retain answers: the simplest retain term."""

from __future__ import annotations

from unlearnkit.methods.objective import Needs, Objective, Step, Term, Terms, objective


@objective("nll", paper="arXiv:2401.06121", equation="section 3.2, the retain part of gradient difference")
class NLL(Objective):
    """Mean negative log-likelihood of the retain answers, per labeled token."""

    def needs(self) -> Needs:
        """Request log-probabilities of the retain answers."""
        return Needs(logps=frozenset({"retain"}))

    def terms(self, step: Step) -> Terms:
        """Return the term `retain`: the negative sum of token log-probabilities."""
        return {"retain": Term(-step.logps("retain").values.sum(), "retain", "token")}
