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
    """(width,) float32: drawn uniformly from [0, 1), then normalized; one and the same for the whole run.

    It is a function of the seed alone, so that every micro-batch and process steers the same way. (Drawn anew at each
    step it would pull toward the mean of all directions.)
    """
    drawn = torch.rand(width, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(drawn, dim=0)


@objective("rmu", paper="arXiv:2403.03218", equation="forget and retain loss of RMU")
class RMU(ForgetObjective):
    """Representation misdirection: hidden states on forget answers are steered to one fixed direction.

    loss = mean over tokens of |h_layer - c u|^2, plus retain_weight times the distance of the retain answers' hidden
    states at the same layer from the target model's. Meant for a few weights: in the paper the down projections of
    the layer and the two before it (`model.parameters`). The published settings for a 7 B model read layer 7, with c
    6.5 and retain weight 1200; c has to be of the size of the model's own hidden states to move them at all.
    """

    layer: Annotated[int, Ge(-1)] = -1
    """Decoder layer that is read, counted from 0; -1 is the last, after the final norm."""
    coefficient: Annotated[float, Ge(0)] = 6.5
    """The paper's c: the length of the vector that hidden states are steered to."""
    vector_seed: Annotated[int, Ge(0), Le(LARGEST_SEED)] = 0
    """Of the direction."""
    retain: str | None = "representation"
    """Registered retain term, or null for none; `representation` is held at the layer that is read."""
    retain_weight: Annotated[float, Ge(0)] = 1200.0
    """The paper's alpha."""

    def forget_needs(self) -> Needs:
        """Hidden states on the forget answers."""
        return Needs(hidden=frozenset({("forget", self.layer)}))

    def forget_term(self, step: Step) -> Term:
        """Squared distance from the steered-to vector, summed over the width and over labeled tokens."""
        hidden = step.hidden("forget", self.layer)
        goal = self.coefficient * unit_vector(hidden.shape[-1], self.vector_seed).to(hidden)
        return Term((hidden - goal).square().sum(), "forget", "token")

    def _retain_term(self) -> Objective | None:
        if self.retain == "representation":
            return retain_term(self.retain, layer=self.layer)
        return super()._retain_term()
