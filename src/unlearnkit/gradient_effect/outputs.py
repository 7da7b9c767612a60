"""What an objective reads of a model, named; and running the engine over all rows of a view for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from unlearnkit.data.batching import Pack, pack
from unlearnkit.data.encoding import Encoded
from unlearnkit.methods.objective import Needs, View
from unlearnkit.models.engine import Outputs, Request
from unlearnkit.models.reference import ReferenceValues

BATCH_ROWS = 64

Kind = Literal["logps", "kl", "hidden"]


@dataclass(frozen=True, order=True)
class Output:
    """One kind of value that the engine gives at every labeled token of a view."""

    view: View
    kind: Kind
    layer: int | None = None
    """Of hidden states; None for the other kinds."""

    def of(self, outputs: Outputs) -> Tensor:
        """This output's values: (tokens,), or (tokens, width) for hidden states."""
        if self.kind == "hidden":
            assert self.layer is not None
            return outputs.layers[self.layer]
        values = outputs.logps if self.kind == "logps" else outputs.kl
        if values is None:
            raise RuntimeError(f"the engine left out {self.kind} of {self.view!r}, which was asked for")
        return values


def outputs_of(needs: Needs) -> list[Output]:
    """Every output of the model under training that an objective will read."""
    found = [Output(view, "logps") for view in needs.logps]
    found += [Output(view, "kl") for view in needs.kl]
    found += [Output(view, "hidden", layer) for view, layer in needs.hidden]
    return sorted(found, key=str)


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
    want: Request
    reference_hidden: Mapping[View, Tensor]
    tokens: slice
    """Where its labeled tokens lie among those of the whole view."""
    outputs: tuple[Output, ...]

    @property
    def view(self) -> View:
        """The one view whose rows it holds."""
        return self.outputs[0].view


def chunks(
    views: Mapping[View, Sequence[Encoded]],
    outputs: Sequence[Output],
    pad_id: int,
    device: torch.device,
    reference: ReferenceValues | None = None,
) -> Iterator[Chunk]:
    """The rows of every view that one of the outputs is of, in portions of `BATCH_ROWS`, in order."""
    for view in sorted({output.view for output in outputs}):
        mine = tuple(output for output in outputs if output.view == view)
        kinds = {output.kind for output in mine}
        want = Request(
            logps=frozenset({view} if "logps" in kinds else ()),
            kl=frozenset({view} if "kl" in kinds else ()),
            layers=frozenset((view, output.layer) for output in mine if output.layer is not None),
        )
        done = 0
        for start in range(0, len(views[view]), BATCH_ROWS):
            rows = views[view][start : start + BATCH_ROWS]
            tokens = slice(done, done + sum(row.labels for row in rows))
            done = tokens.stop
            hidden = {}
            if want.kl:
                if reference is None:
                    raise RuntimeError(f"a divergence on {view!r} is wanted, and no reference values are given")
                hidden[view] = reference.hidden(view, range(start, start + len(rows))).to(device)
            yield Chunk(pack({view: rows}, pad_id).to(device), want, hidden, tokens, mine)
