"""The part of a combiner in the loop: each task's gradient is added up by itself, and what comes of them put in place.

Every view runs through the engine by itself where there is a combiner, so a task's backward pass goes through its own
rows alone, and all tasks' passes together cost what one pass through all rows does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator, DistributedType
from torch import nn

from unlearnkit.core.errors import InputError
from unlearnkit.data.batching import Labels
from unlearnkit.methods.objective import Needs, Objective, Step, Terms
from unlearnkit.models.parameter_vectors import dot
from unlearnkit.training.combiner import Combiner, Gradient, Task, TaskGradients
from unlearnkit.training.step import Counts, objective_value

_SHARDED = (DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM)


@dataclass(frozen=True)
class Outcome:
    """What is told of one step's gradients, as they were before they were combined."""

    finite: bool
    cosine: float | None
    projected: bool


class Combining:
    """One run's combiner at work."""

    def __init__(
        self, combiner: Combiner, parameters: Mapping[str, nn.Parameter], accelerator: Accelerator, seed: int
    ) -> None:
        """`parameters`: those that are trained, by name.

        Raises `InputError` where gradients are sharded over processes: none holds a whole one to take dot products of.
        """
        if accelerator.distributed_type in _SHARDED:
            raise InputError(
                "a combiner needs whole gradients, and here each process holds a part of every one",
                where="train.combiner",
                value=accelerator.distributed_type.value,
                allowed="one process, or plain data-parallel ones",
                fix="launch it with accelerate's defaults; or take no combiner: train.combiner=null",
            )
        self._combiner, self._parameters, self._accelerator, self._seed = combiner, parameters, accelerator, seed
        self._sums: dict[Task, Gradient] = {}
        self.memory: Gradient = {}
        """What the combiner carries from step to step; a part of every checkpoint."""

    def backward(self, terms: Terms, counts: Counts) -> None:
        """One backward pass a task, through one micro-batch. Call it where gradients are not summed over processes."""
        tasks = self._combiner.sorted_by_task(terms)
        values = {task: objective_value(own, counts) for task, own in tasks.items()}
        # A term may read nothing that is trained: a layer below the chosen weights.
        moving = [task for task, value in values.items() if value.requires_grad]
        self._sums = {task: self._sums.get(task, {}) for task in tasks}
        for task in moving:
            # The sum is put where the pass adds to, so that there is no second copy.
            for name, gradient in self._sums[task].items():
                self._parameters[name].grad = gradient
            # Tasks may share a view, and under autocast they share the weights that were cast.
            self._accelerator.backward(values[task], retain_graph=task != moving[-1])
            self._sums[task] = self._taken()

    def finish(self, step: int) -> Outcome:
        """Combine the whole step's gradients, and leave the result where the optimizer looks for it.

        What is not finite is not combined: one task's gradient could hide that another's is not.
        """
        gradients = self._over_processes()
        self._sums = {}
        if not gradients.finite:
            return Outcome(finite=False, cosine=None, projected=False)
        combined = self._combiner.combine(gradients, self.memory, np.random.default_rng([self._seed, step]))
        for name, gradient in combined.gradient.items():
            self._parameters[name].grad = gradient
        return Outcome(True, gradients.cosine, combined.projected)

    def _taken(self) -> Gradient:
        taken: Gradient = {}
        for name, parameter in self._parameters.items():
            if parameter.grad is not None:
                taken[name], parameter.grad = parameter.grad, None
        return taken

    def _over_processes(self) -> TaskGradients:
        if self._accelerator.num_processes > 1:
            # One by one, so that what was summed is gone before the next is.
            for task in self._sums:
                self._sums[task] = self._reduced(self._sums[task])
        tasks = list(self._sums)
        dots: dict[tuple[Task, Task], float] = {}
        for number, one in enumerate(tasks):
            for other in tasks[number:]:
                dots[one, other] = dots[other, one] = dot(self._sums[one], self._sums[other])
        return TaskGradients(self._sums, dots)

    def _reduced(self, gradient: Gradient) -> Gradient:
        """The sum over processes. One may have no gradient where another has one: an expert that no token chose."""
        had = torch.tensor([float(name in gradient) for name in self._parameters], device=self._accelerator.device)
        anywhere = self._accelerator.reduce(had, "sum").tolist()
        reduced: Gradient = {}
        for (name, parameter), count in zip(self._parameters.items(), anywhere, strict=True):
            if count:
                ours = gradient.pop(name) if name in gradient else torch.zeros_like(parameter)
                reduced[name] = self._accelerator.reduce(ours, "sum")
        return reduced


def tasks_of(combiner: Combiner, objective: Objective) -> set[Task]:
    """The tasks that an objective's terms make up, found without a model. Raises `InputError` where they do not fit."""
    tasks = set(combiner.sorted_by_task(objective.terms(_one_token_step(objective.needs()))))
    combiner.refuse(tasks)
    return tasks


def _one_token_step(needs: Needs) -> Step:
    """A step of one token in every view, on which an objective's terms show their names, views and weights."""
    values = {q: torch.zeros(1, 1) if q.layer is not None else torch.full((1,), -1.0) for q in needs.quantities}
    only = torch.zeros(1, dtype=torch.int64)
    return Step(values, {view: Labels(only, only, only, only.bool(), 1) for view in needs.views})
