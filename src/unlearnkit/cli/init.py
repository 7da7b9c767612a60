"""`unlearn init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def init_command(
    model: Annotated[str, typer.Option(help="The model that shall forget: a folder or hub id.")],
    forget: Annotated[str, typer.Option(help="Rows or documents to forget: a file, folder or hub id.")],
    retain: Annotated[str | None, typer.Option(help="Rows that must stay; a stand-in if not given.")] = None,
    retrained: Annotated[str | None, typer.Option(help="A model that never learned what is to be forgotten.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the two files.")] = Path(),
) -> None:
    """Write a commented starter recipe and a drafted scope, to be read and corrected."""
    from unlearnkit.core.environment import quiet_libraries
    from unlearnkit.core.progress import Progress
    from unlearnkit.pipeline.init import start

    quiet_libraries()
    made, progress = start(model, forget, retain=retain, retrained=retrained, out=out), Progress()
    for note in made.notes:
        progress.log(f"note: {note}")
    progress.log(f"recipe: {made.recipe}\nscope:  {made.scope} (drafted: read it and correct it)")
    progress.log(f"next:   unlearn check {made.recipe}")
