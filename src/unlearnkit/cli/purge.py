"""`unlearn purge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def purge_command(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.")],
) -> None:
    """Delete all files of runs that contain forget text.

    Model, scores and report are kept.

    A guard needs its scope: after a purge a guarded run cannot be opened any more.
    """
    from unlearnkit.core.progress import Progress
    from unlearnkit.pipeline.purge import purge
    from unlearnkit.runs.folder import RunFolder

    progress = Progress()
    for folder in [RunFolder.existing(run) for run in runs]:
        guarded = folder.subject_file.exists() and folder.subject().kind == "guarded"
        removed = purge(folder)
        for path in removed:
            progress.log(f"removed {path}")
        if not removed:
            progress.log(f"{folder.path}: nothing to remove")
        elif guarded:
            progress.log(f"{folder.path}: the guard's scope was removed too, so the guard cannot be opened any more")
