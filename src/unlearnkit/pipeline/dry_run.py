"""Show what a recipe would do, without training, suite downloads or writes."""

from __future__ import annotations

from unlearnkit.core.number_format import duration
from unlearnkit.data.encoding import PLAIN, layout, marked
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.preflight import Plan, preflight
from unlearnkit.recipe import Recipe
from unlearnkit.targets.llm_teacher import ChatTeacher

SAMPLE = 32
"""Rows of each view that are encoded, to show one and to estimate how long they are."""


def dry_run(recipe: Recipe) -> str:
    """Return a recipe's plan as text.

    It has the resolved recipe, an example of each view, rows, steps, and estimates of memory and time.
    """
    context = RunContext(recipe)
    plan = preflight(context, at_most=SAMPLE)
    tokenizer, _ = context.meta_model
    parts = [recipe.dump().rstrip(), "The first row of each view, with what is learned in double brackets:"]
    if not plan.views:
        parts[1] = "The method trains on no rows."
    if layout(tokenizer) == "plain":
        parts.append(f"note: {PLAIN}")
    parts += [
        f"note: the target model will write the rows of {split} when the run begins; they are in none of these figures"
        for split in sorted(context.task.to_be_written)
    ]
    if context.is_taught and isinstance(recipe.make_teacher(), ChatTeacher):
        parts.append(
            "note: the teacher is asked when the run begins, or by `unlearn targets`; the targets here are what the "
            "template teacher would write in its place"
        )
    parts += [f"{view}\n{marked(rows[0], tokenizer)}" for view, rows in plan.views.items()]
    return "\n\n".join([*parts, _figures(plan, recipe)])


def _figures(plan: Plan, recipe: Recipe) -> str:
    rows = ", ".join(f"{split} {count} ({recipe.train.rows(split)} a step)" for split, count in plan.sizes.items())
    memory = ", ".join(f"{name} {size / 1e6:,.0f}" for name, size in plan.memory.items())
    lines = (
        f"rows:   {rows or 'none'}",
        f"steps:  {plan.steps}",
        f"memory: about {sum(plan.memory.values()) / 1e6:,.0f} MB ({memory})",
        f"time:   about {duration(plan.seconds())} of training, at the speed of a matrix product on this machine",
        f"folder: {recipe.folder}",
    )
    return "\n".join(lines)
