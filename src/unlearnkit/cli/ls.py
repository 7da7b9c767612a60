"""The command `unlearn ls`."""

from __future__ import annotations

from typing import Annotated

import typer

from unlearnkit.cli.options import AsJson


def ls_command(
    kind: Annotated[
        str | None,
        typer.Argument(help="Kind of plug-in, such as objective, attack or metric. Default: all kinds."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the registered plug-ins."""
    from rich.console import Console
    from rich.table import Table

    from unlearnkit.cli.output import print_json
    from unlearnkit.pipeline.listing import KINDS, catalog

    listed = {each: catalog(each) for each in ([kind] if kind is not None else KINDS)}
    if as_json:
        print_json({each: [vars(entry) for entry in entries] for each, entries in listed.items()})
        return
    for each, entries in listed.items():
        table = Table("name", "summary", "paper", title=each, title_justify="left")
        for entry in entries:
            table.add_row(entry.name, entry.summary, entry.paper or "")
        Console().print(table)
