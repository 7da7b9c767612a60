"""Add a computed change to the weights of a model, and take it back exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from unlearnkit.core.errors import InputError
from unlearnkit.localization.base import WeightMask


def masked_delta(delta: Mapping[str, Tensor], mask: WeightMask | None) -> dict[str, Tensor]:
    """Set the change to 0 wherever the mask does not allow one; a weight that the mask does not name stays."""
    if mask is None:
        return dict(delta)
    return {name: change * mask.kept[name].to(change) for name, change in delta.items() if name in mask.kept}


@torch.no_grad()
def apply_delta(model: nn.Module, delta: Mapping[str, Tensor]) -> None:
    """Add a change to the weights in place; the sum is computed in float32 and rounded to the weight's data type.

    Raises:
        InputError: the model has no parameter of that name or shape.
    """
    parameters = dict(model.named_parameters())
    for name, change in delta.items():
        if name not in parameters or parameters[name].shape != change.shape:
            raise InputError(
                "the change does not fit the model",
                where=name,
                value=tuple(change.shape),
                allowed=str(tuple(parameters[name].shape)) if name in parameters else "a parameter of the model",
                fix="compute the change from a model of the same shape",
            )
    for name, change in delta.items():
        weight = parameters[name]
        weight.copy_(weight.float() + change.to(weight.device, torch.float32))


@contextmanager
def applied(model: nn.Module, delta: Mapping[str, Tensor]) -> Iterator[None]:
    """Apply a change for the time of the block; afterwards the weights are the same as before, bit for bit."""
    before = {name: weight.detach().clone() for name, weight in model.named_parameters() if name in delta}
    try:
        apply_delta(model, delta)
        yield
    finally:
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if name in before:
                    weight.copy_(before[name])
