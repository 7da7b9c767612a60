"""`unlearn check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def check_command(
    recipe: Annotated[Path, typer.Argument(help="Recipe (YAML).")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Overrides of recipe fields, such as data.retain=FILE.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON on stdout, without example rows.")] = False,
) -> None:
    """Check all data of a recipe before a run.

    Exits with code 2 if the run would fail or give wrong results.
    """
    from dataclasses import asdict

    from unlearnkit.cli.output import print_checked, print_json
    from unlearnkit.core.environment import quiet_libraries
    from unlearnkit.pipeline.check import check
    from unlearnkit.recipe import load_recipe

    quiet_libraries()
    found = check(load_recipe(recipe, overrides or []))
    if as_json:
        print_json({"findings": [asdict(finding) for finding in found.findings], "rows": found.rows})
    else:
        print_checked(found)
    if found.errors:
        raise typer.Exit(2)
