"""Attack `no_trace`: prefill an empty trace."""

from __future__ import annotations

import random

from unlearnkit.attacks.base import PromptAttack, attack
from unlearnkit.data.rows import Row
from unlearnkit.records.probe import Probe


@attack("no_trace")
class NoTrace(PromptAttack):
    """Begin the output with an empty, closed trace.

    The subject then answers without thinking. A method may tie refusals to a verdict in the trace. Whether the response
    declines by itself shows only if there is no trace.
    """

    def rewrite(self, row: Row, draw: random.Random) -> Probe:  # noqa: ARG002
        """Return the row with an empty, closed trace."""
        return Probe(row, trace="")
