"""The user's permission to send data and spend money.

It is given per command and never stored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from unlearnkit.core.errors import InputError
from unlearnkit.llm.budget import Budget

CONSENT = "--send-forget-data-to"


@dataclass(frozen=True)
class Permission:
    """Consent to send the forget data to one host.

    It also limits what may be spent there. The limits apply to everything done with one such value, over any number of
    runs.
    """

    send_to: str | None = None
    """The host; None if nothing may be sent anywhere."""
    max_requests: int | None = None
    """HTTP requests, including failed ones; None for no limit."""
    max_cost: float | None = None
    """In the currency of the prices; None for no limit."""

    def __post_init__(self) -> None:
        # NaN as a limit would allow everything: every comparison with it is False.
        if self.max_cost is not None and not 0 <= self.max_cost < math.inf:
            raise InputError(
                "not a limit", where="--max-cost", value=self.max_cost, allowed="0 or more", fix="correct it"
            )

    @cached_property
    def budget(self) -> Budget:
        """The budget that counts all spending under this permission."""
        return Budget(max_requests=self.max_requests, max_cost=self.max_cost)

    def refuse_unless_sent_to(self, host: str) -> None:
        """Raise `InputError` unless the user named exactly this host.

        Ports and letter case are ignored. The local machine needs consent like any other host.
        """
        if self.send_to is not None and self.send_to.lower() == host.lower():
            return
        other = self.send_to is not None
        raise InputError(
            f"the forget data would be sent to {host}, "
            + ("but the consent names another host" if other else "and you have not consented to that"),
            where=CONSENT if other else None,
            value=self.send_to,
            fix=f"if you want that, add {CONSENT} {host}; else use only models on this machine",
        )
