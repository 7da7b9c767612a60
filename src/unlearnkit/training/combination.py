"""The combiner's part of the loop: sum and combine task gradients.

With a combiner, every view runs through the engine separately. A task's backward pass then goes through its own rows
only, and all tasks' passes together cost as much as one pass through all rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement

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
    """Properties of one step's gradients before they were combined.

    The defaults are those without a combiner. For the other fields, see `StepLog`.
    """

    finite: bool = True
    cosine: float | None = None
    projected: bool | None = None


class Combining:
    """The gradients of one run's tasks, and their combiner."""

    def __init__(
        self, combiner: Combiner, parameters: Mapping[str, nn.Parameter], accelerator: Accelerator, seed: int
    ) -> None:
        """Create the gradient sums of a run.

        `parameters` are those that are trained, by name.

        Raises:
            InputError: gradients are sharded over processes, so no process can compute their dot products.
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
        """The combiner's state between steps; a part of every checkpoint."""

    def backward(self, terms: Terms, counts: Counts) -> None:
        """Run one backward pass per task through one micro-batch.

        Call it while gradients are not summed over processes.
        """
        tasks = self._combiner.sorted_by_task(terms)
        values = {task: objective_value(own, counts) for task, own in tasks.items()}
        # A term may read nothing that is trained: a layer below the chosen weights.
        moving = [task for task, value in values.items() if value.requires_grad]
        self._sums = {task: self._sums.get(task, {}) for task in tasks}
        for task in moving:
            # The backward pass adds to the sum in place, so that there is no second copy.
            for name, gradient in self._sums[task].items():
                self._parameters[name].grad = gradient
            # Tasks may share a view and, under autocast, they share the cast weights.
            self._accelerator.backward(values[task], retain_graph=task != moving[-1])
            self._sums[task] = {name: p.grad for name, p in self._parameters.items() if p.grad is not None}
            for parameter in self._parameters.values():
                parameter.grad = None

    def finish(self, step: int) -> Outcome:
        """Combine the step's gradients and assign the result to the parameters.

        Gradients that are not finite are not combined: one task's gradient could hide that another's is not finite.
        """
        gradients = self._over_processes()
        self._sums = {}
        if not gradients.finite:
            return Outcome(finite=False)
        combined = self._combiner.combine(gradients, self.memory, np.random.default_rng([self._seed, step]))
        for name, gradient in combined.gradient.items():
            self._parameters[name].grad = gradient
        return Outcome(True, gradients.cosine, combined.projected)

    def _over_processes(self) -> TaskGradients:
        if self._accelerator.num_processes > 1:
            # One by one, so that each input is freed before the next is summed.
            for task in self._sums:
                self._sums[task] = self._reduced(self._sums[task])
        dots: dict[tuple[Task, Task], float] = {}
        for one, other in combinations_with_replacement(self._sums, 2):
            dots[one, other] = dots[other, one] = dot(self._sums[one], self._sums[other])
        return TaskGradients(self._sums, dots)

    def _reduced(self, gradient: Gradient) -> Gradient:
        """Return the sum over processes.

        A process may lack a gradient that another has, as for an expert that no token chose.
        """
        had = torch.tensor([float(name in gradient) for name in self._parameters], device=self._accelerator.device)
        anywhere = self._accelerator.reduce(had, "sum").tolist()
        reduced: Gradient = {}
        for (name, parameter), count in zip(self._parameters.items(), anywhere, strict=True):
            if count:
                ours = gradient.pop(name) if name in gradient else torch.zeros_like(parameter)
                reduced[name] = self._accelerator.reduce(ours, "sum")
        return reduced


def tasks_of(combiner: Combiner, objective: Objective) -> set[Task]:
    """Return the tasks of an objective's terms, found without a model.

    Raises:
        InputError: the combiner cannot combine them.
    """
    tasks = set(combiner.sorted_by_task(objective.terms(_one_token_step(objective.needs()))))
    combiner.refuse(tasks)
    return tasks


def _one_token_step(needs: Needs) -> Step:
    """Return a step of one token per view.

    An objective's terms on it have the right names, views and weights.
    """
    values = {q: torch.zeros(1, 1) if q.layer is not None else torch.full((1,), -1.0) for q in needs.quantities}
    only = torch.zeros(1, dtype=torch.int64)
    return Step(values, {view: Labels(only, only, only, only.bool(), 1) for view in needs.views})
