"""Options of the verbs that may ask a chat model: what may be sent to whom, and what may be spent."""

from __future__ import annotations

from typing import Annotated

import typer

SendTo = Annotated[
    str | None,
    typer.Option(
        "--send-forget-data-to",
        metavar="HOST",
        help="Consent to send what is to be forgotten to this host, that of server.url.",
    ),
]
MaxRequests = Annotated[int | None, typer.Option(help="Most requests to a server, failed ones included.", min=0)]
MaxCost = Annotated[
    float | None, typer.Option(help="Most that may be spent, by server.price_in and server.price_out.", min=0)
]
