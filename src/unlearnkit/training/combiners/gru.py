"""Gradient rectified unlearning."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from annotated_types import Gt, Le
from numpy.random import Generator

from unlearnkit.core.errors import InputError
from unlearnkit.methods.objective import View
from unlearnkit.models.parameter_vectors import add, dot, scale
from unlearnkit.training.combiner import (
    Combined,
    Combiner,
    Gradient,
    Task,
    TaskGradients,
    combiner,
    correction,
    forgets,
    rounding,
)

FORGET, RETAIN = Task("forget", forgets=True), Task("retain", forgets=False)


def rectify(forget: Gradient, retain: Gradient, own: float) -> bool:
    """Take out of `forget`, in place, what opposes `retain`; says whether there was anything. `own`: |forget|^2.

    The nearest gradient g to `forget` with <g, retain> >= 0: `forget` itself, or, where <forget, retain> < 0,
    forget - <forget, retain> / |retain|^2 * retain.
    """
    factor = correction(dot(forget, retain), own, dot(retain, retain), rounding((forget, retain)))
    if factor:
        add(forget, retain, factor)
    return factor != 0.0


@combiner("gru", paper="arXiv:2503.09117", equation="the projection on <g, g_retain> >= 0")
class GRU(Combiner):
    """Gradient rectified unlearning: forget without a step that, to first order, raises the retain loss.

    The gradient of forgetting, g_u, is stepped along alone. Where it opposes the gradient of the retain terms, g_r, the
    part that opposes is taken out: g_u - <g_u, g_r> / |g_r|^2 g_r. Only the direction of g_r counts, so the retain
    weight changes nothing without `add_retain`. It is the gradient that is held to <g, g_r> >= 0: a step of Adam, which
    scales each parameter by itself, need not obey. And where g_r is a moving average, this step's own may be opposed.
    A retain term that is least at the target model (`kl`, `representation`) has no gradient before the first step but
    what rounding leaves, so there is nothing to hold that one against.

    The average is the released code's: gamma * g_r + (1 - gamma) * the average before, from 0 on. (That it begins at 0
    changes its length alone.) Its update `ga_gru` is the rectified gradient of the forget loss, as here; `ga_gru+ce`
    adds this step's g_r, as `add_retain` does. Its `gd_gru` and `npo_gd_gru` rectify the gradient of the whole
    objective, retain loss included; that, and its bound on the cosine (`cos_clip`, off there), are not offered.

    Memory: two copies of the gradient in place of one, and a third for the average unless `gamma` is 1.
    """

    gamma: Annotated[float, Gt(0), Le(1)] = 0.8
    """Share of this step's retain gradient in the moving average. The authors try 0.8, 0.9, 0.95 and none: 1."""
    add_retain: bool = False
    """Whether the retain terms are minimized too: their own gradient, weights included, is added after projection."""

    def task(self, name: str, view: View) -> Task:
        """All of forgetting is one task, all that is retained the other."""
        del name
        return FORGET if forgets(view) else RETAIN

    def refuse(self, tasks: Collection[Task]) -> None:
        """Both are needed."""
        if RETAIN not in tasks:
            raise InputError(
                "gru holds forgetting against the retain terms, and the method has none that counts",
                value="gru",
                allowed="a method with a retain term of a weight above 0",
                fix="give it one (method.retain=nll); or take another combiner, or none: train.combiner=null",
            )
        if FORGET not in tasks:
            raise InputError(
                "gru mends the gradient of forgetting, and the method has no term that forgets and counts",
                value="gru",
                allowed="a method with a forget term of a weight above 0",
                fix="take another method, or no combiner: train.combiner=null",
            )

    def copies(self, tasks: int) -> int:
        """Two tasks and, where there is one, the average."""
        return tasks + (self.gamma < 1)

    def combine(self, gradients: TaskGradients, memory: Gradient, draw: Generator) -> Combined:
        """The rectified gradient. `memory` holds the average."""
        del draw
        forget, retain = gradients.by_task[FORGET], gradients.by_task[RETAIN]
        held = retain
        if self.gamma < 1:
            scale(memory, 1 - self.gamma)
            add(memory, retain, self.gamma)
            held = memory
        projected = rectify(forget, held, gradients.dots[FORGET, FORGET])
        if self.add_retain:
            add(forget, retain)
        return Combined(forget, projected)
