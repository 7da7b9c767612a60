"""The command `unlearn check`."""

from __future__ import annotations

import typer

from unlearnkit.cli.options import AsJson, Overrides, RecipeFile


def check_command(
    recipe: RecipeFile,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Check all data of a recipe before a run.

    The exit code is 2 if the run would fail or give wrong results. With --json, no example rows are printed.
    """
    from dataclasses import asdict

    from unlearnkit.cli.output import print_checked, print_json
    from unlearnkit.pipeline.check import check
    from unlearnkit.recipe import load_recipe

    found = check(load_recipe(recipe, overrides or []))
    if as_json:
        print_json({"findings": [asdict(finding) for finding in found.findings], "rows": found.rows})
    else:
        print_checked(found)
    if found.errors:
        raise typer.Exit(2)
