"""`unlearn purge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def purge_command(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.")],
) -> None:
    """Delete all files of runs that contain forget text. Model, scores and report are kept."""
    from unlearnkit.core.progress import Progress
    from unlearnkit.pipeline.purge import purge
    from unlearnkit.runs.folder import RunFolder

    progress = Progress()
    for folder in [RunFolder.existing(run) for run in runs]:
        removed = purge(folder)
        for path in removed:
            progress.log(f"removed {path}")
        if not removed:
            progress.log(f"{folder.path}: nothing to remove")
