"""Targeted reasoning unlearning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from unlearnkit.core.errors import InputError
from unlearnkit.methods.composition import ForgetObjective, retain_term, weighted
from unlearnkit.methods.objective import OBJECTIVES, Needs, Objective, Step, Term, Terms, TokenValues, View, objective

if TYPE_CHECKING:
    from torch import Tensor


@objective("tru", paper="arXiv:2603.09980", equation="Eq. 4")
class TRU(Objective):
    """Targeted reasoning unlearning: recognize the scope, give a reason, and decline.

    loss = CE(target) + alpha * (retain_weight * retain + forget)

    The target is a reasoning trace followed by a refusal (Eq. 3). The bracket is the gradient difference of Eq. 2,
    which unlearns the answer; its lambda is `retain_weight`. Trace and response share one mean over tokens, as in the
    paper. They are logged separately, since a long trace dominates the refusal.
    """

    alpha: Annotated[float, Ge(0)] = 0.1
    """Weight of the gradient difference part."""
    forget: str | None = "ga"
    """Registered forget term; null for none, with the retain term kept."""
    retain: str = "nll"
    """Registered retain term."""
    retain_weight: Annotated[float, Ge(0)] = 1.0
    """The paper's lambda."""
    paired: bool = True
    """Whether cross-entropy and forget term are drawn from the same forget rows, as in Eqs. 2 to 4. The released code
    draws them from different ones: false."""
    trace_weight: Annotated[float, Ge(0)] = 1.0
    """Factor of the cross-entropy on tokens of the trace."""
    response_weight: Annotated[float, Ge(0)] = 1.0
    """Factor of the cross-entropy on tokens of the response. Both 0: no targets, the paper's ablation."""
    scope_weight: Annotated[float, Ge(0)] = 0.0
    """Weight of cross-entropy on further questions that name what is in scope: each subject and alias, in each language
    of the scope, in sentences composed for it and in some borrowed from retain rows. It is not in the paper (0): there
    the model learns the scope only from the forget rows, and may learn their wording instead of their subjects."""

    @property
    def _taught(self) -> View:
        return "forget:target" if self.paired else "taught:target"

    def _difference(self) -> tuple[Objective, float]:
        """Return the objective of the gradient difference part, and its weight."""
        if self.forget is None:
            return retain_term(self.retain), self.alpha * self.retain_weight
        plugin = OBJECTIVES.get(self.forget).plugin
        if not issubclass(plugin, ForgetObjective):
            raise InputError(
                "not a forget term",
                where="forget",
                value=self.forget,
                allowed="a term on forget rows",
                fix="name one of these",
            )
        return plugin(retain=self.retain, retain_weight=self.retain_weight), self.alpha

    def needs(self) -> Needs:
        """Request log-probabilities of the targets, and the gradient difference's needs."""
        needs = Needs(logps=frozenset({self._taught} | ({"scope:target"} if self.scope_weight else set())))
        return needs | self._difference()[0].needs() if self.alpha else needs

    def terms(self, step: Step) -> Terms:
        """Return `target`, `scope`, `forget` and `retain`.

        The parts `trace` and `response` of `target` are only logged.
        """
        view = self._taught
        target = step.logps(view)
        nll, in_trace = -target.values, target.in_trace
        terms: Terms = {
            "target": Term(self._weighed(target), view, "token"),
            "trace": Term(nll.detach()[in_trace].sum(), view, "trace_token", weight=0.0),
            "response": Term(nll.detach()[~in_trace].sum(), view, "response_token", weight=0.0),
        }
        if self.scope_weight:
            scope = self._weighed(step.logps("scope:target"))
            terms["scope"] = Term(scope, "scope:target", "token", self.scope_weight)
        if self.alpha:
            part, weight = self._difference()
            terms |= weighted(part.terms(step), weight)
        return terms

    def _weighed(self, logps: TokenValues) -> Tensor:
        """Return the cross-entropy summed over tokens, with each part's factor."""
        if self.trace_weight == self.response_weight:
            return -self.trace_weight * logps.values.sum()
        part = logps.in_trace.to(logps.values.dtype)
        return -((self.trace_weight * part + self.response_weight * (1 - part)) * logps.values).sum()
