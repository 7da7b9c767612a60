"""The command `unlearn board`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def board_command(
    board: Annotated[Path, typer.Argument(help="Board (YAML file).")],
    plan: Annotated[bool, typer.Option("--plan", help="Only list the runs and their time; start nothing.")] = False,
    at_once: Annotated[int, typer.Option(help="Number of runs at a time.", min=1)] = 2,
) -> None:
    """Compare methods on suites, worlds and seeds, in one table.

    The board file lists suites, seeds, methods and scores. Each run has its own folder. To continue a board that was
    stopped, run the same command again.
    """
    from unlearnkit.pipeline.board_file import load_board

    chosen = load_board(board)
    from unlearnkit.pipeline import board as boards

    if plan:
        print(boards.plan_text(chosen, at_once=at_once))  # noqa: T201
        return
    from unlearnkit.cli.output import print_table
    from unlearnkit.core.progress import Progress

    progress = Progress()
    result = boards.board(chosen, at_once=at_once, progress=progress)
    print_table(result.table)
    for note in result.notes:
        progress.log(note)
    progress.log(f"board: {result.page}")
    result.raise_failed()
