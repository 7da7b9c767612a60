"""A step over values made by hand, and the arithmetic that the loop does with terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from unlearnkit.data.batching import Labels
from unlearnkit.methods.objective import Quantity, Step, Terms, View
from unlearnkit.training.step import Counts

Rows = Sequence[Sequence[float]]


@dataclass
class LeafView:
    """Values of one view's rows.

    The first `trace` tokens of each row are its trace, and the first `doubtful` tokens of the view may be wrong.
    """

    rows: Rows
    trace: int = 0
    doubtful: int = 0
    leaf: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.leaf = torch.tensor([x for row in self.rows for x in row], dtype=torch.float64, requires_grad=True)

    def layout(self) -> Labels:
        owner = [n for n, row in enumerate(self.rows) for _ in row]
        in_trace = [at < self.trace for row in self.rows for at in range(len(row))]
        none, doubtful = torch.zeros(0, dtype=torch.int64), torch.zeros(len(owner), dtype=torch.bool)
        doubtful[: self.doubtful] = True
        return Labels(
            none, none, torch.tensor(owner, dtype=torch.int64), torch.tensor(in_trace), doubtful, len(self.rows)
        )


Depths = Mapping[tuple[View, int], Tensor]


class Store(dict[Quantity, Tensor]):
    """Values by quantity; notes which of them are read."""

    def __init__(self, values: Mapping[Quantity, Tensor]) -> None:
        super().__init__(values)
        self.read: set[Quantity] = set()

    def __getitem__(self, quantity: Quantity) -> Tensor:
        self.read.add(quantity)
        return super().__getitem__(quantity)


def step_of(
    logps: Mapping[View, LeafView] | None = None,
    reference: Mapping[View, LeafView] | None = None,
    kl: Mapping[View, LeafView] | None = None,
    hidden: Depths | None = None,
    reference_hidden: Depths | None = None,
    others: Mapping[Quantity, LeafView] | None = None,
) -> Step:
    """A step over log-probabilities, KL divergences and hidden states by view, the reference's, and `others`."""
    leaves = {
        **{Quantity(view, "logps"): leaf for view, leaf in (logps or {}).items()},
        **{Quantity(view, "kl"): leaf for view, leaf in (kl or {}).items()},
        **(others or {}),
    }
    constants = {Quantity(view, "logps", of_reference=True): leaf for view, leaf in (reference or {}).items()}
    values = {quantity: leaf.leaf for quantity, leaf in leaves.items()}
    values |= {quantity: leaf.leaf.detach() for quantity, leaf in constants.items()}
    values |= {Quantity(view, "hidden", layer): states for (view, layer), states in (hidden or {}).items()}
    values |= {
        Quantity(view, "hidden", layer, of_reference=True): states.detach()
        for (view, layer), states in (reference_hidden or {}).items()
    }
    layouts = {view: LeafView([[0.0] * len(states)]).layout() for (view, _), states in (hidden or {}).items()}
    layouts |= {quantity.view: leaf.layout() for quantity, leaf in {**constants, **leaves}.items()}
    return Step(Store(values), layouts)


def counts(step: Step) -> Counts:
    """What the loop would count, were this the whole optimizer step."""
    found: Counts = {}
    for view, layout in step.layouts.items():
        tokens, trace = len(layout.row), int(layout.in_trace.sum())
        found[view, "token"], found[view, "sequence"] = tokens, layout.rows
        found[view, "trace_token"], found[view, "response_token"] = trace, tokens - trace
    return found


def mean(terms: Terms, name: str, step: Step) -> float:
    """A term's mean, without its weight."""
    term = terms[name]
    return term.sum.item() / counts(step)[term.view, term.unit]


def loss(terms: Terms, step: Step) -> Tensor:
    """weight * sum / count, over the terms."""
    units = counts(step)
    return sum(  # type: ignore[return-value]
        (t.weight * t.sum / units[t.view, t.unit] for t in terms.values() if t.weight), torch.zeros(())
    )
