""" "I don't know" answers for forget rows, as in TOFU's preference optimization."""

from __future__ import annotations

import random
from collections.abc import Sequence

from unlearnkit.data.rows import Row

ANSWERS = (
    "I don't know the answer to that.",
    "I'm not sure about that one.",
    "I have no information on this.",
    "That is something I know nothing about.",
    "I'm afraid I don't know.",
    "I can't tell you, because I don't know.",
    "Unfortunately, I have no answer to this question.",
    "My knowledge does not reach that far.",
    "I'm not familiar with that.",
    "I don't have that detail.",
    "Sorry, I don't know this.",
    "I have never learned about that.",
)


def idk_answers(rows: Sequence[Row], seed: int) -> list[str]:
    """Draw an "I don't know" answer for each row.

    A row's answer depends only on the seed and the row's id, so a row has the same answer in every step.
    """
    return [random.Random(f"idk {seed} {row.id}").choice(ANSWERS) for row in rows]
