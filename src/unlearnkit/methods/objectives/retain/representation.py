"""Retain term that keeps hidden states close to the target model's states."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge

from unlearnkit.methods.objective import Needs, Objective, Step, Term, Terms, View, objective


@objective("representation", paper="arXiv:2403.03218", equation="the retain loss of RMU")
class Representation(Objective):
    """Squared distance between the model's and the target model's hidden states.

    The hidden states are those that predict the tokens of the retain answers, or of whole retain rows. The distance is
    summed over the width of the hidden states and averaged over these positions.
    """

    layer: Annotated[int, Ge(-1)] = -1
    """Index of the decoder layer, counted from 0; -1 is the last layer, after the final norm."""
    positions: Literal["answer", "all"] = "answer"
    """Positions whose hidden states are compared. `answer`: those that predict a token of the answer. `all`: also those
    of the prompt."""

    def needs(self) -> Needs:
        """Request the model's and the reference model's hidden states on retain answers."""
        there = frozenset({(self._view, self.layer)})
        return Needs(hidden=there, reference_hidden=there)

    def terms(self, step: Step) -> Terms:
        """Return the term `retain`: squared distance summed over width and labeled tokens."""
        moved = step.hidden(self._view, self.layer) - step.reference.hidden(self._view, self.layer)
        return {"retain": Term(moved.square().sum(), self._view, "token")}

    @property
    def _view(self) -> View:
        return "retain:whole" if self.positions == "all" else "retain"
