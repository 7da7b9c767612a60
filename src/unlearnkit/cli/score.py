"""The command `unlearn score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def score_command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON on stdout.")] = False,
) -> None:
    """Recompute the scores of a run from its records.

    This command needs no model.
    """
    from unlearnkit.cli.output import print_board, print_json
    from unlearnkit.pipeline.score import score
    from unlearnkit.report.build import write_documents
    from unlearnkit.runs.folder import RunFolder

    folder = RunFolder.existing(run)
    scores = score(folder)
    write_documents(folder)
    if as_json:
        print_json({name: value.model_dump(mode="json") for name, value in scores.items()})
    else:
        print_board([folder])
