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
    """Factor of each task's gradient in the sum of the projected ones.

    Every projected gradient is a combination of the given ones, so their dot products say all: no gradient is copied.

    Args:
        dots: of every two gradients, and of each with itself.
        tasks: whose gradients these are.
        draw: decides the order in which others are projected out, for each task anew.
        rounding: relative rounding of the numbers the gradients are kept in.
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
    """Gradient surgery: each term's gradient loses what opposes another's, then all are summed.

    Each term is a task, its weight included. Its gradient is projected on the plane normal to every other that it
    opposes at that moment, in random order, the others being as they were given. With two tasks, neither of the
    projected gradients opposes the other task. With more, a later projection may bring back what an earlier one took.

    The released code drops the shuffled list and goes on with the one it had, so its order is fixed. Here the order is
    drawn for each task and step, as in the paper's Algorithm 1.

    Memory: one copy of the gradient a term, in place of one in all.
    """

    def task(self, name: str, view: View) -> Task:
        """Each term is a task."""
        return Task(name, forgets(view))

    def refuse(self, tasks: Collection[Task]) -> None:
        """One alone opposes nothing."""
        if len(tasks) < 2:
            raise InputError(
                "pcgrad takes out what terms have against each other, and the method has fewer than two that count",
                value="pcgrad",
                allowed="a method with two terms of a weight above 0",
                fix="give it a retain term (method.retain=nll); or take no combiner: train.combiner=null",
            )

    def copies(self, tasks: int) -> int:
        """One a task."""
        return tasks

    def combine(self, gradients: TaskGradients, memory: Gradient, draw: Generator) -> Combined:
        """The sum of the projected gradients. Nothing is remembered."""
        del memory
        factors = surgery(gradients.dots, gradients.by_task.keys(), draw, rounding(gradients.by_task.values()))
        first, *others = gradients.by_task
        total = gradients.by_task[first]
        scale(total, factors[first])
        for task in others:
            add(total, gradients.by_task[task], factors[task])
        return Combined(total, any(factor != 1.0 for factor in factors.values()))
