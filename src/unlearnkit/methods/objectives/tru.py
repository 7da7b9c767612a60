"""Targeted reasoning unlearning (TRU)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge
from pydantic import model_validator

from unlearnkit.core.errors import InputError
from unlearnkit.core.yaml_source import BadField
from unlearnkit.methods.composition import ForgetObjective, retain_term, weighted
from unlearnkit.methods.objective import OBJECTIVES, Needs, Objective, Step, Term, Terms, TokenValues, View, objective

if TYPE_CHECKING:
    from torch import Tensor


@objective("tru", paper="arXiv:2603.09980", equation="Eq. 4")
class TRU(Objective):
    """Targeted reasoning unlearning, which trains refusals with a reasoning trace.

    The model learns to recognize questions about the knowledge to forget, to give a reason, and to decline.

    loss = CE(target) + alpha * (retain_weight * retain + forget)

    The target is a reasoning trace followed by a refusal (Eq. 3). The expression in parentheses is the gradient
    difference of Eq. 2, which unlearns the answer; the paper's lambda is `retain_weight`. CE(target) is one mean over
    the tokens of trace and response, as in the paper. In this mean, a long trace outweighs the refusal, so the
    cross-entropies of the trace and of the response are also logged separately.
    """

    alpha: Annotated[float, Ge(0)] = 0.1
    """Weight of the gradient difference, which is retain_weight * retain + forget."""
    forget: str | None = "ga"
    """Name of a registered forget term. Null: the gradient difference has a retain term but no forget term."""
    retain: str = "nll"
    """Name of a registered retain term."""
    retain_weight: Annotated[float, Ge(0)] = 1.0
    """Factor by which the retain term is multiplied; the paper's lambda."""
    paired: bool = True
    """Whether the cross-entropy and the forget term of a step use the same forget rows, as in Eqs. 2 to 4. False: the
    rows for the cross-entropy and the rows for the forget term are drawn independently, as in the released code."""
    trace_weight: Annotated[float, Ge(0)] = 1.0
    """Factor by which the cross-entropy of trace tokens is multiplied."""
    response_weight: Annotated[float, Ge(0)] = 1.0
    """Factor by which the cross-entropy of response tokens is multiplied. If `trace_weight` and `response_weight` are
    both 0, the targets have no effect; this is an ablation in the paper."""

    @model_validator(mode="before")
    @classmethod
    def _name_the_successor(cls, data: Any) -> Any:
        """Refuse a setting of earlier versions, unless it has no effect."""
        if isinstance(data, dict) and "scope_weight" in data:
            if data["scope_weight"] == 0:
                return {key: value for key, value in data.items() if key != "scope_weight"}
            raise BadField(
                "there is no such setting any more",
                path=("method", "scope_weight"),
                value=data["scope_weight"],
                fix="remove it, and set data.augment: {} instead, which composes rows from the scope for every method",
            )
        return data

    @property
    def _taught(self) -> View:
        return "forget:target" if self.paired else "taught:target"

    def _difference(self) -> tuple[Objective, float]:
        """Return the gradient difference as an objective, and the objective's weight."""
        if self.forget is None:
            return retain_term(self.retain), self.alpha * self.retain_weight
        plugin = OBJECTIVES.get(self.forget).plugin
        if not issubclass(plugin, ForgetObjective):
            raise InputError(
                "the objective is not a forget term",
                where="forget",
                value=self.forget,
                allowed="an objective with a forget term, such as ga or npo",
                fix="choose such an objective, or write null for no forget term",
            )
        return plugin(retain=self.retain, retain_weight=self.retain_weight), self.alpha

    def needs(self) -> Needs:
        """Request the targets' log-probabilities and the quantities of the gradient difference."""
        needs = Needs(logps=frozenset({self._taught}))
        return needs | self._difference()[0].needs() if self.alpha else needs

    def terms(self, step: Step) -> Terms:
        """Return the terms `target`, `forget` and `retain`.

        The terms `trace` and `response` are the two parts of `target`. They have weight 0 and are only logged.
        """
        view = self._taught
        target = step.logps(view)
        nll, in_trace = -target.values, target.in_trace
        terms: Terms = {
            "target": Term(self._weighed(target), view, "token"),
            "trace": Term(nll.detach()[in_trace].sum(), view, "trace_token", weight=0.0),
            "response": Term(nll.detach()[~in_trace].sum(), view, "response_token", weight=0.0),
        }
        if self.alpha:
            part, weight = self._difference()
            terms |= weighted(part.terms(step), weight)
        return terms

    def _weighed(self, logps: TokenValues) -> Tensor:
        """Return the sum of token cross-entropies, weighted by `trace_weight` and `response_weight`."""
        if self.trace_weight == self.response_weight:
            return -self.trace_weight * logps.values.sum()
        part = logps.in_trace.to(logps.values.dtype)
        return -((self.trace_weight * part + self.response_weight * (1 - part)) * logps.values).sum()
