"""Base class of objectives with a forget term and a retain term."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Annotated

from annotated_types import Ge

from unlearnkit.core.errors import InputError
from unlearnkit.methods.objective import OBJECTIVES, Needs, Objective, Step, Term, Terms
from unlearnkit.methods.objectives.retain.nll import NLL
from unlearnkit.methods.objectives.retain.nll_kl import NLLOrKL


class ForgetObjective(Objective):
    """An objective with a forget term and an optional retain term.

    loss = forget + retain_weight * retain
    """

    retain: str | None = None
    """Name of a registered retain term, such as `nll` or `kl`; null for no retain term."""
    retain_weight: Annotated[float, Ge(0)] = 1.0
    """Factor by which the retain term is multiplied."""

    @abstractmethod
    def forget_needs(self) -> Needs:
        """Return the quantities that `forget_term` reads."""

    @abstractmethod
    def forget_term(self, step: Step) -> Term:
        """Return the forget term of one micro-batch."""

    def needs(self) -> Needs:
        """Return all quantities that the forget term or the retain term reads."""
        retain = self._retain_term()
        return self.forget_needs() | retain.needs() if retain else self.forget_needs()

    def terms(self, step: Step) -> Terms:
        """Return the terms by name: `forget`, and `retain` if it is set."""
        terms = {"forget": self.forget_term(step)}
        retain = self._retain_term()
        if retain:
            terms |= weighted(retain.terms(step), self.retain_weight)
        return terms

    def _retain_term(self) -> Objective | None:
        return retain_term(self.retain) if self.retain else None


def retain_term(name: str, **options: object) -> Objective:
    """Create the registered retain term with this name and these options.

    Raises:
        InputError: the objective with this name reads rows that are not retain rows.
    """
    term = OBJECTIVES.get(name).plugin(**options)
    if any(view.partition(":")[0] != "retain" for view in term.needs().views):
        raise InputError(
            "the objective is not a retain term",
            where="retain",
            value=name,
            allowed="an objective that reads only retain rows",
            fix="choose such an objective, or write null for no retain term",
        )
    return term


def keeping_doubtful(objective: Objective) -> Objective:
    """Return the objective with the retain term `nll_kl` instead of `nll`.

    With `nll_kl`, labels that may be wrong are not learned (see `Encoded.doubtful`). An objective without the retain
    term `nll` is returned unchanged.
    """
    if isinstance(objective, NLL):
        return NLLOrKL()
    return (
        objective.model_copy(update={"retain": "nll_kl"}) if getattr(objective, "retain", None) == "nll" else objective
    )


def weighted(terms: Terms, factor: float) -> Terms:
    """Return the terms with each weight multiplied by `factor`."""
    return {name: replace(term, weight=term.weight * factor) for name, term in terms.items()}
