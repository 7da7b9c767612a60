"""Options of verbs that may ask a chat model: consent and budget."""

from __future__ import annotations

from typing import Annotated

import typer

SendTo = Annotated[
    str | None,
    typer.Option(
        "--send-forget-data-to",
        metavar="HOST",
        help="Consent to send forget data to this host, the host of server.url.",
    ),
]
MaxRequests = Annotated[
    int | None, typer.Option(help="Maximum number of requests to a server, failed ones included.", min=0)
]
MaxCost = Annotated[
    float | None, typer.Option(help="Maximum cost, computed from server.price_in and server.price_out.", min=0)
]
