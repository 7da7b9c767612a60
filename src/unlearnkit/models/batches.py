"""Run an engine over all rows of a view, batch by batch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unlearnkit.data.batching import Pack, pack
from unlearnkit.data.encoding import Encoded
from unlearnkit.methods.quantities import Quantity, View
from unlearnkit.models.engine import Engine

BATCH_ROWS = 128


@dataclass(frozen=True)
class Batch:
    """Some rows of a view, ready for the engine."""

    pack: Pack
    rows: range
    """Which rows of the view they are."""
    tokens: slice
    """Position of their labeled tokens among those of the whole view."""


def batches(
    view: View, rows: Sequence[Encoded], *, pad_id: int, device: torch.device, size: int = BATCH_ROWS
) -> Iterator[Batch]:
    """Yield all rows of a view in batches of `size`, in order."""
    done = 0
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        tokens = slice(done, done + sum(row.labels for row in part))
        done = tokens.stop
        yield Batch(pack({view: part}, pad_id).to(device), range(start, start + len(part)), tokens)


@torch.no_grad()
def values_of_rows(
    engine: Engine, rows: Sequence[Encoded], want: Collection[Quantity], *, pad_id: int, size: int = BATCH_ROWS
) -> dict[Quantity, Tensor]:
    """Return quantities of one view at every labeled token of its rows.

    There is no gradient, and dropout is off.

    Args:
        engine: its mode is restored afterwards.
        rows: all rows of the view.
        want: quantities of one and the same view that need no reference model.
        pad_id: id used to fill up rows.
        size: rows in one batch.

    Returns:
        By quantity, as `Engine.forward` returns them, the tokens of all rows one after the other, on the engine's
        device; empty where there are no rows. `by_row` splits them.
    """
    training = engine.training
    engine.eval()
    parts: dict[Quantity, list[Tensor]] = {}
    try:
        for view in {quantity.view for quantity in want}:
            for batch in batches(view, rows, pad_id=pad_id, device=engine.device, size=size):
                for quantity, values in engine(batch.pack, want).items():
                    parts.setdefault(quantity, []).append(values)
    finally:
        engine.train(training)
    return {quantity: torch.cat(values) for quantity, values in parts.items()}


def by_row(values: Tensor, rows: Sequence[Encoded]) -> list[Tensor]:
    """Return the values of each row's labeled tokens."""
    return list(torch.split(values, [row.labels for row in rows]))
