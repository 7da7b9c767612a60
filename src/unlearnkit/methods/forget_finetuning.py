"""Fine-tune on the forget rows, for edits that subtract the resulting change."""

from __future__ import annotations

from unlearnkit.methods.objective import Needs, Objective, Step, Term, Terms


class ForgetNLL(Objective):
    """Mean negative log-likelihood of the forget answers, per labeled token.

    It learns what must be forgotten, so it is not registered: no recipe can name it.
    """

    def needs(self) -> Needs:
        """Log-probabilities of the forget answers."""
        return Needs(logps=frozenset({"forget"}))

    def terms(self, step: Step) -> Terms:
        """`finetune`: minus the sum of token log-probabilities."""
        return {"finetune": Term(-step.logps("forget").values.sum(), "forget", "token")}
