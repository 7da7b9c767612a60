"""KL divergence from the reference model on the retain rows."""

from __future__ import annotations

from unlearnkit.methods.objective import Needs, Objective, Step, Term, Terms, objective


@objective("kl", paper="arXiv:2401.06121", equation="section 3.2, the KL minimization baseline")
class KL(Objective):
    """Mean KL(reference || model) at each labeled token of the retain answers.

    The divergence is over the vocabulary. TOFU's and OpenUnlearning's code also average over prompt and padding
    positions, which makes the value depend on the batch's padding; here only labeled tokens count.
    """

    def needs(self) -> Needs:
        """Request KL divergences at the retain answers."""
        return Needs(kl=frozenset({"retain"}))

    def terms(self, step: Step) -> Terms:
        """Return `retain`, the sum of token KL divergences."""
        return {"retain": Term(step.kl("retain").values.sum(), "retain", "token")}
