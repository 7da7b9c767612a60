"""`unlearn show`."""

from __future__ import annotations

from typing import Annotated

import typer


def show_command(
    name: Annotated[str, typer.Argument(help="Name of a plug-in, or one of: recipe, prompts.")],
) -> None:
    """Show a plug-in: its description, settings and requirements.

    `recipe` shows the JSON Schema of recipes. `prompts` shows the prompts for teachers that are chat models.
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
