"""Projection of conflicting gradients (PCGrad)."""

from __future__ import annotations

import math
from collections.abc import Collection

from numpy.random import Generator

from unlearnkit.core.errors import InputError
from unlearnkit.methods.objective import View
from unlearnkit.models.parameter_vectors import add, scale
from unlearnkit.training.combiner import Combined, Combiner, Gradient, Task, TaskGradients, combiner, forgets


@combiner("pcgrad", paper="arXiv:2001.06782", equation="Algorithm 1")
class PCGrad(Combiner):
    """Gradient surgery: remove conflicts from each term's gradient, then sum the gradients.

    Each term whose weight is not 0 is a task with a gradient g. In random order, g is compared with the original
    gradient of each other task. If the two gradients oppose each other, g is projected onto the plane normal to the
    other gradient. With two tasks, neither projected gradient opposes the original gradient of the other task. With
    more tasks, a later projection may restore a conflict that an earlier projection removed.

    The released code shuffles a list of tasks but then uses the original list, so the order of its comparisons is
    fixed. Here a new order is drawn for each task and step, as in Algorithm 1 of the paper.

    Memory: one copy of the gradient per term instead of one in total.
    """

    def task(self, name: str, view: View) -> Task:
        """Return a separate task for each term."""
        return Task(name, forgets(view))

    def refuse(self, tasks: Collection[Task]) -> None:
        """Raise `InputError` if there are fewer than two tasks."""
        if len(tasks) < 2:
            raise InputError(
                "pcgrad removes conflicts between terms, but the method has fewer than two terms with a weight above 0",
                value="pcgrad",
                allowed="a method with at least two terms whose weights are above 0",
                fix="add a retain term (method.retain=nll); or use no combiner: train.combiner=null",
            )

    def combine(self, gradients: TaskGradients, memory: Gradient, draw: Generator) -> Combined:
        """Return the sum of the projected gradients; `memory` is not used.

        Every projected gradient is a linear combination of the task gradients. The dot products of the task gradients
        therefore suffice to compute the projections, and no gradient is copied.
        """
        del memory
        tasks, dots = list(gradients.by_task), gradients.dots
        total = dict.fromkeys(tasks, 0.0)
        for own in tasks:
            factors = {own: 1.0}
            for at in draw.permutation(len(tasks)).tolist():
                other = tasks[at]
                along = math.fsum(factor * dots[task, other] for task, factor in factors.items())
                if other != own and (factor := gradients.correction(along, dots[own, own], dots[other, other])):
                    factors[other] = factors.get(other, 0.0) + factor
            for task, factor in factors.items():
                total[task] += factor
        combined = gradients.by_task[tasks[0]]
        scale(combined, total[tasks[0]])
        for task in tasks[1:]:
            add(combined, gradients.by_task[task], total[task])
        return Combined(combined, any(factor != 1.0 for factor in total.values()))
