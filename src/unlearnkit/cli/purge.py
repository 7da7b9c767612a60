"""The command `unlearn purge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def purge_command(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.")],
) -> None:
    """Delete the files that contain forget text from run folders.

    This command deletes the targets, the records, the scope, the caches and the checkpoints. It keeps the model, the
    scores, the report and exported models, and names the latter.

    A guard needs the scope. Therefore, if the method of a run is a guard, the run's model can no longer be opened.
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
        for exported in folder.state().exports:
            progress.log(f"kept {exported.path}, to which the model was exported")
        if not removed:
            progress.log(f"{folder.path}: there are no files to remove")
        elif guarded:
            progress.log(f"{folder.path}: the guard's scope was removed, too, so the guard can no longer be opened")
