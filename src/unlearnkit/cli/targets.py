"""The command `unlearn targets`."""

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
        Path | None,
        typer.Option("--export", help="File to which the targets and their questions are exported, for review."),
    ] = None,
    import_from: Annotated[
        Path | None,
        typer.Option("--import", help="File from which edited targets are imported. Create the file with --export."),
    ] = None,
) -> None:
    """Write the targets of a run before training.

    A target is the reasoning trace and the response that the model learns to give to one question. If the question asks
    for knowledge to forget, the response is a refusal.

    To train on the targets, use unlearn run --resume. Existing targets are kept. To continue after an interruption, run
    the same command again.
    """
    from unlearnkit.core.progress import Progress
    from unlearnkit.llm.consent import Permission
    from unlearnkit.pipeline.targets import teach
    from unlearnkit.recipe import load_recipe

    chosen, progress = load_recipe(recipe, overrides or []), Progress()
    permission = Permission(send_to, max_requests, max_cost)
    folder = teach(chosen, permission=permission, import_from=import_from, export_to=export_to, progress=progress)
    state = folder.state().targets
    assert state is not None  # `teach` has written the targets
    rejected = ", ".join(f"{kind} {count}" for kind, count in sorted(state.turned_down.items()))
    progress.log(f"targets written by the teacher {state.teacher}: {state.written}")
    again = sum(state.turned_down.values())
    progress.log(f"targets rejected and requested again: {again}" + (f" ({rejected})" if rejected else ""))
    progress.log(f"targets replaced by the template teacher: {state.replaced}")
    progress.log(
        f"lift (how much the traces help to guess the answers): {state.lift or 'not measured (see targets.lift_model)'}"
    )
    if state.edited:
        progress.log(f"targets edited by hand: {state.edited}")
    if state.tokens_in or state.tokens_out:
        cost = "" if state.cost is None else f", cost {state.cost:.4g}"
        progress.log(f"tokens: {state.tokens_in} in, {state.tokens_out} out{cost}")
    progress.log(f"targets: {folder.targets_file}" + (f"\nreview:  {export_to}" if export_to else ""))
    progress.log(f"next:    unlearn run {shlex.join([str(recipe), *(overrides or [])])} --resume")
