"""`unlearn show`."""

from __future__ import annotations

from typing import Annotated

import typer


def show_command(
    name: Annotated[str, typer.Argument(help="A registered name; or: recipe, prompts.")],
) -> None:
    """Say what a registered plug-in is, what can be set and what it needs.

    recipe: the JSON Schema of recipes. prompts: what teachers that are chat models are asked.
    """
    if name == "recipe":
        from unlearnkit.cli.output import print_json
        from unlearnkit.recipe import recipe_schema

        print_json(recipe_schema())
        return
    if name == "prompts":
        from unlearnkit.targets.prompts import shown

        print("\n\n".join(shown()))  # noqa: T201
        return
    from unlearnkit.pipeline.listing import describe

    print("\n\n".join(describe(name)))  # noqa: T201
