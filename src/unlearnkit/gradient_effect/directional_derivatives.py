"""How every output of the model changes along a direction in the space of weights."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from unlearnkit.gradient_effect.outputs import Chunk
from unlearnkit.gradient_effect.weights import Weights
from unlearnkit.methods.quantities import Quantity
from unlearnkit.models.parameter_vectors import Vector

Mode = Literal["forward", "differences"]
"""`forward`: forward-mode differentiation, exact. `differences`: central differences, for models with an operation that
has no forward mode."""

STEP = 1e-4
"""Length of the step of central differences, as a share of the length of the weights that are moved. Shorter steps
drown in float32's rounding, longer ones in curvature."""

Slopes = dict[Quantity, Tensor]


def forward_slopes(weights: Weights, chunk: Chunk, direction: Vector) -> tuple[Slopes, Slopes]:
    """Outputs and their derivatives along a direction, by forward mode.

    Attention runs as plain products: fused kernels have no forward mode. No graph is kept, so a pass takes little more
    memory than two forward passes.
    """
    with torch.no_grad(), forward_ad.dual_level(), sdpa_kernel(SDPBackend.MATH):
        duals = {name: _dual(weights.values[name], tangent) for name, tangent in direction.items()}
        made = {output: _parts(value) for output, value in weights.run(chunk, duals).items()}
    return {output: value for output, (value, _) in made.items()}, {
        output: slope for output, (_, slope) in made.items()
    }


def _dual(value: Tensor, tangent: Tensor) -> Tensor:
    made: Tensor = forward_ad.make_dual(value, tangent)  # type: ignore[no-untyped-call]
    return made


def _parts(dual: Tensor) -> tuple[Tensor, Tensor]:
    value, tangent = forward_ad.unpack_dual(dual)  # type: ignore[no-untyped-call]
    # What does not depend on the weights that move, such as a layer below them, has no tangent.
    return value, torch.zeros_like(value) if tangent is None else tangent


def difference_slopes(weights: Weights, chunk: Chunk, direction: Vector) -> tuple[Slopes, Slopes]:
    """The same by central differences; takes one more copy of the weights that move."""
    moved = _length(direction.values())
    step = STEP * _length(weights.values[name] for name in direction) / moved if moved else 0.0
    with torch.no_grad():
        here = weights.run(chunk, {})
        if not step:
            return here, {name: torch.zeros_like(value) for name, value in here.items()}
        ahead, behind = (
            weights.run(chunk, {name: weights.values[name] + sign * step * d for name, d in direction.items()})
            for sign in (1, -1)
        )
    return here, {name: (ahead[name] - behind[name]) / (2 * step) for name in here}


MODES: Mapping[Mode, Callable[[Weights, Chunk, Vector], tuple[Slopes, Slopes]]] = {
    "forward": forward_slopes,
    "differences": difference_slopes,
}


def usable_mode(weights: Weights, chunk: Chunk, direction: Vector) -> Mode:
    """Forward mode where this model has it; else central differences, with a warning."""
    try:
        forward_slopes(weights, chunk, direction)
    except (NotImplementedError, RuntimeError) as error:
        # Torch says it both ways: an operation without a formula, and a custom one without a `jvp`.
        if not any(word in str(error) for word in ("forward AD", "forward mode", "jvp", "Forward")):
            raise
        warnings.warn(
            f"the model has an operation without forward mode ({str(error).splitlines()[0]}); slopes are taken by "
            "central differences",
            stacklevel=2,
        )
        return "differences"
    return "forward"


def slopes_along(weights: Weights, portions: Iterable[Chunk], direction: Vector, mode: Mode) -> tuple[Slopes, Slopes]:
    """Outputs and slopes of all rows: (tokens,), or (tokens, width), by output; on the CPU."""
    values: dict[Quantity, list[Tensor]] = {}
    slopes: dict[Quantity, list[Tensor]] = {}
    for chunk in portions:
        made, moved = MODES[mode](weights, chunk, direction)
        for output in made:
            values.setdefault(output, []).append(made[output].detach().cpu())
            slopes.setdefault(output, []).append(moved[output].detach().cpu())
    return {k: torch.cat(v) for k, v in values.items()}, {k: torch.cat(v) for k, v in slopes.items()}


def _length(tensors: Iterable[Tensor]) -> float:
    return math.sqrt(sum(float(tensor.double().square().sum()) for tensor in tensors))
