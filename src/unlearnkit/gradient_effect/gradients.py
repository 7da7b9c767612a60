"""Exact gradients over whole sets of rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from unlearnkit.data.encoding import Encoded
from unlearnkit.gradient_effect.outputs import Chunk, chunks
from unlearnkit.gradient_effect.weights import Weights
from unlearnkit.methods.quantities import Quantity, View
from unlearnkit.models.parameter_vectors import Vector


def gradient_of(
    weights: Weights,
    portions: Iterable[Chunk],
    coefficients: Mapping[Quantity, Tensor],
    names: Sequence[str] | None = None,
) -> tuple[float, Vector]:
    """Value and gradient of sum_i c_i o_i, the sum being over all outputs of all rows; the c are constants.

    Args:
        weights: the model's.
        portions: all rows, cut up.
        coefficients: a value for each value of each output.
        names: weights to differentiate by, which are among the chosen ones; None for all of these.

    Returns:
        The sum, and its gradient by name; summed over portions in float32 or wider.
    """
    names = weights.chosen if names is None else names
    # Leaves share the weights' memory, and each backward pass adds to their gradients in place: one gradient is held.
    leaves = {id(weights.values[name]): weights.values[name].detach().requires_grad_() for name in names}
    replaced = {name: leaves[id(value)] for name, value in weights.values.items() if id(value) in leaves}
    total = 0.0
    with torch.enable_grad():
        for chunk in portions:
            made = weights.run(chunk, replaced)
            value = sum_of(made, {output: coefficients[output][chunk.tokens] for output in made})
            total += float(value.detach())
            torch.autograd.backward(value, inputs=list(leaves.values()))
    # A weight that none of these outputs depends on, such as one above the layer that is read, has none.
    gradients = {key: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for key, leaf in leaves.items()}
    return total, {name: gradients[id(weights.values[name])] for name in names}


def sum_of(made: Mapping[Quantity, Tensor], coefficients: Mapping[Quantity, Tensor]) -> Tensor:
    """Scalar: every output times its coefficient."""
    return torch.stack([(coefficients[output].to(value) * value).sum() for output, value in made.items()]).sum()


@torch.no_grad()
def risk_value(weights: Weights, name: View, rows: Sequence[Encoded], pad_id: int) -> float:
    """Mean negative log-likelihood of some rows per labeled token, in nats."""
    output, tokens = Quantity(name, "logps"), sum(row.labels for row in rows)
    portions = chunks({name: rows}, [output], pad_id, weights.device)
    return -sum(float(weights.run(chunk, {})[output].double().sum()) for chunk in portions) / tokens


def risk_gradient(
    weights: Weights, name: View, rows: Sequence[Encoded], pad_id: int, names: Sequence[str] | None = None
) -> tuple[float, Vector]:
    """The risk on some rows, mean negative log-likelihood per labeled token in nats, and its gradient."""
    output, tokens = Quantity(name, "logps"), sum(row.labels for row in rows)
    portions = chunks({name: rows}, [output], pad_id, weights.device)
    return gradient_of(weights, portions, {output: torch.full((tokens,), -1.0 / tokens)}, names)
