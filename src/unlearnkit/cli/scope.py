"""The command `unlearn scope suggest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def suggest_command(
    forget: Annotated[str, typer.Argument(help="Rows or documents to forget: a file, a folder or a Hub id.")],
    retain: Annotated[
        str | None,
        typer.Option(
            help="Rows or documents to keep: a file, a folder or a Hub id. The neighbors in the draft are taken from "
            "these rows. Default: the draft contains no neighbors."
        ),
    ] = None,
    task: Annotated[
        str, typer.Option(help="Kind of knowledge to forget: privacy, copyright, hazard or profile.")
    ] = "profile",
    model: Annotated[
        str | None, typer.Option(help="Model whose tokenizer splits text files into chunks. Not needed for rows.")
    ] = None,
    out: Annotated[Path, typer.Option(help="File for the scope. An existing file is not overwritten.")] = Path(
        "scope.yaml"
    ),
) -> None:
    """Draft a scope from the data to forget.

    A scope lists subjects, i.e. persons or things to forget, with their secrets. It also lists neighbors, i.e. similar
    persons or things to keep.

    In the draft, the subjects are taken from the field "subject" of the rows. For rows without this field, the subjects
    are names that recur in the rows. The secrets are parts of the answers that look like facts, such as dates. The
    command runs no model. Read and correct the draft. The file contains secrets.
    """
    from unlearnkit.core.progress import Progress
    from unlearnkit.pipeline.suggest_scope import draft_scope

    scope, progress = draft_scope(forget, retain=retain, model=model, task=task, out=out), Progress()
    counts = {"subjects": scope.subjects, "secrets": scope.secrets, "neighbors": scope.neighbors}
    counted = ", ".join(f"{len(each)} {name}" for name, each in counts.items())
    progress.log(f"scope:  {out} (a draft with {counted}: read and correct it)")
    progress.log(f"next:   set data.scope={out} in the recipe, then run unlearn check")
