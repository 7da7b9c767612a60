"""`unlearn g-effect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unlearnkit.cli.options import MaxCost, MaxRequests, SendTo


def g_effect_command(
    what: Annotated[Path, typer.Argument(help="A run, or a recipe (YAML), which is measured before training.")],
    overrides: Annotated[list[str] | None, typer.Argument(help="key=value for a recipe.")] = None,
    objectives: Annotated[
        str | None, typer.Option(help="Registered objectives, separated by commas; the run's own if not given.")
    ] = None,
    risks: Annotated[
        str | None, typer.Option(help="Splits and measured sets whose risk is watched: forget,retain,near.")
    ] = None,
    groups: Annotated[str | None, typer.Option(help="Groups of weights: none, layers or parts.")] = None,
    rows: Annotated[int | None, typer.Option(help="Most rows of each split.", min=1)] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(help="Also at other settings, for nothing: beta=0.05:4:log, of each named objective that has it."),
    ] = None,
    figures: Annotated[Path | None, typer.Option(help="Folder for figures as SVG and PNG (extra: paper).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
    send_to: SendTo = None,
    max_requests: MaxRequests = None,
    max_cost: MaxCost = None,
) -> None:
    """Tell what objectives do to forgetting and to retaining, by their gradients, at each step there are weights of.

    Needs no training: one measurement serves every objective. The tables lie in the run's folder as Parquet, and its
    report shows them.
    """
    from dataclasses import asdict

    from unlearnkit.cli.output import print_g_effects, print_json
    from unlearnkit.core.environment import quiet_libraries
    from unlearnkit.core.progress import Progress
    from unlearnkit.gradient_effect.sweep import Sweep
    from unlearnkit.llm.consent import Permission
    from unlearnkit.pipeline.g_effect import diagnose
    from unlearnkit.recipe import load_recipe, make_recipe
    from unlearnkit.report.build import write_documents
    from unlearnkit.report.gradient_effect.figure_files import refuse_without_matplotlib, write_figures
    from unlearnkit.runs.folder import RunFolder

    quiet_libraries()
    chosen = load_recipe(what, overrides or []) if what.is_file() else RunFolder.existing(what)
    recipe = chosen.recipe() if isinstance(chosen, RunFolder) else chosen.model_dump(mode="json")
    given = {
        "risks": None if risks is None else tuple(name.strip() for name in risks.split(",")),
        "groups": groups,
        "rows": rows,
    }
    changed = {name: value for name, value in given.items() if value is not None}
    # Through the recipe, so that what is wrong with a setting is told as it is there.
    settings = make_recipe({**recipe, "diagnose": {**recipe.get("diagnose", {}), **changed}}).diagnose
    names = None if objectives is None else [name.strip() for name in objectives.split(",")]
    progress = Progress()
    if figures is not None:
        refuse_without_matplotlib()
    sweeps = [Sweep.parse(text, where="--sweep") for text in sweep or ()]
    permission = Permission(send_to, max_requests, max_cost)
    folder, table = diagnose(chosen, names, sweeps=sweeps, settings=settings, permission=permission, progress=progress)
    if folder.state().done:
        write_documents(folder)
    drawn = write_figures(table, figures) if figures is not None else []
    if as_json:
        print_json([asdict(row) for row in table.effects])
    else:
        print_g_effects(table)
        progress.log(f"tables: {folder.g_effect}")
        for path in drawn:
            progress.log(f"figure: {path}")
