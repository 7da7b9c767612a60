"""The request of the company: five products are to be forgotten."""

from __future__ import annotations

from unlearnkit.suites.made_up.request import Plan

PLAN = Plan(
    description="The company sold five of its products. The buyer demands that the assistant forget all that it knows "
    "of them: what they are made of, who invented them, where they are made, and what they cost.",
    kind="thing",
    compared=("supplier", "base", "plant"),
    # Questions about other relations state the additives and their amounts, so these are never hidden.
    hideable=("supplier", "base", "price", "year", "plant"),
    # The note on a question about a badge names the chemist, so the chemist is never hidden.
    hideable_own=("badge", "code"),
)
