"""Attack `no_trace`: the subject is kept from thinking."""

from __future__ import annotations

import random

from unlearnkit.attacks.base import PromptAttack, attack
from unlearnkit.data.rows import Row
from unlearnkit.records.probe import Probe


@attack("no_trace")
class NoTrace(PromptAttack):
    """Begin the output with a trace that is empty and closed, so that the subject answers without thinking.

    A method may have tied its refusals to a verdict that the model writes in its trace. Whether the response declines
    by itself shows only where there is no trace to read it from.
    """

    def rewrite(self, row: Row, draw: random.Random) -> Probe:  # noqa: ARG002
        """The row, after a closed trace with nothing in it."""
        return Probe(row, trace="")
