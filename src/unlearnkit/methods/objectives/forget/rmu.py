"""Representation misdirection."""

from __future__ import annotations

from functools import cache
from typing import Annotated

import torch
from annotated_types import Ge, Le
from torch import Tensor

from unlearnkit.core.settings import LARGEST_SEED
from unlearnkit.methods.composition import ForgetObjective, retain_term
from unlearnkit.methods.objective import Needs, Objective, Step, Term, objective


@cache
def unit_vector(width: int, seed: int) -> Tensor:
    """Draw the fixed direction of a run: (width,) float32.

    It is drawn uniformly from [0, 1), then normalized. It depends only on the seed, so that every micro-batch and
    process has the same direction. (With a new one at each step, states would move toward the mean of all directions.)
    """
    drawn = torch.rand(width, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(drawn, dim=0)


@objective("rmu", paper="arXiv:2403.03218", equation="forget and retain loss of RMU")
class RMU(ForgetObjective):
    """Representation misdirection: move hidden states of forget answers to a fixed vector.

    loss = mean over tokens of |h_layer - c u|^2, plus retain_weight times the distance of the retain answers' hidden
    states at the same layer from the target model's. It is meant for a few weights: in the paper the down projections
    of the layer and of the two before it (`model.parameters`). The published settings for a 7 B model are layer 7, c
    6.5 and retain weight 1200; c must be about the norm of the model's own hidden states to move them at all.
    """

    layer: Annotated[int, Ge(-1)] = -1
    """Decoder layer that is read, counted from 0; -1 is the last, after the final norm."""
    coefficient: Annotated[float, Ge(0)] = 6.5
    """The paper's c: the length of the vector that hidden states are moved to."""
    vector_seed: Annotated[int, Ge(0), Le(LARGEST_SEED)] = 0
    """Seed of the direction."""
    retain: str | None = "representation"
    """Registered retain term, or null for none; `representation` reads the same layer."""
    retain_weight: Annotated[float, Ge(0)] = 1200.0
    """The paper's alpha."""

    def forget_needs(self) -> Needs:
        """Request hidden states on the forget answers."""
        return Needs(hidden=frozenset({("forget", self.layer)}))

    def forget_term(self, step: Step) -> Term:
        """Return the squared distance from the vector.

        It is summed over the width and over labeled tokens.
        """
        hidden = step.hidden("forget", self.layer)
        goal = self.coefficient * unit_vector(hidden.shape[-1], self.vector_seed).to(hidden)
        return Term((hidden - goal).square().sum(), "forget", "token")

    def _retain_term(self) -> Objective | None:
        if self.retain == "representation":
            return retain_term(self.retain, layer=self.layer)
        return super()._retain_term()
