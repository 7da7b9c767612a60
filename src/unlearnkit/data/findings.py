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
"""Maximum number of rows that a finding lists by id."""


@dataclass(frozen=True)
class Finding:
    """A problem that the data checks found.

    A finding never quotes the text of a row, so that knowledge to forget does not appear in logs.
    """

    severity: Severity
    """`error` means that a run would fail or that the run's numbers would be wrong. `warning` means that the problem
    may be intentional."""
    kind: Kind
    what: str
    """The problem, described in one sentence."""
    fix: str
    """What the user can do about the problem."""
    rows: tuple[str, ...] = ()
    """Ids of the affected rows, at most `NAMED` ids. If pairs of rows are affected, the two ids of each pair are
    joined, as in "a and b"."""
    count: int = 0
    """Number of affected rows, or of affected pairs of rows."""


def finding(severity: Severity, kind: Kind, what: str, fix: str, ids: Sequence[str] = ()) -> Finding:
    """Create a finding about the rows with the given ids."""
    return Finding(severity, kind, what, fix, tuple(ids[:NAMED]), len(ids))
