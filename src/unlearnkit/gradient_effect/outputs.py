"""Model outputs that objectives read, for all rows of each view."""

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
    """Return the trained model's quantities in `needs`, in sorted order."""
    return sorted(needs.of_model, key=lambda quantity: quantity.order)


@dataclass(frozen=True)
class Layout:
    """Assignment of a view's labeled tokens to the view's rows."""

    row: Tensor
    """(tokens,) int64: index of the row to which each token belongs."""
    rows: int
    in_trace: Tensor
    """(tokens,) bool: whether each token is in the trace."""

    @staticmethod
    def of(rows: Sequence[Encoded]) -> Layout:
        """Concatenate the labeled tokens of some rows, and return their layout."""
        lengths = torch.tensor([row.labels for row in rows])
        in_trace = [token < row.trace for row in rows for token in range(row.labels)]
        return Layout(torch.arange(len(rows)).repeat_interleave(lengths), len(rows), torch.tensor(in_trace))

    def sums(self, values: Tensor) -> Tensor:
        """Return the sum of the token values in each row: (rows,) float64."""
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
    """Yield chunks of `BATCH_ROWS` rows from the outputs' views."""
    for view in sorted({output.view for output in outputs}):
        own = tuple(output for output in outputs if output.view == view)
        states = Needs(quantities=own).reference_states
        if states and reference is None:
            raise RuntimeError(f"{', '.join(map(str, own))}: the values of the reference model are missing")
        for batch in batches(view, views[view], pad_id=pad_id, device=device, size=BATCH_ROWS):
            stored = {} if reference is None else reference.store(states, {view: batch.rows}, device)
            yield Chunk(batch.pack, stored, batch.tokens, own)
