"""`unlearn compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare_command(
    runs: Annotated[list[Path], typer.Argument(help="Runs, or a folder of runs such as a demo's.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Hold the scores of several runs against each other."""
    from unlearnkit.cli.output import print_board, print_json
    from unlearnkit.report.build import compare, find_runs

    if as_json:
        print_json(compare(runs))
    else:
        print_board(find_runs(runs))
