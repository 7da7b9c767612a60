"""The objective for fine-tuning on the forget rows, used by weight edits."""

from __future__ import annotations

from unlearnkit.methods.objective import Needs, Objective, Step, Term, Terms


class ForgetNLL(Objective):
    """Mean negative log-likelihood of the forget answers, per labeled token.

    This objective makes the model learn the forget answers. The objective is not registered, so that no recipe can
    select it as a method.
    """

    def needs(self) -> Needs:
        """Request log-probabilities of the forget answers."""
        return Needs(logps=frozenset({"forget"}))

    def terms(self, step: Step) -> Terms:
        """Return the term `finetune`: the negative sum of token log-probabilities."""
        return {"finetune": Term(-step.logps("forget").values.sum(), "forget", "token")}
