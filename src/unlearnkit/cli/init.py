"""The command `unlearn init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def init_command(
    model: Annotated[str, typer.Option(help="Model to unlearn: a folder or Hub id.")],
    forget: Annotated[str, typer.Option(help="Rows or documents to forget: a file, a folder or a Hub id.")],
    retain: Annotated[
        str | None,
        typer.Option(
            help="Rows or documents to keep: a file, a folder or a Hub id. "
            "Default: the model to unlearn writes such rows when the run starts."
        ),
    ] = None,
    retrained: Annotated[
        str | None, typer.Option(help="Folder or Hub id of a model that was trained without the data to forget.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=COLUMN",
            help="Name of a column in your files, such as question=query. Can be repeated.",
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(help="Column to ignore although it may change what a row means. Can be repeated."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the recipe and the scope.")] = Path(),
) -> None:
    """Write a starter recipe with comments, and a draft of the scope.

    Read and correct both files before you start a run.
    """
    from unlearnkit.core.errors import InputError
    from unlearnkit.core.progress import Progress
    from unlearnkit.pipeline.init import start

    for pair in columns or []:
        if not all(pair.partition("=")):
            raise InputError(
                "a column is not given as a pair of names",
                where="--columns",
                value=pair,
                allowed="NAME=COLUMN, such as question=query",
                fix="write the name that unlearnkit uses, an equals sign, and the name of the column in your files",
            )
    pairs = {name: column for name, _, column in (pair.partition("=") for pair in columns or [])}
    made = start(model, forget, retain=retain, retrained=retrained, columns=pairs, ignore=ignore or (), out=out)
    progress = Progress()
    for note in made.notes:
        progress.log(f"note: {note}")
    progress.log(f"recipe: {made.recipe}\nscope:  {made.scope} (a draft: read and correct it)")
    progress.log(f"next:   unlearn check {made.recipe}")
