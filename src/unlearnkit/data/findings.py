"""Findings of the data checks: errors and warnings."""

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
"""Maximum number of rows that a finding names."""


@dataclass(frozen=True)
class Finding:
    """A finding, which never quotes a row.

    What must be forgotten stays out of logs.
    """

    severity: Severity
    """`error`: a run would fail, or its numbers would be wrong. `warning`: it may be intended."""
    kind: Kind
    what: str
    """One sentence."""
    fix: str
    rows: tuple[str, ...] = ()
    """Ids of the first `NAMED` rows concerned; "a and b" for a pair of rows."""
    count: int = 0
    """Number of rows, or pairs of rows, concerned."""


def finding(severity: Severity, kind: Kind, what: str, fix: str, ids: Sequence[str] = ()) -> Finding:
    """Return a finding about the rows with these ids."""
    return Finding(severity, kind, what, fix, tuple(ids[:NAMED]), len(ids))
