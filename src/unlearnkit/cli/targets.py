"""`unlearn targets`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from unlearnkit.cli.options import MaxCost, MaxRequests, Overrides, RecipeFile, SendTo


def targets_command(
    recipe: RecipeFile,
    overrides: Overrides = None,
    send_to: SendTo = None,
    max_requests: MaxRequests = None,
    max_cost: MaxCost = None,
    export_to: Annotated[
        Path | None, typer.Option("--export", help="Export the targets with their questions to this file, for review.")
    ] = None,
    import_from: Annotated[
        Path | None,
        typer.Option("--import", help="Import targets from this file, after they were exported and edited."),
    ] = None,
) -> None:
    """Write the targets of a run before it trains.

    Continue with unlearn run --resume. Existing targets are kept, so a command that was stopped continues where it
    ended.
    """
    from unlearnkit.core.progress import Progress
    from unlearnkit.llm.consent import Permission
    from unlearnkit.pipeline.targets import teach
    from unlearnkit.recipe import load_recipe

    chosen, progress = load_recipe(recipe, overrides or []), Progress()
    permission = Permission(send_to, max_requests, max_cost)
    folder = teach(chosen, permission=permission, import_from=import_from, export_to=export_to, progress=progress)
    state = folder.state().targets
    assert state is not None  # `teach` wrote them
    rejected = ", ".join(f"{kind} {count}" for kind, count in sorted(state.turned_down.items()))
    progress.log(f"written by {state.teacher}: {state.written}")
    progress.log(f"requested again: {sum(state.turned_down.values())}" + (f" ({rejected})" if rejected else ""))
    progress.log(f"replaced by the template teacher: {state.replaced}")
    progress.log(f"lift: {state.lift or 'not measured (targets.lift_model)'}")
    if state.edited:
        progress.log(f"edited: {state.edited}")
    if state.tokens_in or state.tokens_out:
        cost = "" if state.cost is None else f", cost {state.cost:.4g}"
        progress.log(f"tokens: {state.tokens_in} in, {state.tokens_out} out{cost}")
    progress.log(f"targets: {folder.targets_file}" + (f"\nreview:  {export_to}" if export_to else ""))
    progress.log(f"next:    unlearn run {shlex.join([str(recipe), *(overrides or [])])} --resume")
