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

    A row that is a plain text without a question is not changed. TRU's file names (arXiv 2603.09980) show that TRU's
    retain rows had traces, but not what these traces contained. The argument `kind` therefore offers a choice.

    Args:
        rows: the retain rows.
        kind: the trace of each row. `own`: the row's own trace. `none`: no trace. `verdict`: a note followed by the
            verdict `STAYS`. The note is the row's own trace or, if the row has none, the word "This".
    """
    return tuple(row if not row.question else row.model_copy(update={"trace": _trace(row, kind)}) for row in rows)


def _trace(row: Row, kind: RetainTrace) -> str:
    if kind == "verdict":
        return f"{row.trace.rstrip('.') or 'This'} {STAYS}"
    return row.trace if kind == "own" else ""
