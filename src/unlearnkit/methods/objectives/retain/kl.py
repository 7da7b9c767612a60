"""KL divergence from the reference model on the retain rows."""

from __future__ import annotations

from unlearnkit.methods.objective import Needs, Objective, Step, Term, Terms, objective


@objective("kl", paper="arXiv:2401.06121", equation="section 3.2, the KL minimization baseline")
class KL(Objective):
    """Mean KL(reference || model) over the labeled tokens of the retain answers.

    Each divergence is a sum over the vocabulary. The code of TOFU and of OpenUnlearning also averages over prompt and
    padding positions, so its loss depends on the padding of the batch. In this class, the mean includes only labeled
    tokens.
    """

    def needs(self) -> Needs:
        """Request the KL divergence at each labeled token of the retain answers."""
        return Needs(kl=frozenset({"retain"}))

    def terms(self, step: Step) -> Terms:
        """Return the term `retain`, the sum of token KL divergences."""
        return {"retain": Term(step.kl("retain").values.sum(), "retain", "token")}
