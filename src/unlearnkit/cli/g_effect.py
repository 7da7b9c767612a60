"""The command `unlearn g-effect`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from unlearnkit.cli.options import MaxCost, MaxRequests, SendTo


def g_effect_command(
    what: Annotated[
        Path, typer.Argument(help="Folder of a run, or a recipe (YAML file). A recipe is measured before training.")
    ],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Overrides of recipe fields, such as train.lr=1e-4.")
    ] = None,
    objectives: Annotated[
        str | None, typer.Option(help="Names of objectives, separated by commas. Default: the objective of the run.")
    ] = None,
    risks: Annotated[
        str | None,
        typer.Option(help="Row sets on which to measure the loss, separated by commas, such as forget,retain,near."),
    ] = None,
    groups: Annotated[
        str | None, typer.Option(help="Groups of weights for which to report separate effects: none, layers or parts.")
    ] = None,
    rows: Annotated[int | None, typer.Option(help="Maximum number of rows to measure per split.", min=1)] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            help="Setting to vary, with a range of values, such as beta=0.05:4:log. Takes hardly any extra time. Can "
            "be repeated."
        ),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="Folder for figures (SVG and PNG files). Needs the extra `paper` of this package."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON on stdout.")] = False,
    send_to: SendTo = None,
    max_requests: MaxRequests = None,
    max_cost: MaxCost = None,
) -> None:
    """Measure how each objective changes the loss on forget and retain data.

    This command trains nothing. At every training step for which weights were saved, it compares the gradient of each
    objective with the gradient of the loss on each split. One measurement serves all objectives. The results are
    written to the run's folder as Parquet tables, and are shown in the report.
    """
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
    if figures is not None:
        refuse_without_matplotlib()
    chosen = load_recipe(what, overrides or []) if what.is_file() else RunFolder.existing(what)
    recipe = chosen.recipe() if isinstance(chosen, RunFolder) else chosen.model_dump(mode="json")
    # The options are validated as part of the recipe, so that an invalid value gives the same error as in a recipe.
    settings = make_recipe(_with_options(recipe, risks=_names(risks), groups=groups, rows=rows)).diagnose
    sweeps = [Sweep.parse(text, where="--sweep") for text in sweep or ()]
    permission, progress = Permission(send_to, max_requests, max_cost), Progress()
    folder, table = diagnose(
        chosen, _names(objectives), sweeps=sweeps, settings=settings, permission=permission, progress=progress
    )
    if folder.state().done:
        write_documents(folder)
    drawn = [] if figures is None else write_figures(table, figures)
    if as_json:
        print_json([vars(row) for row in table.effects])
        return
    print_g_effects(table)
    for line in (f"tables: {folder.g_effect}", *(f"figure: {path}" for path in drawn)):
        progress.log(line)


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",")]


def _with_options(recipe: Mapping[str, Any], **options: object) -> dict[str, Any]:
    """Return the recipe with the given options in the section `diagnose`."""
    given = {name: value for name, value in options.items() if value is not None}
    return {**recipe, "diagnose": {**recipe.get("diagnose", {}), **given}}
