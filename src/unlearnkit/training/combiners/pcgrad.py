"""Projecting conflicting gradients."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from numpy.random import Generator

from unlearnkit.core.errors import InputError
from unlearnkit.methods.objective import View
from unlearnkit.models.parameter_vectors import add, scale
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


def surgery(
    dots: Mapping[tuple[Task, Task], float], tasks: Collection[Task], draw: Generator, rounding: float
) -> dict[Task, float]:
    """Return each task's factor in the sum of the projected gradients.

    Every projected gradient is a linear combination of the given ones, so their dot products suffice and no gradient is
    copied.

    Args:
        dots: dot products of every two gradients, and of each with itself.
        tasks: the tasks of the gradients.
        draw: draws, for each task, the order in which others are projected out.
        rounding: relative rounding of the gradients' data type.
    """
    ordered = list(tasks)
    total = dict.fromkeys(ordered, 0.0)
    for own in ordered:
        factors = {own: 1.0}
        for at in draw.permutation(len(ordered)).tolist():
            other = ordered[at]
            along = math.fsum(factor * dots[task, other] for task, factor in factors.items())
            if other != own and (factor := correction(along, dots[own, own], dots[other, other], rounding)):
                factors[other] = factors.get(other, 0.0) + factor
        for task, factor in factors.items():
            total[task] += factor
    return total


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

    def copies(self, tasks: int) -> int:
        """Return the number of tasks."""
        return tasks

    def combine(self, gradients: TaskGradients, memory: Gradient, draw: Generator) -> Combined:
        """Return the sum of the projected gradients; there is no state."""
        del memory
        factors = surgery(gradients.dots, gradients.by_task.keys(), draw, rounding(gradients.by_task.values()))
        first, *others = gradients.by_task
        total = gradients.by_task[first]
        scale(total, factors[first])
        for task in others:
            add(total, gradients.by_task[task], factors[task])
        return Combined(total, any(factor != 1.0 for factor in factors.values()))
