"""Exact gradients and directional derivatives over sets of rows."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from unlearnkit.data.encoding import Encoded
from unlearnkit.gradient_effect.outputs import Chunk, chunks
from unlearnkit.gradient_effect.weights import Weights
from unlearnkit.methods.quantities import Quantity, View
from unlearnkit.models.parameter_vectors import Vector

Mode = Literal["forward", "differences"]
"""`forward`: exact forward-mode differentiation. `differences`: central differences, for models with an operation that
does not support forward mode."""

STEP = 1e-4
"""Step length of central differences, relative to the norm of the changed weights. With shorter steps, float32 rounding
hides the differences. With longer steps, curvature distorts the differences."""

Slopes = dict[Quantity, Tensor]


def gradient_of(
    weights: Weights,
    portions: Iterable[Chunk],
    coefficients: Mapping[Quantity, Tensor],
    names: Sequence[str] | None = None,
) -> tuple[float, Vector]:
    """Return the value and the gradient of a weighted sum of outputs.

    The sum is sum_i c_i o_i, over all outputs o_i of all rows. The coefficients c_i are constants.

    Args:
        weights: weights of the model.
        portions: chunks that together cover all rows.
        coefficients: coefficient tensor of each output. The tensor has the shape of the output's values on all rows.
        names: names of the weights with respect to which the sum is differentiated. All names must be in
            `weights.chosen`. None: all of `weights.chosen`.

    Returns:
        The sum, and its gradient by weight name. The gradient is summed over the chunks in float32 or wider.
    """
    names = weights.chosen if names is None else names
    # Leaves share the weights' memory. Each backward pass adds to the leaves' gradients in place, so that only one
    # gradient is in memory.
    leaves = {id(weights.values[name]): weights.values[name].detach().requires_grad_() for name in names}
    replaced = {name: leaves[id(value)] for name, value in weights.values.items() if id(value) in leaves}
    total = 0.0
    with torch.enable_grad():
        for chunk in portions:
            outputs = weights.run(chunk, replaced)
            constants = {output: coefficients[output][chunk.tokens].to(value) for output, value in outputs.items()}
            value = torch.stack([(constants[output] * value).sum() for output, value in outputs.items()]).sum()
            total += float(value.detach())
            torch.autograd.backward(value, inputs=list(leaves.values()))
    # If no output depends on a weight (such as a weight above the layer that the objective reads), autograd gives no
    # gradient for this weight.
    gradients = {key: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for key, leaf in leaves.items()}
    return total, {name: gradients[id(weights.values[name])] for name in names}


@torch.no_grad()
def risk_value(weights: Weights, name: View, rows: Sequence[Encoded], pad_id: int) -> float:
    """Return a risk: mean negative log-likelihood per labeled token, in nats."""
    output, tokens, portions = _logps(weights, name, rows, pad_id)
    return -sum(float(weights.run(chunk, {})[output].double().sum()) for chunk in portions) / tokens


def risk_gradient(
    weights: Weights, name: View, rows: Sequence[Encoded], pad_id: int, names: Sequence[str] | None = None
) -> tuple[float, Vector]:
    """Return a risk and its gradient; see `risk_value`."""
    output, tokens, portions = _logps(weights, name, rows, pad_id)
    return gradient_of(weights, portions, {output: torch.full((tokens,), -1.0 / tokens)}, names)


def _logps(weights: Weights, name: View, rows: Sequence[Encoded], pad_id: int) -> tuple[Quantity, int, Iterator[Chunk]]:
    """Return the quantity `logps`, the number of labeled tokens, and the chunks."""
    output = Quantity(name, "logps")
    return output, sum(row.labels for row in rows), chunks({name: rows}, [output], pad_id, weights.engine.device)


def forward_slopes(weights: Weights, chunk: Chunk, direction: Vector) -> tuple[Slopes, Slopes]:
    """Return outputs and their derivatives along a direction, using forward mode.

    Attention is computed with plain matrix products, because fused kernels do not support forward mode. No graph is
    stored, so this function needs little more memory than two forward passes.
    """
    values, slopes = Slopes(), Slopes()
    with torch.no_grad(), forward_ad.dual_level(), sdpa_kernel(SDPBackend.MATH):
        duals: Vector = {
            name: forward_ad.make_dual(weights.values[name], tangent)  # type: ignore[no-untyped-call]
            for name, tangent in direction.items()
        }
        for output, dual in weights.run(chunk, duals).items():
            values[output], tangent = forward_ad.unpack_dual(dual)  # type: ignore[no-untyped-call]
            # An output that does not depend on these weights (such as a layer below them) has no tangent.
            slopes[output] = torch.zeros_like(values[output]) if tangent is None else tangent
    return values, slopes


def difference_slopes(weights: Weights, chunk: Chunk, direction: Vector) -> tuple[Slopes, Slopes]:
    """Return outputs and their derivatives along a direction, using central differences.

    This function needs memory for one additional copy of the weights whose names are in `direction`.
    """
    length = _length(direction.values())
    step = STEP * _length(weights.values[name] for name in direction) / length if length else 0.0
    with torch.no_grad():
        values = weights.run(chunk, {})
        if not step:
            return values, {output: torch.zeros_like(value) for output, value in values.items()}
        ahead, behind = (
            weights.run(chunk, {name: weights.values[name] + sign * step * d for name, d in direction.items()})
            for sign in (1, -1)
        )
    return values, {output: (ahead[output] - behind[output]) / (2 * step) for output in values}


def usable_mode(weights: Weights, chunk: Chunk, direction: Vector) -> Mode:
    """Return `forward` if the model supports forward mode, else `differences`.

    If the result is `differences`, a warning states that slopes are only approximated.
    """
    try:
        forward_slopes(weights, chunk, direction)
    except (NotImplementedError, RuntimeError) as error:
        # PyTorch's message differs between an operation without a formula and a custom function without a `jvp`.
        if not any(word in str(error) for word in ("forward AD", "forward mode", "jvp", "Forward")):
            raise
        warnings.warn(
            "the model has an operation that does not support forward-mode differentiation "
            f"({str(error).splitlines()[0]}), so slopes are approximated by central differences",
            stacklevel=2,
        )
        return "differences"
    return "forward"


def slopes_along(weights: Weights, portions: Iterable[Chunk], direction: Vector, mode: Mode) -> tuple[Slopes, Slopes]:
    """Return the outputs of all rows, and the outputs' slopes along `direction`.

    Each tensor has the shape (tokens,) or (tokens, width), and is on the CPU.
    """
    values: dict[Quantity, list[Tensor]] = {}
    slopes: dict[Quantity, list[Tensor]] = {}
    differentiate = forward_slopes if mode == "forward" else difference_slopes
    for chunk in portions:
        for whole, part in zip((values, slopes), differentiate(weights, chunk, direction), strict=True):
            for output, value in part.items():
                whole.setdefault(output, []).append(value.detach().cpu())
    return {k: torch.cat(v) for k, v in values.items()}, {k: torch.cat(v) for k, v in slopes.items()}


def _length(tensors: Iterable[Tensor]) -> float:
    return math.sqrt(sum(float(tensor.double().square().sum()) for tensor in tensors))
