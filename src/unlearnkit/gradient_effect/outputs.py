"""What an objective reads of a model, on all rows of its views."""

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
    """Every quantity of the model under training that an objective reads, in a fixed order."""
    return sorted(needs.of_model, key=lambda quantity: quantity.order)


@dataclass(frozen=True)
class Layout:
    """Which row each labeled token of a view belongs to."""

    row: Tensor
    """(tokens,) int64."""
    rows: int
    in_trace: Tensor
    """(tokens,) bool."""

    @staticmethod
    def of(rows: Sequence[Encoded]) -> Layout:
        """The layout of encoded rows, one after the other."""
        lengths = torch.tensor([row.labels for row in rows])
        in_trace = [token < row.trace for row in rows for token in range(row.labels)]
        return Layout(torch.arange(len(rows)).repeat_interleave(lengths), len(rows), torch.tensor(in_trace))


@dataclass(frozen=True)
class Chunk:
    """Some rows of a view, ready for the engine."""

    pack: Pack
    reference: Mapping[Quantity, Tensor]
    """Of the reference model, for the outputs that compare with it."""
    tokens: slice
    """Position of its labeled tokens among those of the whole view."""
    outputs: tuple[Quantity, ...]


def chunks(
    views: Mapping[View, Sequence[Encoded]],
    outputs: Sequence[Quantity],
    pad_id: int,
    device: torch.device,
    reference: ReferenceValues | None = None,
) -> Iterator[Chunk]:
    """The rows of every view of an output, in portions of `BATCH_ROWS`, in order."""
    for view in sorted({output.view for output in outputs}):
        mine = tuple(output for output in outputs if output.view == view)
        states = Needs(quantities=mine).reference_states
        if states and reference is None:
            raise RuntimeError(f"{', '.join(map(str, mine))}: no values of the reference model are given")
        for batch in batches(view, views[view], pad_id=pad_id, device=device, size=BATCH_ROWS):
            held = {} if reference is None else reference.store(states, {view: batch.rows}, device)
            yield Chunk(batch.pack, held, batch.tokens, mine)
