"""What a check of the data finds: something that is wrong with splits, or that a person should look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
Kind = Literal[
    "empty_split",
    "few_retain",
    "forget_larger",
    "row_twice",
    "answers_differ",
    "in_forget_and_retain",
    "near_in_retain",
    "question_in_retain",
    "probe_trained",
    "too_long",
    "not_rendered",
    "no_label",
    "special_token",
    "language",
    "run_refuses",
]

NAMED = 5
"""How many rows a finding names."""


@dataclass(frozen=True)
class Finding:
    """One finding. It never quotes a row: what is to be forgotten stays out of logs."""

    severity: Severity
    """`error`: a run would fail, or its figures would be wrong. `warning`: it may be meant so."""
    kind: Kind
    what: str
    """One sentence."""
    fix: str
    rows: tuple[str, ...] = ()
    """Ids of the first `NAMED` rows that it is about; "a and b" where it is about pairs of rows."""
    count: int = 0
    """How many rows, or pairs, it is about."""


def finding(severity: Severity, kind: Kind, what: str, fix: str, ids: Sequence[str] = ()) -> Finding:
    """A finding about the rows with these ids."""
    return Finding(severity, kind, what, fix, tuple(ids[:NAMED]), len(ids))
