"""The interface of combiners, which combine the gradients of tasks.

A combiner assigns each term of the objective to a task. The loop sums the gradient of each task over all micro-batches
and processes before it calls the combiner. Combining is not a linear operation: combining the gradients of each
micro-batch and then adding the results would give a different gradient.

Every gradient is the gradient of a loss to minimize. A step moves the weights along the negative combined gradient. To
first order, the step therefore raises the loss of every task whose gradient has a negative dot product with the
combined gradient.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from unlearnkit.core.registry import Registry
from unlearnkit.core.settings import Settings
from unlearnkit.methods.objective import Terms, View

if TYPE_CHECKING:  # a recipe names combiners, and reading recipes must not import torch
    from numpy.random import Generator
    from torch import Tensor

Gradient = dict[str, "Tensor"]
"""Gradient of each parameter, by name. The gradient of a parameter that is missing here is 0."""


def forgets(view: View) -> bool:
    """Return whether a term on this view serves forgetting.

    Terms on retain rows serve retention; all other terms serve forgetting. Terms that train replacement answers
    (targets, "I don't know" answers, questions about the scope) serve forgetting too.
    """
    return view.partition(":")[0] != "retain"


@dataclass(frozen=True)
class Task:
    """A group of loss terms whose gradients are summed into one gradient."""

    name: str
    forgets: bool
    """Whether the task's terms serve forgetting. If False, the terms serve retention."""


@dataclass(frozen=True)
class TaskGradients:
    """The gradients of one optimizer step, by task.

    A combiner may overwrite these gradients.
    """

    by_task: Mapping[Task, Gradient]
    dots: Mapping[tuple[Task, Task], float]
    """Dot product of each pair of gradients, over all trained parameters. Each gradient is also paired with itself;
    this product is the gradient's squared length."""

    @cached_property
    def rounding(self) -> float:
        """The largest machine epsilon among the gradients' data types."""
        import torch

        dtypes = {values.dtype for gradient in self.by_task.values() for values in gradient.values()}
        return max((torch.finfo(dtype).eps for dtype in dtypes), default=0.0)

    def correction(self, along: float, own: float, other: float) -> float:
        """Return the factor that removes a conflict with another task's gradient.

        To remove the conflict, multiply the other task's gradient by the factor, and add the product to the task's own
        gradient. The factor is 0 if the two gradients do not conflict. The factor is also 0 if the other gradient is so
        short that the sum would equal the task's own gradient in every digit. For example, at a minimum of the other
        task's loss, the other gradient consists only of rounding errors. The direction of these errors is meaningless,
        but a projection would follow this direction, because a projection ignores the length of the other gradient.

        Args:
            along: dot product of the two gradients; negative if they conflict.
            own: squared length of the task's own gradient.
            other: squared length of the other task's gradient.
        """
        return -along / other if along < 0 and other > self.rounding**2 * own else 0.0

    @property
    def finite(self) -> bool:
        """Whether every gradient is finite."""
        return all(math.isfinite(self.dots[task, task]) for task in self.by_task)

    @property
    def cosine(self) -> float | None:
        """Cosine of the angle between the forget gradient and the retain gradient.

        The forget gradient is the sum over the tasks that serve forgetting. The retain gradient is the sum over the
        other tasks. The cosine is None if either gradient is 0.
        """
        forget, retain = ([task for task in self.by_task if task.forgets is side] for side in (True, False))
        dot, ours, theirs = (
            math.fsum(self.dots[one, other] for one in a for other in b)
            for a, b in ((forget, retain), (forget, forget), (retain, retain))
        )
        return dot / math.sqrt(ours) / math.sqrt(theirs) if ours > 0 and theirs > 0 else None


@dataclass(frozen=True)
class Combined:
    """The combined gradient of a step."""

    gradient: Gradient
    projected: bool
    """Whether the combiner projected a gradient."""


class Combiner(Settings, ABC):
    """Base class of combiners, which combine task gradients into one gradient.

    The fields of a subclass are its settings. A combiner object has no state: `combine` receives the state as its
    argument `memory`.
    """

    @abstractmethod
    def task(self, name: str, view: View) -> Task:
        """Return the task of a term with this name and view."""

    @abstractmethod
    def refuse(self, tasks: Collection[Task]) -> None:
        """Raise `InputError` if these tasks cannot be combined."""

    def copies(self, tasks: int) -> int:
        """Return how many copies of the gradient are kept in memory.

        By default, there is one copy per task. Without a combiner, there is one copy in total.
        """
        return tasks

    @abstractmethod
    def combine(self, gradients: TaskGradients, memory: Gradient, draw: Generator) -> Combined:
        """Return the combined gradient.

        Args:
            gradients: gradients of this step.
            memory: state of the combiner, which `combine` updates in place. The state is empty before the first step.
                The loop keeps the state between steps and restores it when a run resumes.
            draw: random generator that depends only on the run's seed and the step.
        """

    def sorted_by_task(self, terms: Terms) -> dict[Task, Terms]:
        """Return the terms of each task, omitting terms of weight 0."""
        tasks: dict[Task, Terms] = {}
        for name, term in terms.items():
            if term.weight:
                tasks.setdefault(self.task(name, term.view), {})[name] = term
        return tasks


COMBINERS: Registry[type[Combiner]] = Registry("combiner", "unlearnkit.training.combiners")
combiner = COMBINERS.register
