"""`unlearn purge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def purge_command(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.")],
) -> None:
    """Delete all files of runs that contain forget text.

    The model, the scores and the report are kept.

    A guard needs its scope, so a run whose method is a guard can no longer be opened after a purge.
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
            progress.log(f"{folder.path}: there are no files to remove")
        elif guarded:
            progress.log(f"{folder.path}: the guard's scope was removed, too, so the guard can no longer be opened")
