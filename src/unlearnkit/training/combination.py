"""The part of the training loop that combines the gradients of tasks.

A task is a group of loss terms whose gradients are summed. With a combiner, the model runs on the rows of each view
separately. The backward pass of a task then covers only the rows of that task, and the passes of all tasks together
cost as much as one pass over all rows.
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
    """Summary of the task gradients of one optimizer step.

    The default values describe a step without a combiner. `finite` states whether every gradient is finite. For
    `cosine` and `projected`, see `StepLog`.
    """

    finite: bool = True
    cosine: float | None = None
    projected: bool | None = None


class Combining:
    """Sums each task's gradient over a step, then combines the sums."""

    def __init__(
        self, combiner: Combiner, parameters: Mapping[str, nn.Parameter], accelerator: Accelerator, seed: int
    ) -> None:
        """Prepare to combine the gradients of one run.

        `parameters` maps names to the trained parameters.

        Raises:
            InputError: gradients are sharded over processes, so no process can compute the dot products of whole
                gradients.
        """
        if accelerator.distributed_type in _SHARDED:
            raise InputError(
                "a combiner needs whole gradients, but here each process holds only a part of each gradient",
                where="train.combiner",
                value=accelerator.distributed_type.value,
                allowed="one process, or several processes with plain data parallelism",
                fix="launch the run with accelerate's defaults; or use no combiner: train.combiner=null",
            )
        self._combiner, self._parameters, self._accelerator, self._seed = combiner, parameters, accelerator, seed
        self._sums: dict[Task, Gradient] = {}
        self.memory: Gradient = {}
        """The combiner's state between steps. It is saved in every checkpoint."""

    def backward(self, terms: Terms, counts: Counts) -> None:
        """Run one backward pass per task through one micro-batch.

        Call this method while the synchronization of gradients over processes is disabled.
        """
        tasks = self._combiner.sorted_by_task(terms)
        values = {task: objective_value(own, counts) for task, own in tasks.items()}
        # A term has no gradient if it reads only layers below the trained weights.
        moving = [task for task, value in values.items() if value.requires_grad]
        self._sums = {task: self._sums.get(task, {}) for task in tasks}
        for task in moving:
            # The backward pass adds to the existing gradient sum in place, so that no second copy is needed.
            for name, gradient in self._sums[task].items():
                self._parameters[name].grad = gradient
            # The graph is kept for the next task: tasks may share a view and, under autocast, the cast weights.
            self._accelerator.backward(values[task], retain_graph=task != moving[-1])
            self._sums[task] = {name: p.grad for name, p in self._parameters.items() if p.grad is not None}
            for parameter in self._parameters.values():
                parameter.grad = None

    def finish(self, step: int) -> Outcome:
        """Combine the step's gradients and assign the result to the parameters.

        If the gradient of any task is not finite, no gradients are combined, because the combined gradient could be
        finite and hide the failure.
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
            # Gradients are summed task by task, so that each local gradient is freed before the next sum.
            for task in self._sums:
                self._sums[task] = self._reduced(self._sums[task])
        dots: dict[tuple[Task, Task], float] = {}
        for one, other in combinations_with_replacement(self._sums, 2):
            dots[one, other] = dots[other, one] = dot(self._sums[one], self._sums[other])
        return TaskGradients(self._sums, dots)

    def _reduced(self, gradient: Gradient) -> Gradient:
        """Return the gradient summed over processes.

        In a mixture of experts, a process has no gradient for an expert that received none of its tokens. If another
        process has this gradient, the missing gradient counts as 0.
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
    """Return the tasks of an objective's terms, without running a model.

    Raises:
        InputError: the combiner cannot combine these tasks.
    """
    tasks = set(combiner.sorted_by_task(objective.terms(_one_token_step(objective.needs()))))
    combiner.refuse(tasks)
    return tasks


def _one_token_step(needs: Needs) -> Step:
    """Return an artificial step with one token per view.

    The terms of an objective on this step have the right names, views and weights, but their values are meaningless.
    """
    values = {q: torch.zeros(1, 1) if q.layer is not None else torch.full((1,), -1.0) for q in needs.quantities}
    only = torch.zeros(1, dtype=torch.int64)
    return Step(values, {view: Labels(only, only, only, only.bool(), only.bool(), 1) for view in needs.views})
