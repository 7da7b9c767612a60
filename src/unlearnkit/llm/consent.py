"""The user's permission to send data and spend money.

The user gives permission for one command at a time, and the permission is never stored.
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
    """Consent to send the forget data to one host, with spending limits.

    The limits apply to the sum of all requests made with the same `Permission` object, in any number of runs.
    """

    send_to: str | None = None
    """The host to which data may be sent; None if no data may be sent anywhere."""
    max_requests: int | None = None
    """Maximum number of HTTP requests, including failed requests; None for no limit."""
    max_cost: float | None = None
    """Maximum cost of all requests, in the currency of the prices; None for no limit."""

    def __post_init__(self) -> None:
        # NaN as a limit would allow everything, because every comparison with NaN is False.
        if self.max_cost is not None and not 0 <= self.max_cost < math.inf:
            raise InputError(
                "the value cannot be used as a cost limit",
                where="--max-cost",
                value=self.max_cost,
                allowed="a finite number, 0 or more",
                fix="correct the value",
            )

    @cached_property
    def budget(self) -> Budget:
        """The budget that counts all requests made under this permission."""
        return Budget(max_requests=self.max_requests, max_cost=self.max_cost)

    def refuse_unless_sent_to(self, host: str) -> None:
        """Raise `InputError` unless the user consented to exactly this host.

        Ports and letter case are ignored. A server on the local machine needs consent like any other host.
        """
        if self.send_to is not None and self.send_to.lower() == host.lower():
            return
        other = self.send_to is not None
        raise InputError(
            f"the forget data would be sent to {host}, "
            + ("but you consented to a different host" if other else "and you have not consented to that"),
            where=CONSENT if other else None,
            value=self.send_to,
            fix=f"to send the data to {host}, add {CONSENT} {host}; otherwise use only models on this machine",
        )
