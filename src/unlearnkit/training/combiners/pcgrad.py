"""Projecting conflicting gradients."""

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
    """Gradient surgery: project conflicts out of each term's gradient, then sum.

    Each weighted term is a task. Its gradient is projected on the plane normal to every other gradient that it opposes
    at that moment, in random order; the others are not projected meanwhile. With two tasks, neither of the projected
    gradients opposes the other task. With more, a later projection may restore what an earlier one removed.

    The released code discards the shuffled list and uses the original one, so its order is fixed. Here the order is
    drawn for each task and step, as in the paper's Algorithm 1.

    Memory: one copy of the gradient per term instead of one in all.
    """

    def task(self, name: str, view: View) -> Task:
        """Return the term's own task."""
        return Task(name, forgets(view))

    def refuse(self, tasks: Collection[Task]) -> None:
        """Raise `InputError` for fewer than two tasks."""
        if len(tasks) < 2:
            raise InputError(
                "pcgrad takes out what terms have against each other, and the method has fewer than two that count",
                value="pcgrad",
                allowed="a method with two terms of a weight above 0",
                fix="give it a retain term (method.retain=nll); or take no combiner: train.combiner=null",
            )

    def combine(self, gradients: TaskGradients, memory: Gradient, draw: Generator) -> Combined:
        """Return the sum of the projected gradients; there is no state.

        Every projected gradient is a linear combination of the given ones, so their dot products suffice and no
        gradient is copied.
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
