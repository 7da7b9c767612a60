"""The command `unlearn show`."""

from __future__ import annotations

from typing import Annotated

import typer


def show_command(
    name: Annotated[str, typer.Argument(help="Name of a plug-in, or `recipe` or `prompts`.")],
) -> None:
    """Show the description, settings and requirements of a plug-in.

    `unlearn show recipe` prints the JSON Schema of recipes. `unlearn show prompts` prints the prompts that are sent to
    chat-model teachers.
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
