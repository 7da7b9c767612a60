"""Forget term plus retain term, the form of most objectives."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Annotated

from annotated_types import Ge

from unlearnkit.core.errors import InputError
from unlearnkit.methods.objective import OBJECTIVES, Needs, Objective, Step, Term, Terms


class ForgetObjective(Objective):
    """Base of objectives with a forget term and an optional retain term.
    loss = forget + retain_weight * retain
    """

    retain: str | None = None
    """Registered retain term (`nll`, `kl`), or null for none."""
    retain_weight: Annotated[float, Ge(0)] = 1.0
    """Factor of the retain term."""

    @abstractmethod
    def forget_needs(self) -> Needs:
        """Return the quantities that `forget_term` reads."""

    @abstractmethod
    def forget_term(self, step: Step) -> Term:
        """Return the forget term on the rows of one micro-batch."""

    def needs(self) -> Needs:
        """Return the needs of both terms."""
        retain = self._retain_term()
        return self.forget_needs() | retain.needs() if retain else self.forget_needs()

    def terms(self, step: Step) -> Terms:
        """Return `forget`, and `retain` if there is a retain term."""
        terms = {"forget": self.forget_term(step)}
        retain = self._retain_term()
        if retain:
            terms |= weighted(retain.terms(step), self.retain_weight)
        return terms

    def _retain_term(self) -> Objective | None:
        return retain_term(self.retain) if self.retain else None


def retain_term(name: str, **options: object) -> Objective:
    """Return the registered retain term of that name.

    Raises:
        InputError: the objective reads other rows than retain rows.
    """
    term = OBJECTIVES.get(name).plugin(**options)
    if any(view.partition(":")[0] != "retain" for view in term.needs().views):
        raise InputError(
            "not a retain term",
            where="retain",
            value=name,
            allowed="an objective on retain rows alone",
            fix="name one of these, or null for none",
        )
    return term


def weighted(terms: Terms, factor: float) -> Terms:
    """Return the terms with each weight multiplied by `factor`."""
    return {name: replace(term, weight=term.weight * factor) for name, term in terms.items()}
