"""`unlearn report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report_command(
    runs: Annotated[list[Path], typer.Argument(help="Runs, or a folder of runs such as a demo's.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("report.html"),
) -> None:
    """Write one HTML file about several runs. Needs no model, and no network to read."""
    from unlearnkit.core.progress import Progress
    from unlearnkit.report.build import find_runs, write_report

    write_report(find_runs(runs), out)
    Progress().log(f"report: {out}")
