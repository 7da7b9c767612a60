"""`unlearn scope suggest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def suggest_command(
    forget: Annotated[str, typer.Argument(help="Rows or documents to forget: a file, folder or hub id.")],
    retain: Annotated[str | None, typer.Option(help="Rows that must stay: neighbors are looked for there.")] = None,
    task: Annotated[str, typer.Option(help="privacy, copyright, hazard or profile.")] = "profile",
    model: Annotated[str | None, typer.Option(help="Model by whose tokens text files are cut; rows need none.")] = None,
    out: Annotated[Path, typer.Option(help="File for the scope; one that is there is left alone.")] = Path(
        "scope.yaml"
    ),
) -> None:
    """Draft a scope from what is to be forgotten, to be read and corrected: it holds secrets.

    Subjects are names that recur in the rows, secrets what looks like a fact in an answer. No model is asked.
    """
    from unlearnkit.core.environment import quiet_libraries
    from unlearnkit.core.progress import Progress
    from unlearnkit.pipeline.suggest_scope import draft_scope

    if model is not None:
        quiet_libraries()
    scope, progress = draft_scope(forget, retain=retain, model=model, task=task, out=out), Progress()
    counts = {"subjects": scope.subjects, "secrets": scope.secrets, "neighbors": scope.neighbors}
    told = ", ".join(f"{len(each)} {name}" for name, each in counts.items())
    progress.log(f"scope:  {out} (drafted: {told}; read it and correct it)")
    progress.log(f"next:   name it in the recipe, data.scope={out}, and see unlearn check")
