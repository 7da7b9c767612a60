"""Choose the traces that retain rows have during training."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Literal

from unlearnkit.data.rows import Row
from unlearnkit.targets.verdicts import continued, neutral_wordings
from unlearnkit.text.trace_verdict import OUT_OF_SCOPE

RetainTrace = Literal["own", "none", "verdict"]


def with_trace(rows: Sequence[Row], kind: RetainTrace, seed: int) -> tuple[Row, ...]:
    """Return copies of the rows with the traces to train on.

    A row that is a plain text without a question is not changed. TRU's file names (arXiv 2603.09980) show that TRU's
    retain rows had traces, but not what these traces contained. The argument `kind` therefore offers a choice.

    Args:
        rows: the retain rows.
        kind: the trace of each row. `own`: the row's own trace. `none`: no trace. `verdict`: a note followed by the
            verdict "out of scope", in words that are drawn for each row. The note is the row's own trace or, if the row
            has none, the word "This".
        seed: seed of the draws.
    """
    return tuple(row if not row.question else row.model_copy(update={"trace": _trace(row, kind, seed)}) for row in rows)


def _trace(row: Row, kind: RetainTrace, seed: int) -> str:
    if kind == "verdict":
        wording = Random(f"retain trace/{seed}/{row.id}").choice(neutral_wordings()[OUT_OF_SCOPE])
        return continued(row.trace.rstrip(".") or "This", wording)
    return row.trace if kind == "own" else ""
