"""Arguments and options that several verbs have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RecipeFile = Annotated[Path, typer.Argument(help="Recipe (YAML).")]
Overrides = Annotated[list[str] | None, typer.Argument(help="Overrides of recipe fields, such as train.lr=1e-4.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON on stdout.")]

SendTo = Annotated[
    str | None,
    typer.Option("--send-forget-data-to", metavar="HOST", help="Consent to send forget data to server.url's host."),
]
MaxRequests = Annotated[
    int | None, typer.Option(help="Maximum number of requests to a server, failed ones included.", min=0)
]
MaxCost = Annotated[
    float | None, typer.Option(help="Maximum cost, computed from server.price_in and server.price_out.", min=0)
]
