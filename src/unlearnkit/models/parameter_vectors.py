"""Arithmetic on vectors in parameter space, such as gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

Vector = dict[str, Tensor]
"""A vector in parameter space, such as a gradient. Maps the name of a weight to a tensor of values. The values of a
missing weight are 0. A tied weight has two names, and both names may occur with the same tensor."""

CHUNK_ELEMENTS = 2**20
"""Number of values converted to float64 at once (8 MiB). Converting a whole embedding matrix could take as much memory
as the model itself."""


def dot(one: Mapping[str, Tensor], other: Mapping[str, Tensor], names: Iterable[str] | None = None) -> float:
    """Return the inner product of two vectors, computed in float64.

    float64 is needed because the cosine of two gradients is small and its sign matters. `names` restricts the product
    to the weights with these names. If `names` is None, the product covers all weights.
    """
    chosen = one if names is None else names
    return math.fsum(_dot(one[name], other[name]) for name in chosen if name in one and name in other)


def _dot(one: Tensor, other: Tensor) -> float:
    pairs = zip(*(torch.split(values.flatten(), CHUNK_ELEMENTS) for values in (one, other)), strict=True)
    return math.fsum(float(torch.dot(a.double(), b.double())) for a, b in pairs)


def add(vector: Vector, other: Mapping[str, Tensor], factor: float = 1.0) -> None:
    """Add `factor` times `other` to `vector`, in place."""
    for name, values in other.items():
        if name in vector:
            vector[name].add_(values, alpha=factor)
        else:
            vector[name] = values * factor


def scale(vector: Vector, factor: float) -> None:
    """Multiply `vector` by `factor`, in place."""
    for values in vector.values():
        values.mul_(factor)
