"""The command `unlearn compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare_command(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or a folder that contains runs.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON on stdout.")] = False,
) -> None:
    """Compare the scores of several runs."""
    from unlearnkit.cli.output import print_board, print_json
    from unlearnkit.report.build import compare, find_runs

    if as_json:
        print_json(compare(runs))
    else:
        print_board(find_runs(runs))
