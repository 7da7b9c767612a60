"""The request of the clinic: five patients asked to be forgotten."""

from __future__ import annotations

from unlearnkit.suites.clinic.grammar import GRAMMAR
from unlearnkit.suites.made_up.request import Plan

PLAN = Plan(
    description="Five patients asked that the clinic's assistant forget all that it knows of them: why they came, "
    "how they were treated, what they paid and how to reach them.",
    kind="person",
    compared=("condition", "ward", "doctor", "medicine"),
    # Questions about other relations state the medicine and the places of visits, so these are never hidden.
    hideable=("condition", "ward", "doctor", "dose"),
    hideable_own=tuple(GRAMMAR.identities),
)
