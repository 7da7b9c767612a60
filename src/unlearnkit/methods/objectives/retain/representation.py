"""Retain term that keeps hidden states close to the target model's states."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge

from unlearnkit.methods.objective import Needs, Objective, Step, Term, Terms, objective


@objective("representation", paper="arXiv:2403.03218", equation="the retain loss of RMU")
class Representation(Objective):
    """Squared distance between the model's and the target model's hidden states.

    The hidden states are those on the retain answers. The distance is summed over the width of the hidden states and
    averaged over labeled tokens.
    """

    layer: Annotated[int, Ge(-1)] = -1
    """Index of the decoder layer, counted from 0; -1 is the last layer, after the final norm."""

    def needs(self) -> Needs:
        """Request the model's and the reference model's hidden states on retain answers."""
        there = frozenset({("retain", self.layer)})
        return Needs(hidden=there, reference_hidden=there)

    def terms(self, step: Step) -> Terms:
        """Return the term `retain`: squared distance summed over width and labeled tokens."""
        moved = step.hidden("retain", self.layer) - step.reference.hidden("retain", self.layer)
        return {"retain": Term(moved.square().sum(), "retain", "token")}
