"""Conformance checks for combiners, which combine the gradients of tasks.

Each check takes a `Combiner`, or a `Combiner` class that has a default for every setting.
"""

from __future__ import annotations

import dataclasses
import math
from functools import partial
from typing import Any

import numpy as np
import torch

from unlearnkit.core.errors import InputError
from unlearnkit.methods.objective import OBJECTIVES, Objective, Terms
from unlearnkit.models.parameter_vectors import dot
from unlearnkit.testing.check import (
    Checks,
    add_source_and_settings,
    close,
    ensure,
    made,
)
from unlearnkit.testing.world import Altered, World
from unlearnkit.training.combiner import COMBINERS, Combiner, Gradient, Task, TaskGradients, forgets

Plugin = Combiner | type[Combiner]
CHECKS = Checks()
TERMS = {"forget": "forget", "retain": "retain"}
"""Views of the tested objective's terms, by the names of the terms. A view is a set of training rows."""


def _objective() -> Objective:
    objective: Objective = OBJECTIVES.get("graddiff").plugin()
    return objective


def _gradients(combiner: Combiner, number: int) -> TaskGradients:
    """Return random gradients of all tasks for one step.

    A random gradient is drawn for each term. If several terms belong to the same task, their gradients are added. The
    number of the step is also the random seed.
    """
    draw = torch.Generator().manual_seed(number)
    by_task: dict[Task, Gradient] = {}
    for name, view in TERMS.items():
        gradient = {part: torch.randn(4, generator=draw, dtype=torch.float64) for part in ("a", "b")}
        task = combiner.task(name, view)
        known = by_task.get(task, {})
        by_task[task] = {part: value + known.get(part, 0.0) for part, value in gradient.items()}
    dots = {(a, b): dot(x, y) for a, x in by_task.items() for b, y in by_task.items()}
    return TaskGradients(by_task, dots)


def _combined(combiner: Combiner, number: int, memory: Gradient) -> Gradient:
    return combiner.combine(_gradients(combiner, number), memory, np.random.default_rng([0, number])).gradient


def _micro_batches(size: int, plugin: Plugin) -> None:
    world, combiner = World(_objective()), made(plugin)
    whole, gradient = world.step(combine=combiner)
    parts, found = world.step(combine=combiner, micro_batch_size=size)
    if whole is None or parts is None:
        raise AssertionError("the loss or the gradient is not finite on random rows")
    same_norm = close(parts.gradient_norm, whole.gradient_norm, rel=1e-9)
    ensure(same_norm, f"the gradient's norm depends on the size of micro-batches ({size} rows)")
    least = 1e-9 * max(1.0, whole.gradient_norm)
    same = (torch.allclose(a, b, rtol=1e-9, atol=least) for a, b in zip(found, gradient, strict=True))
    ensure(all(same), f"the gradient depends on the size of micro-batches ({size} rows)")


CHECKS["micro_batches_of_2_rows_give_the_same_gradient"] = partial(_micro_batches, 2)
CHECKS["micro_batches_of_4_rows_give_the_same_gradient"] = partial(_micro_batches, 4)


@CHECKS.add
def a_task_belongs_to_forgetting_where_its_view_does(plugin: Plugin) -> None:
    """Only terms on retain views belong to retain tasks.

    A view is a set of training rows, such as `forget:target` or `retain`. Terms on all other views belong to forget
    tasks. Training logs the cosine between the forget gradient and the retain gradient. A term in the wrong task would
    make this cosine wrong.
    """
    combiner = made(plugin)
    for view in ("forget", "forget:target", "forget:idk", "retain", "retain:target"):
        task = combiner.task("a term", view)
        ensure(task == combiner.task("a term", view), f"a term on the view {view!r} gets a different task each time")
        ensure(task.forgets is forgets(view), f"a term on the view {view!r} has a task with a wrong `forgets`")


@CHECKS.add
def only_input_errors_refuse_an_objective(plugin: Plugin) -> None:
    """The combiner accepts a forget task together with a retain task.

    The combiner may accept any other set of tasks, or refuse the set with an `InputError`.
    """
    combiner = made(plugin)
    tasks = [combiner.task(name, view) for name, view in TERMS.items()]
    combiner.refuse(set(tasks))
    for fewer in (set(), {tasks[0]}, {tasks[1]}):
        try:
            combiner.refuse(fewer)
        except InputError as error:
            ensure(str(error), "the `InputError` has no message")


@CHECKS.add
def copies_are_counted(plugin: Plugin) -> None:
    """The method `copies` returns at least 1.

    The result is the number of gradient copies in memory, which the memory estimate uses.
    """
    combiner = made(plugin)
    for tasks in (1, 2, 3):
        copies = combiner.copies(tasks)
        ensure(isinstance(copies, int) and copies >= 1, "`copies` must be a whole number of at least 1")


@CHECKS.add
def the_gradient_is_finite_and_of_the_same_parameters(plugin: Plugin) -> None:
    """The combined gradients are finite and have the shapes of their parameters."""
    combiner, memory = made(plugin), dict[str, Any]()
    for number in range(3):
        found = _combined(combiner, number, memory)
        ensure(found.keys() <= {"a", "b"}, "the combined gradient names a parameter that no task has")
        for value in found.values():
            ensure(value.shape == (4,), "a gradient must have the shape of its parameter")
            ensure(bool(value.isfinite().all()), "the gradient is not finite")


@CHECKS.add
def what_it_remembers_is_in_the_memory_alone(plugin: Plugin) -> None:
    """A resumed run gives the same gradients as an uninterrupted run.

    A resumed run creates a new combiner. The new combiner receives the old combiner's memory from the checkpoint.
    """
    first, memory = made(plugin), dict[str, Any]()
    for number in range(2):
        _combined(first, number, memory)
    ensure(all(isinstance(value, torch.Tensor) for value in memory.values()), "the memory must hold only tensors")
    kept = {name: value.clone() for name, value in memory.items()}
    other = type(first).model_validate_json(first.model_dump_json())
    here, there = _combined(first, 2, memory), _combined(other, 2, kept)
    ensure(here.keys() == there.keys(), "the gradient of a resumed run names different parameters")
    same = all(torch.equal(here[name], there[name]) for name in here)
    ensure(same, "the gradient of a resumed run differs from the gradient of an uninterrupted run")


@CHECKS.add
def a_gradient_that_is_not_finite_stops_the_run(plugin: Plugin) -> None:
    """A NaN or infinite gradient stops the run and changes no weights."""

    def spoil(terms: Terms) -> Terms:
        return {name: dataclasses.replace(term, sum=term.sum * math.nan) for name, term in terms.items()}

    world = World(_objective())
    before = [p.detach().clone() for p in world.model.parameters()]
    trainer = world.trainer(objective=Altered(inner=_objective(), change=spoil), combine=made(plugin), steps=3)
    ensure(trainer.run().ended == "non-finite", "the run continued although the gradients were not finite")
    same = all(torch.equal(a, b) for a, b in zip(before, world.model.parameters(), strict=True))
    ensure(same, "the weights changed although the gradients were not finite")


add_source_and_settings(CHECKS, COMBINERS)
