"""`unlearn check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def check_command(
    recipe: Annotated[Path, typer.Argument(help="Recipe (YAML).")],
    overrides: Annotated[list[str] | None, typer.Argument(help="key=value, as in data.retain=FILE.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout, without the rows.")] = False,
) -> None:
    """Look at every row that a recipe names, before a run: exit code 2 where one would fail or be wrong."""
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
