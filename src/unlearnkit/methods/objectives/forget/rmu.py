"""Representation misdirection for unlearning (RMU)."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Le
from torch import Tensor

from unlearnkit.core.settings import LARGEST_SEED
from unlearnkit.methods.composition import ForgetObjective, retain_term
from unlearnkit.methods.objective import Needs, Objective, Step, Term, View, objective


@cache
def unit_vector(width: int, seed: int) -> Tensor:
    """Return the random unit vector of a run, shape (width,), float32.

    The elements are drawn uniformly from [0, 1), and the vector is then normalized. The direction depends only on width
    and seed, so that every micro-batch and process has the same direction. (With a new direction at each step, hidden
    states would move toward the mean of all directions.)
    """
    drawn = torch.rand(width, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(drawn, dim=0)


@objective("rmu", paper="arXiv:2403.03218", equation="forget and retain loss of RMU")
class RMU(ForgetObjective):
    """Representation misdirection: move hidden states of forget answers to a fixed vector.

    loss = mean over tokens of |h - c u|^2 + retain_weight * retain

    Here h is a hidden state at `layer`, u the fixed direction and c the coefficient. The retain term is the squared
    distance between the model's and the target model's hidden states on the retain answers, at the same layer. Use
    `model.parameters` to train only a few weights: the paper trains the down projections of this layer and of the two
    layers before it. The published settings for a 7 B model are layer 7, c 6.5 and retain weight 1200. To move the
    hidden states at all, c must be about as large as the norm of the hidden states.

    The paper reads the hidden states of all tokens of a text. By default, this class reads only the positions that
    predict a token of the answer; in a text without a question, these are all positions except the last. With
    `positions: all`, the tokens of the prompt are read too. The last token is never read, because it predicts nothing.
    """

    layer: Annotated[int, Ge(-1)] = -1
    """Index of the decoder layer whose hidden states are moved, counted from 0; -1 is the last layer, after the final
    norm."""
    coefficient: Annotated[float, Ge(0)] = 6.5
    """Length of the vector to which hidden states are moved; the paper's c."""
    vector_seed: Annotated[int, Ge(0), Le(LARGEST_SEED)] = 0
    """Seed from which the direction of the vector is drawn."""
    positions: Literal["answer", "all"] = "answer"
    """Positions whose hidden states are read, on forget and retain rows. `answer`: those that predict a token of the
    answer. `all`: also those of the prompt, as in the paper."""
    retain: str | None = "representation"
    """Name of a registered retain term; null for no retain term. `representation` reads the same layer as the forget
    term."""
    retain_weight: Annotated[float, Ge(0)] = 1200.0
    """Factor by which the retain term is multiplied; the paper's alpha."""

    def forget_needs(self) -> Needs:
        """Request hidden states on the forget answers."""
        return Needs(hidden=frozenset({(self._view, self.layer)}))

    def forget_term(self, step: Step) -> Term:
        """Return the squared distance of the hidden states from the fixed vector.

        The distance is summed over the width of the hidden states and over labeled tokens.
        """
        hidden = step.hidden(self._view, self.layer)
        goal = self.coefficient * unit_vector(hidden.shape[-1], self.vector_seed).to(hidden)
        return Term((hidden - goal).square().sum(), self._view, "token")

    @property
    def _view(self) -> View:
        return "forget:whole" if self.positions == "all" else "forget"

    def _retain_term(self) -> Objective | None:
        if self.retain == "representation":
            return retain_term(self.retain, layer=self.layer, positions=self.positions)
        return super()._retain_term()
