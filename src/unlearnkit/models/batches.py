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
    """Consecutive rows of a view, packed for the engine."""

    pack: Pack
    rows: range
    """Indices of the batch's rows in the view."""
    tokens: slice
    """Slice that selects the batch's labeled tokens from all labeled tokens of the view."""


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
    """Compute quantities of one view at every labeled token.

    The values have no gradient, and dropout is off.

    Args:
        engine: the engine. This function puts the engine into eval mode and restores the previous mode afterwards.
        rows: all rows of the view.
        want: the quantities to compute. All quantities must belong to the same view, and no quantity may require a
            reference model.
        pad_id: id of the padding token.
        size: number of rows in one batch.

    Returns:
        The values of each quantity, on the engine's device. For the shapes, see `Engine.forward`. The values of all
        rows are concatenated; `by_row` splits the values by row. If there are no rows, the dictionary is empty.
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
    """Split the values of all labeled tokens into one tensor per row."""
    return list(torch.split(values, [row.labels for row in rows]))
