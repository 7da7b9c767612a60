"""Show what a recipe would do, without training, suite downloads or writes."""

from __future__ import annotations

from unlearnkit.core.number_format import duration
from unlearnkit.data.encoding import marked
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.preflight import notes, preflight
from unlearnkit.recipe import Recipe

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
    parts += [f"note: {note}" for note in notes(context, tokenizer)]
    parts += [f"{view}\n{marked(rows[0], tokenizer)}" for view, rows in plan.views.items()]
    rows = ", ".join(f"{split} {count} ({recipe.train.rows(split)} a step)" for split, count in plan.sizes.items())
    memory = ", ".join(f"{name} {size / 1e6:,.0f}" for name, size in plan.memory.items())
    figures = (
        f"rows:   {rows or 'none'}",
        f"steps:  {plan.steps}",
        f"memory: about {sum(plan.memory.values()) / 1e6:,.0f} MB ({memory})",
        f"time:   about {duration(plan.seconds())} of training, at the speed of a matrix product on this machine",
        f"folder: {recipe.folder}",
    )
    return "\n\n".join([*parts, "\n".join(figures)])
