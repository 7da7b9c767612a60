"""Choose the traces that retain rows have during training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from unlearnkit.data.rows import Row

RetainTrace = Literal["own", "none", "verdict"]

STAYS = "stays out of scope. I can answer."
"""The verdict in the trace of a retain row."""


def with_trace(rows: Sequence[Row], kind: RetainTrace) -> tuple[Row, ...]:
    """Return copies of the rows with the traces to train on.

    `kind` selects the trace. `own`: the row's own trace. `none`: no trace. `verdict`: the verdict, preceded by the
    row's own trace (a note that states what the question asks) if the row has a trace. The names of TRU's files (arXiv
    2603.09980) show that TRU's retain rows had traces, but do not show what kind of traces. A row that is a plain text
    without a question is not changed.
    """
    return tuple(row if not row.question else row.model_copy(update={"trace": _trace(row, kind)}) for row in rows)


def _trace(row: Row, kind: RetainTrace) -> str:
    if kind == "verdict":
        return f"{row.trace.rstrip('.') or 'This'} {STAYS}"
    return row.trace if kind == "own" else ""
