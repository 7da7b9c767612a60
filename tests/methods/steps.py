"""A step of leaf tensors made by hand, and the arithmetic that the loop does with terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from unlearnkit.methods.objective import Terms, TokenValues, View

Rows = Sequence[Sequence[float]]


@dataclass
class LeafView:
    """Values of one view's rows, of which the first `trace` tokens of each row are its trace."""

    rows: Rows
    trace: int = 0
    leaf: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.leaf = torch.tensor([x for row in self.rows for x in row], dtype=torch.float64, requires_grad=True)

    def values(self) -> TokenValues:
        owner = [n for n, row in enumerate(self.rows) for _ in row]
        in_trace = [at < self.trace for row in self.rows for at in range(len(row))]
        return TokenValues(self.leaf, torch.tensor(owner, dtype=torch.int64), len(self.rows), torch.tensor(in_trace))


Depths = Mapping[tuple[View, int], Tensor]


class _Reference:
    def __init__(self, views: Mapping[View, LeafView], hidden: Depths, asked: set[tuple[str, View]]) -> None:
        self._views, self._hidden, self._asked = views, hidden, asked

    def logps(self, view: View) -> TokenValues:
        self._asked.add(("reference", view))
        values = self._views[view].values()
        return TokenValues(values.values.detach(), values.row, values.rows, values.in_trace)

    def hidden(self, view: View, layer: int) -> Tensor:
        self._asked.add(("reference hidden", view))
        return self._hidden[view, layer].detach()


class LeafStep:
    """Holds log-probabilities, KL divergences and hidden states by view, and the reference's; notes what is asked."""

    def __init__(
        self,
        logps: Mapping[View, LeafView] | None = None,
        reference: Mapping[View, LeafView] | None = None,
        kl: Mapping[View, LeafView] | None = None,
        hidden: Depths | None = None,
        reference_hidden: Depths | None = None,
    ) -> None:
        self._logps, self._kl, self._hidden = logps or {}, kl or {}, hidden or {}
        self.asked: set[tuple[str, View]] = set()
        self.reference = _Reference(reference or {}, reference_hidden or {}, self.asked)

    def logps(self, view: View) -> TokenValues:
        self.asked.add(("logps", view))
        return self._logps[view].values()

    def kl(self, view: View) -> TokenValues:
        self.asked.add(("kl", view))
        return self._kl[view].values()

    def hidden(self, view: View, layer: int) -> Tensor:
        self.asked.add(("hidden", view))
        return self._hidden[view, layer]

    def counts(self) -> dict[tuple[View, str], int]:
        """What the loop would count, were this the whole optimizer step."""
        found: dict[tuple[View, str], int] = {}
        for view, leaf in {**self._logps, **self._kl}.items():
            values = leaf.values()
            trace = int(values.in_trace.sum())
            found[view, "token"] = len(values.values)
            found[view, "trace_token"], found[view, "response_token"] = trace, len(values.values) - trace
            found[view, "sequence"] = values.rows
        found |= {(view, "token"): len(states) for (view, _), states in self._hidden.items()}
        return found


def mean(terms: Terms, name: str, step: LeafStep) -> float:
    """A term's mean, without its weight."""
    term = terms[name]
    return term.sum.item() / step.counts()[term.view, term.unit]


def loss(terms: Terms, step: LeafStep) -> Tensor:
    """weight * sum / count, over the terms."""
    counts = step.counts()
    return sum(  # type: ignore[return-value]
        (t.weight * t.sum / counts[t.view, t.unit] for t in terms.values() if t.weight), torch.zeros(())
    )
