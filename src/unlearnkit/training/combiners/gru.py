"""Gradient rectified unlearning."""

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

    A step uses only the gradient of forgetting, g_u. If it opposes the gradient of the retain terms, g_r, the opposing
    part is removed: g_u - <g_u, g_r> / |g_r|^2 g_r, the nearest gradient g to g_u with <g, g_r> >= 0. Only the
    direction of g_r counts, so the retain weight has no effect without `add_retain`. The condition <g, g_r> >= 0 holds
    for the gradient: a step of Adam, which scales each parameter separately, may violate it. If g_r is a moving
    average, this step's own retain gradient may be opposed. A retain term with its minimum at the target model (`kl`,
    `representation`) has no gradient at the first step except for rounding, so that step is not rectified.

    The average is the released code's: gamma * g_r + (1 - gamma) * the previous average, which starts at 0. (The start
    changes only its length.) Its update `ga_gru` is the rectified gradient of the forget loss, as here; `ga_gru+ce`
    adds this step's g_r, as `add_retain` does. Its `gd_gru` and `npo_gd_gru` rectify the gradient of the whole
    objective, including the retain loss; that, and its bound on the cosine (`cos_clip`, off there), are not offered.

    Memory: two copies of the gradient instead of one, and a third for the average unless `gamma` is 1.
    """

    gamma: Annotated[float, Gt(0), Le(1)] = 0.8
    """Share of this step's retain gradient in the moving average. The authors try 0.8, 0.9, 0.95 and none: 1."""
    add_retain: bool = False
    """Whether the retain terms are minimized too: their own gradient, weights included, is added after projection."""

    def task(self, name: str, view: View) -> Task:
        """Return one of two tasks: forgetting or retaining."""
        del name
        return FORGET if forgets(view) else RETAIN

    def refuse(self, tasks: Collection[Task]) -> None:
        """Raise `InputError` unless both tasks are present."""
        if RETAIN not in tasks:
            raise InputError(
                "gru holds forgetting against the retain terms, and the method has none that counts",
                value="gru",
                allowed="a method with a retain term of a weight above 0",
                fix="give it one (method.retain=nll); or take another combiner, or none: train.combiner=null",
            )
        if FORGET not in tasks:
            raise InputError(
                "gru corrects the gradient of forgetting, and the method has no term that forgets and counts",
                value="gru",
                allowed="a method with a forget term of a weight above 0",
                fix="take another method, or no combiner: train.combiner=null",
            )

    def copies(self, tasks: int) -> int:
        """Return the number of tasks, plus one for the average if any."""
        return tasks + (self.gamma < 1)

    def combine(self, gradients: TaskGradients, memory: Gradient, draw: Generator) -> Combined:
        """Return the rectified gradient; `memory` is the average."""
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
