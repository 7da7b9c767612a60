"""TOFU's preference optimization: teach "I don't know"."""

from __future__ import annotations

from unlearnkit.methods.composition import ForgetObjective
from unlearnkit.methods.objective import Needs, Step, Term, objective


@objective("po", paper="arXiv:2401.06121", equation="section 3.2, preference optimization")
class PO(ForgetObjective):
    """Cross-entropy on "I don't know" answers, plus NLL on the retain answers.

    Each forget question gets one such answer. Despite its name this is not DPO. TOFU's code runs both parts as one
    batch and averages over all its tokens; here each part has its own mean, so that `retain_weight` means the same as
    elsewhere.
    """

    retain: str | None = "nll"
    """Registered retain term (`nll`, `kl`), or null for none."""

    def forget_needs(self) -> Needs:
        """Request log-probabilities of the "I don't know" answers."""
        return Needs(logps=frozenset({"forget:idk"}))

    def forget_term(self, step: Step) -> Term:
        """Return minus the sum of their token log-probabilities."""
        return Term(-step.logps("forget:idk").values.sum(), "forget:idk", "token")
