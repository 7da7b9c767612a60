"""Show what a run would do, without training, downloading or writing anything."""

from __future__ import annotations

from unlearnkit.core.number_format import duration
from unlearnkit.data.encoding import marked
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.preflight import notes, preflight
from unlearnkit.recipe import Recipe

SAMPLE = 32
"""Maximum number of rows to encode per view. The first encoded row is shown. The average length of all rows is
estimated from the encoded rows."""


def dry_run(recipe: Recipe) -> str:
    """Return a text that describes what a run would do.

    The text contains the resolved recipe, an example row of each view, the numbers of rows and steps, and estimates of
    memory and training time.
    """
    context = RunContext(recipe)
    plan = preflight(context, at_most=SAMPLE)
    tokenizer, _ = context.meta_model
    parts = [recipe.dump().rstrip(), "The first row of each view, with the learned tokens in double brackets:"]
    if not plan.views:
        parts[1] = "The method trains on no rows."
    parts += [f"note: {note}" for note in notes(context, tokenizer)]
    parts += [f"{view}\n{marked(rows[0], tokenizer)}" for view, rows in plan.views.items()]
    rows = ", ".join(f"{split} {count} ({recipe.train.rows(split)} per step)" for split, count in plan.sizes.items())
    memory = ", ".join(f"{name} {size / 1e6:,.0f}" for name, size in plan.memory.items())
    figures = (
        f"rows:   {rows or 'none'}",
        f"steps:  {plan.steps}",
        f"memory: about {sum(plan.memory.values()) / 1e6:,.0f} MB ({memory})",
        f"time:   about {duration(plan.seconds())} of training, estimated from this machine's speed in matrix products",
        f"folder: {recipe.folder}",
    )
    return "\n\n".join([*parts, "\n".join(figures)])
