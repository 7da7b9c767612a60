"""What a combiner sees of an optimizer step, and what it gives back.

A combiner sorts the objective's terms into tasks. The loop adds up each task's gradient by itself, over all
micro-batches and processes, before the combiner sees it: what it does is no sum, and would come out otherwise on parts
of a step. Gradients are of a loss that is *minimized*. A step goes along minus the gradient, so it raises, to first
order, the loss of every task whose gradient has a negative dot product with the one that is stepped along.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unlearnkit.core.registry import Registry
from unlearnkit.core.settings import Settings
from unlearnkit.methods.objective import Terms, View

if TYPE_CHECKING:  # a recipe names combiners, and what only reads recipes shall not wait for torch
    from numpy.random import Generator
    from torch import Tensor

Gradient = dict[str, "Tensor"]
"""By the parameter's name; of one that is not there the gradient is 0."""


def forgets(view: View) -> bool:
    """Whether a term on that view belongs to forgetting: all do but those on retain rows.

    What is taught in place of the forgotten (targets, `idk` answers, questions of the scope) belongs to forgetting.
    """
    return view.partition(":")[0] != "retain"


@dataclass(frozen=True)
class Task:
    """Terms whose gradient is had as one."""

    name: str
    forgets: bool
    """Whether its terms belong to forgetting; else they belong to what is retained."""


@dataclass(frozen=True)
class TaskGradients:
    """The gradients of one optimizer step, by task. Whoever combines them may use their memory up."""

    by_task: Mapping[Task, Gradient]
    dots: Mapping[tuple[Task, Task], float]
    """Dot product of every two gradients over all trained parameters, of each with itself too."""

    @property
    def finite(self) -> bool:
        """Whether every gradient is."""
        return all(math.isfinite(self.dots[task, task]) for task in self.by_task)

    @property
    def cosine(self) -> float | None:
        """Between the sum of the gradients that belong to forgetting and that of the others; None where one is 0."""
        forget, retain = ([task for task in self.by_task if task.forgets is side] for side in (True, False))
        dot, ours, theirs = (
            math.fsum(self.dots[one, other] for one in a for other in b)
            for a, b in ((forget, retain), (forget, forget), (retain, retain))
        )
        return dot / math.sqrt(ours) / math.sqrt(theirs) if ours > 0 and theirs > 0 else None


@dataclass(frozen=True)
class Combined:
    """What a combiner makes of a step's gradients."""

    gradient: Gradient
    projected: bool
    """Whether anything was taken out of a gradient."""


def rounding(gradients: Iterable[Gradient]) -> float:
    """The coarsest relative rounding of the numbers in `gradients`."""
    import torch

    return max((torch.finfo(dtype).eps for dtype in {v.dtype for g in gradients for v in g.values()}), default=0.0)


def correction(along: float, own: float, other: float, rounding: float) -> float:
    """Factor of the other gradient that, added to a task's own, ends their opposition; 0 where there is none.

    A gradient too short to change a digit of the task's own is that of a loss at its least, left over from rounding:
    its direction means nothing, and projecting, which looks at nothing but the direction, would obey it.

    Args:
        along: dot product of the two; negative where they oppose each other.
        own: squared length of the task's own gradient.
        other: squared length of the other.
        rounding: relative rounding of the numbers they are kept in.
    """
    return -along / other if along < 0 and other > rounding**2 * own else 0.0


class Combiner(Settings, ABC):
    """Turns the gradients of an objective's tasks into one. A subclass holds settings, and no state."""

    @abstractmethod
    def task(self, name: str, view: View) -> Task:
        """The task of the term of that name, on that view."""

    @abstractmethod
    def refuse(self, tasks: Collection[Task]) -> None:
        """Raise `InputError` for an objective whose tasks cannot be combined."""

    @abstractmethod
    def copies(self, tasks: int) -> int:
        """How many copies of the gradient are in memory at once; a plain sum keeps one."""

    @abstractmethod
    def combine(self, gradients: TaskGradients, memory: Gradient, draw: Generator) -> Combined:
        """The gradient to step along.

        Args:
            gradients: of this step.
            memory: empty before the first step; what is left in it is there at the next, and after a resume.
            draw: a function of the run's seed and the step alone.
        """

    def sorted_by_task(self, terms: Terms) -> dict[Task, Terms]:
        """The terms of each task. A term of weight 0 is in none."""
        tasks: dict[Task, Terms] = {}
        for name, term in terms.items():
            if term.weight:
                tasks.setdefault(self.task(name, term.view), {})[name] = term
        return tasks


COMBINERS: Registry[type[Combiner]] = Registry("combiner", "unlearnkit.training.combiners")
combiner = COMBINERS.register
