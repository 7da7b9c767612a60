"""The command `unlearn report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report_command(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or a folder that contains runs.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="HTML file to write.")] = Path("report.html"),
) -> None:
    """Write one HTML report about several runs.

    This command needs no model. The report can be read offline.
    """
    from unlearnkit.core.progress import Progress
    from unlearnkit.report.build import find_runs, write_report

    write_report(find_runs(runs), out)
    Progress().log(f"report: {out}")
