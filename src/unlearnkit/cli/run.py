"""The command `unlearn run`."""

from __future__ import annotations

from typing import Annotated

import typer

from unlearnkit.cli.gates import check_gates, hold_to
from unlearnkit.cli.options import MaxCost, MaxRequests, Overrides, RecipeFile, SendTo


def run_command(
    recipe: RecipeFile,
    overrides: Overrides = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the existing run in the folder that the recipe names.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what the run would do, without training or writing anything.")
    ] = False,
    merge: Annotated[
        bool,
        typer.Option("--merge", help="Merge the trained adapter into the weights, which is the default."),
    ] = False,
    gate: Annotated[
        list[str] | None, typer.Option(help="Threshold on a score, such as forget.accuracy<=0.03. Can be repeated.")
    ] = None,
    send_to: SendTo = None,
    max_requests: MaxRequests = None,
    max_cost: MaxCost = None,
) -> None:
    """Run a recipe: unlearn, measure the model, and write a report."""
    from unlearnkit.recipe import load_recipe

    chosen = load_recipe(recipe, [*(overrides or []), *(["model.merge=true"] if merge else [])])
    gates = check_gates(gate or [])
    if dry_run:
        from unlearnkit.pipeline.dry_run import dry_run as would_do

        print(would_do(chosen))  # noqa: T201
        return
    from unlearnkit.cli.output import print_board
    from unlearnkit.core.environment import quiet_libraries
    from unlearnkit.core.errors import NonFinite
    from unlearnkit.core.progress import Progress
    from unlearnkit.llm.consent import Permission
    from unlearnkit.pipeline.run import run
    from unlearnkit.report.build import write_report
    from unlearnkit.runs.references import references_of

    quiet_libraries()
    progress = Progress()
    permission = Permission(send_to, max_requests, max_cost)
    folder = run(chosen, resume=resume, permission=permission, progress=progress)
    runs = [*references_of(folder), folder]
    if gates:
        write_report(runs, folder.report_file, [*chosen.gates, *gates])
    print_board(runs)
    progress.log(f"run:    {folder.path}\nreport: {folder.report_file}")
    training = folder.state().train
    if training is not None and training.ended == "harmful":
        progress.log(
            f"training was stopped after step {training.steps}, because diagnose.use contains stop and the G-effects "
            "were harmful; see the section G-effects in the report"
        )
    if training is not None and training.ended == "non-finite":
        raise NonFinite(
            f"training stopped after step {training.steps}, because the loss or the gradient was not finite; the last "
            "finite weights were saved and measured",
            where=str(folder.path),
            fix="lower train.lr, and train again in another folder: out=...",
        )
    hold_to(folder, [*chosen.gates, *gates])
