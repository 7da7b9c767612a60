"""Arithmetic of gradients that are kept by parameter."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unlearnkit.training.combiners.contract import Gradient

CHUNK_ELEMENTS = 2**24
"""Numbers that are widened at once (128 MiB)."""


def dot(one: Gradient, other: Gradient) -> float:
    """Dot product over all parameters, in float64: two gradients' cosine is small, and its sign decides."""
    return math.fsum(float(_dot(values, other[name])) for name, values in one.items() if name in other)


def _dot(one: Tensor, other: Tensor) -> Tensor:
    pairs = zip(*(torch.split(values.flatten(), CHUNK_ELEMENTS) for values in (one, other)), strict=True)
    return torch.stack([torch.dot(a.double(), b.double()) for a, b in pairs]).sum()


def add(gradient: Gradient, other: Gradient, factor: float = 1.0) -> None:
    """Add `factor` times `other` to `gradient`, in place."""
    for name, values in other.items():
        if name in gradient:
            gradient[name].add_(values, alpha=factor)
        else:
            gradient[name] = values * factor


def scale(gradient: Gradient, factor: float) -> None:
    """Multiply `gradient` by `factor`, in place."""
    for values in gradient.values():
        values.mul_(factor)
