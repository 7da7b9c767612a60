"""Gradient rectified unlearning (GRU)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from annotated_types import Gt, Le
from numpy.random import Generator

from unlearnkit.core.errors import InputError
from unlearnkit.methods.objective import View
from unlearnkit.models.parameter_vectors import add, dot, scale
from unlearnkit.training.combiner import Combined, Combiner, Gradient, Task, TaskGradients, combiner, forgets

FORGET, RETAIN = Task("forget", forgets=True), Task("retain", forgets=False)


@combiner("gru", paper="arXiv:2503.09117", equation="the projection on <g, g_retain> >= 0")
class GRU(Combiner):
    """Gradient rectified unlearning: forget without raising the retain loss, to first order.

    Let g_u be the gradient of the forget terms, and g_r the moving average of the retain terms' gradient. If g_u does
    not oppose g_r, the step uses g = g_u. Otherwise, the opposing part of g_u is removed:

    g = g_u - (<g_u, g_r> / |g_r|^2) g_r

    Of all gradients with <g, g_r> >= 0, this g is the nearest to g_u. Without `add_retain`, the retain gradient itself
    is not added. Then only the direction of g_r matters, so the retain weight has no effect.

    The retain loss may still rise. Adam scales each parameter separately, so a step does not follow g exactly. The
    average g_r differs from the retain gradient of the current step, so g may still oppose that retain gradient. The
    retain terms `kl` and `representation` have their minimum at the target model. In the first step, their gradient
    consists only of rounding errors, so the first step is not rectified.

    The moving average is computed as in the released code: gamma * current gradient + (1 - gamma) * previous average,
    starting at 0. (The start at 0 changes only the length of the average, not its direction.) The released code offers
    several update rules. The rule `ga_gru` uses the rectified gradient of the forget loss, as this class does. The rule
    `ga_gru+ce` adds the retain gradient of the current step, as `add_retain` does. The rules `gd_gru` and `npo_gd_gru`
    rectify the gradient of the whole objective, including the retain loss. This class does not offer these two rules.
    Nor does this class offer the bound on the cosine (`cos_clip`), which is off in the released code.

    Memory: two copies of the gradient instead of one, and a third for the average unless `gamma` is 1.
    """

    gamma: Annotated[float, Gt(0), Le(1)] = 0.8
    """Weight of the current step's retain gradient in the moving average; 1 for no averaging. The authors try 0.8, 0.9,
    0.95 and no averaging."""
    add_retain: bool = False
    """Whether the retain terms are minimized too. If so, their weighted gradient is added after the projection."""

    def task(self, name: str, view: View) -> Task:
        """Return the forget task or the retain task."""
        del name
        return FORGET if forgets(view) else RETAIN

    def refuse(self, tasks: Collection[Task]) -> None:
        """Raise `InputError` if the forget task or the retain task is missing."""
        if RETAIN not in tasks:
            raise InputError(
                "gru needs the gradient of a retain term, but the method has no retain term with a weight above 0",
                value="gru",
                allowed="a method with a retain term whose weight is above 0",
                fix="add a retain term (method.retain=nll); or use another combiner; or use none: train.combiner=null",
            )
        if FORGET not in tasks:
            raise InputError(
                "gru corrects the gradient of a forget term, but the method has no forget term with a weight above 0",
                value="gru",
                allowed="a method with a forget term whose weight is above 0",
                fix="use another method; or use no combiner: train.combiner=null",
            )

    def copies(self, tasks: int) -> int:
        """Return the number of tasks, plus one for a moving average."""
        return tasks + (self.gamma < 1)

    def combine(self, gradients: TaskGradients, memory: Gradient, draw: Generator) -> Combined:
        """Return the rectified gradient; `memory` holds the moving average."""
        del draw
        forget, retain = gradients.by_task[FORGET], gradients.by_task[RETAIN]
        held = retain
        if self.gamma < 1:
            scale(memory, 1 - self.gamma)
            add(memory, retain, self.gamma)
            held = memory
        factor = gradients.correction(dot(forget, held), gradients.dots[FORGET, FORGET], dot(held, held))
        if factor:
            add(forget, held, factor)
        if self.add_retain:
            add(forget, retain)
        return Combined(forget, factor != 0.0)
