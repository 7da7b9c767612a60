"""Traces of retain rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from unlearnkit.data.rows import Row

RetainTrace = Literal["own", "none", "verdict"]

STAYS = "stays out of scope. I can answer."
"""The verdict for what must not be forgotten."""


def with_trace(rows: Sequence[Row], kind: RetainTrace) -> tuple[Row, ...]:
    """Return the rows with the trace that they are trained with.

    `own`: the row's own trace; `none`: no trace; `verdict`: the row's own note of what is asked, if it has one, and the
    verdict. The names of TRU's files (arXiv 2603.09980) show that its retain rows had traces, but not which. A text,
    which answers no question, has no trace.
    """
    return tuple(row if not row.question else row.model_copy(update={"trace": _trace(row, kind)}) for row in rows)


def _trace(row: Row, kind: RetainTrace) -> str:
    if kind == "verdict":
        return f"{row.trace.rstrip('.') or 'This'} {STAYS}"
    return row.trace if kind == "own" else ""
