"""TOFU's preference optimization: training on "I don't know" answers."""

from __future__ import annotations

from unlearnkit.methods.composition import ForgetObjective
from unlearnkit.methods.objective import Needs, Step, Term, objective


@objective("po", paper="arXiv:2401.06121", equation="section 3.2, preference optimization")
class PO(ForgetObjective):
    """Cross-entropy on "I don't know" answers, plus NLL on the retain answers.

    Each forget question gets one "I don't know" answer. Despite its name, TOFU's preference optimization is not DPO.
    TOFU's code puts both kinds of answers in one batch, and averages the cross-entropy over all tokens of the batch. In
    this class, each kind of answers has its own mean, so that `retain_weight` means the same as in other objectives.
    """

    retain: str | None = "nll"
    """Name of a registered retain term, such as `nll` or `kl`; null for no retain term."""

    def forget_needs(self) -> Needs:
        """Request log-probabilities of the "I don't know" answers."""
        return Needs(logps=frozenset({"forget:idk"}))

    def forget_term(self, step: Step) -> Term:
        """Return the negative sum of the "I don't know" answers' token log-probabilities."""
        return Term(-step.logps("forget:idk").values.sum(), "forget:idk", "token")
