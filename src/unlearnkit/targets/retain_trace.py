"""What is thought on retain rows before they are answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from unlearnkit.data.rows import Row

RetainTrace = Literal["own", "none", "verdict"]

STAYS = "stays out of scope. I can answer."
"""The verdict on what is not to be forgotten."""


def with_trace(rows: Sequence[Row], kind: RetainTrace) -> tuple[Row, ...]:
    """The rows, each with the trace it is trained with.

    `own`: as the row has it; `none`: without; `verdict`: the row's own note of what is asked, where it has one, and the
    verdict. The names of TRU's files (arXiv 2603.09980) tell that its retain rows had traces, and not which. A text,
    which answers no question, has none.
    """
    return tuple(row if not row.question else row.model_copy(update={"trace": _trace(row, kind)}) for row in rows)


def _trace(row: Row, kind: RetainTrace) -> str:
    if kind == "verdict":
        return f"{row.trace.rstrip('.') or 'This'} {STAYS}"
    return row.trace if kind == "own" else ""
