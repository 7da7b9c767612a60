"""Arguments and options that several subcommands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RecipeFile = Annotated[Path, typer.Argument(help="Recipe (YAML file).")]
Overrides = Annotated[list[str] | None, typer.Argument(help="Overrides of recipe fields, such as train.lr=1e-4.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON on stdout.")]

SendTo = Annotated[
    str | None,
    typer.Option(
        "--send-forget-data-to",
        metavar="HOST",
        help="Consent to send the forget data to this host, which must be the host of server.url.",
    ),
]
MaxRequests = Annotated[
    int | None, typer.Option(help="Maximum number of requests to the server, including failed requests.", min=0)
]
MaxCost = Annotated[
    float | None,
    typer.Option(help="Maximum cost of the requests, computed from server.price_in and server.price_out.", min=0),
]
