"""`unlearn scope suggest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def suggest_command(
    forget: Annotated[str, typer.Argument(help="Rows or documents to forget: a file, a folder or a Hub id.")],
    retain: Annotated[
        str | None,
        typer.Option(
            help="Rows or documents to keep, from which neighbors are drafted: a file, a folder or a Hub id. Default: "
            "no neighbors are drafted."
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

    Read and correct the draft. The file contains secrets.

    The subjects in the draft are names that recur in the rows, and the secrets are facts in the answers. No model is
    asked.
    """
    from unlearnkit.core.progress import Progress
    from unlearnkit.pipeline.suggest_scope import draft_scope

    scope, progress = draft_scope(forget, retain=retain, model=model, task=task, out=out), Progress()
    counts = {"subjects": scope.subjects, "secrets": scope.secrets, "neighbors": scope.neighbors}
    counted = ", ".join(f"{len(each)} {name}" for name, each in counts.items())
    progress.log(f"scope:  {out} (a draft with {counted}: read and correct it)")
    progress.log(f"next:   set data.scope={out} in the recipe, then run unlearn check")
