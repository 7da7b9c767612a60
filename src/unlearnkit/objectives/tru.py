"""Targeted reasoning unlearning."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge

from unlearnkit.errors import BadInput
from unlearnkit.objectives.compose import ForgetObjective, weighted
from unlearnkit.objectives.contract import OBJECTIVES, Needs, Objective, Step, Term, Terms, objective


@objective("tru", paper="arXiv:2603.09980", equation="Eq. 4")
class TRU(Objective):
    """Targeted reasoning unlearning: learn to recognise the scope, say why, and decline; and unlearn the answer.

    loss = CE(target) + alpha * (retain_weight * retain + forget), the target being a reasoning trace followed by a
    refusal (Eq. 3) and the bracket the gradient difference of Eq. 2, whose lambda is `retain_weight`.

    Cross-entropy and forget term are drawn from the same forget rows; the released code draws them from different
    ones. Trace and response share one mean over tokens, as in the paper, and are logged apart, since a long trace
    drowns the refusal.
    """

    alpha: Annotated[float, Ge(0)] = 0.1
    """Weight of the gradient difference part."""
    forget: str = "ga"
    """Registered forget term."""
    retain: str = "nll"
    """Registered retain term."""
    retain_weight: Annotated[float, Ge(0)] = 1.0
    """The paper's lambda."""
    scope_weight: Annotated[float, Ge(0)] = 0.0
    """Weight of cross-entropy on other questions that name what is in scope: each subject and alias, in each language
    of the scope, in sentences composed for it and in some borrowed from retain rows. Not in the paper (0): there
    nothing but the forget rows tells the model what the scope is, and a model may learn their wording in place of whom
    they are about."""

    def _gradient_difference(self) -> Objective:
        plugin = OBJECTIVES.get(self.forget).plugin
        if not issubclass(plugin, ForgetObjective):
            raise BadInput(
                "not a forget term",
                where="forget",
                value=self.forget,
                allowed="a term on forget rows",
                fix="name one of these",
            )
        return plugin(retain=self.retain, retain_weight=self.retain_weight)

    def needs(self) -> Needs:
        """Log-probabilities of the targets, and what the gradient difference part needs."""
        needs = Needs(logps=frozenset({"forget:target"} | ({"scope:target"} if self.scope_weight else set())))
        return needs | self._gradient_difference().needs() if self.alpha else needs

    def terms(self, step: Step) -> Terms:
        """`target`, its parts `trace` and `response` for the log, `scope`, `forget` and `retain`."""
        target = step.logps("forget:target")
        nll, in_trace = -target.values, target.in_trace
        terms: Terms = {
            "target": Term(nll.sum(), "forget:target", "token"),
            "trace": Term(nll.detach()[in_trace].sum(), "forget:target", "trace_token", weight=0.0),
            "response": Term(nll.detach()[~in_trace].sum(), "forget:target", "response_token", weight=0.0),
        }
        if self.scope_weight:
            scope = -step.logps("scope:target").values.sum()
            terms["scope"] = Term(scope, "scope:target", "token", self.scope_weight)
        if self.alpha:
            terms |= weighted(self._gradient_difference().terms(step), self.alpha)
        return terms
