"""The interface of combiners, which combine the gradients of tasks.

A combiner sorts the objective's terms into tasks. The loop sums each task's gradient over all micro-batches and
processes before the combiner sees it, because combining is not linear: parts of a step would give another result.
Gradients are of a loss that is *minimized*. A step goes along minus the combined gradient, so to first order it raises
the loss of every task whose gradient has a negative dot product with the combined one.
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
"""Gradient by parameter name; it is 0 for a missing parameter."""


def forgets(view: View) -> bool:
    """Return whether a term on that view belongs to forgetting.

    All terms do except those on retain rows. What replaces the forgotten answers (targets, `idk` answers, questions of
    the scope) belongs to forgetting.
    """
    return view.partition(":")[0] != "retain"


@dataclass(frozen=True)
class Task:
    """Terms with one common gradient."""

    name: str
    forgets: bool
    """Whether its terms belong to forgetting; otherwise they belong to retaining."""


@dataclass(frozen=True)
class TaskGradients:
    """The gradients of one optimizer step, by task.

    A combiner may overwrite them.
    """

    by_task: Mapping[Task, Gradient]
    dots: Mapping[tuple[Task, Task], float]
    """Dot product of every two gradients over all trained parameters, including each with itself."""

    @cached_property
    def rounding(self) -> float:
        """The coarsest relative rounding of the gradients' data types."""
        import torch

        dtypes = {values.dtype for gradient in self.by_task.values() for values in gradient.values()}
        return max((torch.finfo(dtype).eps for dtype in dtypes), default=0.0)

    def correction(self, along: float, own: float, other: float) -> float:
        """Return the factor of the other gradient that removes a conflict.

        The other gradient times the factor is added to the task's own. The factor is 0 if there is no conflict, or if
        the other gradient is too short to change a digit of the task's own. Such a gradient is a rounding error at a
        minimum of its loss: its direction is meaningless, but a projection depends only on the direction.

        Args:
            along: dot product of the two; negative if they conflict.
            own: squared length of the task's own gradient.
            other: squared length of the other.
        """
        return -along / other if along < 0 and other > self.rounding**2 * own else 0.0

    @property
    def finite(self) -> bool:
        """Whether every gradient is finite."""
        return all(math.isfinite(self.dots[task, task]) for task in self.by_task)

    @property
    def cosine(self) -> float | None:
        """Cosine of the forget gradient and the retain gradient.

        Each is the sum over its tasks. None if one of them is 0.
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
    """Whether a gradient was projected."""


class Combiner(Settings, ABC):
    """Combines the gradients of an objective's tasks into one.

    A subclass has settings and no state.
    """

    @abstractmethod
    def task(self, name: str, view: View) -> Task:
        """Return the task of the term of that name, on that view."""

    @abstractmethod
    def refuse(self, tasks: Collection[Task]) -> None:
        """Raise `InputError` for an objective whose tasks cannot be combined."""

    def copies(self, tasks: int) -> int:
        """Return the number of gradient copies in memory.

        By default there is one per task; without a combiner there is one in all.
        """
        return tasks

    @abstractmethod
    def combine(self, gradients: TaskGradients, memory: Gradient, draw: Generator) -> Combined:
        """Return the combined gradient.

        Args:
            gradients: gradients of this step.
            memory: state, empty before the first step; it is kept until the next step and after a resume.
            draw: random generator that depends only on the run's seed and the step.
        """

    def sorted_by_task(self, terms: Terms) -> dict[Task, Terms]:
        """Return the terms by task, without those of weight 0."""
        tasks: dict[Task, Terms] = {}
        for name, term in terms.items():
            if term.weight:
                tasks.setdefault(self.task(name, term.view), {})[name] = term
        return tasks


COMBINERS: Registry[type[Combiner]] = Registry("combiner", "unlearnkit.training.combiners")
combiner = COMBINERS.register
