"""Retain the model's hidden states."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge

from unlearnkit.methods.objective import Needs, Objective, Step, Term, Terms, objective


@objective("representation", paper="arXiv:2403.03218", equation="the retain loss of RMU")
class Representation(Objective):
    """Squared distance of the retain answers' hidden states from the target model's.

    It is averaged over tokens.
    """

    layer: Annotated[int, Ge(-1)] = -1
    """Decoder layer, counted from 0; -1 is the last, after the final norm."""

    def needs(self) -> Needs:
        """Request hidden states on the retain answers, of model and reference."""
        there = frozenset({("retain", self.layer)})
        return Needs(hidden=there, reference_hidden=there)

    def terms(self, step: Step) -> Terms:
        """Return `retain`, summed over the width and over labeled tokens."""
        moved = step.hidden("retain", self.layer) - step.reference.hidden("retain", self.layer)
        return {"retain": Term(moved.square().sum(), "retain", "token")}
