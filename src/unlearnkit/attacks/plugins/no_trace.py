"""Attack `no_trace`: prefill an empty trace."""

from __future__ import annotations

import random

from unlearnkit.attacks.base import PromptAttack, attack
from unlearnkit.data.rows import Row
from unlearnkit.records.probe import Probe


@attack("no_trace")
class NoTrace(PromptAttack):
    """Begin the output with an empty, closed trace.

    The model under test then answers without reasoning first. Some methods train a model to decline after a verdict in
    the trace. This attack shows whether the model also declines if the trace contains no verdict.
    """

    def rewrite(self, row: Row, draw: random.Random) -> Probe:  # noqa: ARG002
        """Return the row with an empty, closed trace."""
        return Probe(row, trace="")
