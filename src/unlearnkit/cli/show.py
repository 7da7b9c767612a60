"""`unlearn show`."""

from __future__ import annotations

from typing import Annotated

import typer


def show_command(
    name: Annotated[str, typer.Argument(help="A registered name; or: recipe, for a recipe's JSON Schema.")],
) -> None:
    """Say what a registered plug-in is, what can be set and what it needs."""
    if name == "recipe":
        from unlearnkit.cli.output import print_json
        from unlearnkit.recipe import recipe_schema

        print_json(recipe_schema())
        return
    from unlearnkit.catalogue import describe

    print("\n\n".join(describe(name)))  # noqa: T201
