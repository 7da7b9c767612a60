"""Arithmetic of gradients and other vectors in the space of a model's weights, kept by the weights' names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

Vector = dict[str, Tensor]
"""A value for each weight, by its name; of one that is not there the value is 0. A tied weight may stand under both of
its names; they hold the same tensor then."""

CHUNK_ELEMENTS = 2**20
"""Numbers that are widened at once (8 MiB each): a whole embedding would take as much as the model."""


def dot(one: Mapping[str, Tensor], other: Mapping[str, Tensor], names: Iterable[str] | None = None) -> float:
    """Inner product over the named weights (all), in float64: two gradients' cosine is small, and its sign decides."""
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
