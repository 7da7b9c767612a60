"""Model outputs that objectives read, for all rows of each view.

A view is a split, or a split with replacement answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unlearnkit.data.batching import Pack
from unlearnkit.data.encoding import Encoded
from unlearnkit.methods.quantities import Needs, Quantity, View
from unlearnkit.models.batches import batches
from unlearnkit.models.reference import ReferenceValues

BATCH_ROWS = 64


def outputs_of(needs: Needs) -> list[Quantity]:
    """Return the quantities in `needs` that belong to the trained model, sorted."""
    return sorted(needs.of_model, key=lambda quantity: quantity.order)


@dataclass(frozen=True)
class Layout:
    """Assigns each labeled token of a view to its row.

    A view is a split, or a split with replacement answers.
    """

    row: Tensor
    """(tokens,) int64: index of the row to which each token belongs."""
    rows: int
    in_trace: Tensor
    """(tokens,) bool: whether each token is in the trace."""
    doubtful: Tensor
    """(tokens,) bool: whether each label may be wrong."""

    @staticmethod
    def of(rows: Sequence[Encoded]) -> Layout:
        """Return the layout of the labeled tokens, in row order."""
        lengths = torch.tensor([row.labels for row in rows])
        in_trace = [token < row.trace for row in rows for token in range(row.labels)]
        doubtful = [token >= row.labels - row.doubtful for row in rows for token in range(row.labels)]
        owners = torch.arange(len(rows)).repeat_interleave(lengths)
        return Layout(owners, len(rows), torch.tensor(in_trace), torch.tensor(doubtful))

    def sums(self, values: Tensor) -> Tensor:
        """Return the sum of each row's token values: (rows,) float64."""
        return torch.zeros(self.rows, dtype=torch.float64).index_add_(0, self.row, values.double())


@dataclass(frozen=True)
class Chunk:
    """Some rows of a view, packed for the engine."""

    pack: Pack
    reference: Mapping[Quantity, Tensor]
    """Values of the reference model, for outputs that compare the model with the reference model."""
    tokens: slice
    """Slice that selects the chunk's labeled tokens from all labeled tokens of the view."""
    outputs: tuple[Quantity, ...]


def chunks(
    views: Mapping[View, Sequence[Encoded]],
    outputs: Sequence[Quantity],
    pad_id: int,
    device: torch.device,
    reference: ReferenceValues | None = None,
) -> Iterator[Chunk]:
    """Yield the rows from which the outputs are computed, in chunks.

    A chunk has at most `BATCH_ROWS` rows, all from the same view.
    """
    for view in sorted({output.view for output in outputs}):
        own = tuple(output for output in outputs if output.view == view)
        states = Needs(quantities=own).reference_states
        if states and reference is None:
            raise RuntimeError(f"{', '.join(map(str, own))}: the values of the reference model are missing")
        for batch in batches(view, views[view], pad_id=pad_id, device=device, size=BATCH_ROWS):
            stored = {} if reference is None else reference.store(states, {view: batch.rows}, device)
            yield Chunk(batch.pack, stored, batch.tokens, own)
