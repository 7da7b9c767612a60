"""What the user allows a command to send away and to spend. It is typed with the command, and never stored."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from unlearnkit.core.errors import InputError
from unlearnkit.llm.budget import Budget

CONSENT = "--send-forget-data-to"


@dataclass(frozen=True)
class Permission:
    """Consent to send what is to be forgotten to one host, and the most that may be spent there in this sitting.

    A sitting is all that is done with one such value, for however many runs.
    """

    send_to: str | None = None
    """The host; None: nothing is sent anywhere."""
    max_requests: int | None = None
    """HTTP requests, those that failed included; None for as many as it takes."""
    max_cost: float | None = None
    """In the unit of the prices; None for no limit."""

    def __post_init__(self) -> None:
        # A limit that is no number would let everything through: no comparison with it holds.
        if self.max_cost is not None and not 0 <= self.max_cost < math.inf:
            raise InputError(
                "not a limit", where="--max-cost", value=self.max_cost, allowed="0 or more", fix="correct it"
            )

    @cached_property
    def budget(self) -> Budget:
        """What is spent in this sitting is counted here."""
        return Budget(max_requests=self.max_requests, max_cost=self.max_cost)

    def refuse_unless_sent_to(self, host: str) -> None:
        """Raise `InputError` unless the user has named this very host. The user's own machine is a host like any other.

        A port is no part of it, and letters are the same in capitals.
        """
        if self.send_to is not None and self.send_to.lower() == host.lower():
            return
        other = self.send_to is not None
        raise InputError(
            f"what is to be forgotten would be sent to {host}, and "
            + ("the consent names another host" if other else "nobody has consented to that"),
            where=CONSENT if other else None,
            value=self.send_to,
            fix=f"if that is what you want, add {CONSENT} {host}; else ask none but a model on this machine",
        )
