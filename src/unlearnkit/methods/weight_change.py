"""Compute a change of weights, and apply it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from unlearnkit.core.errors import InputError
from unlearnkit.localization.base import WeightMask
from unlearnkit.methods.base import MethodContext
from unlearnkit.models.adapter import merge_adapter
from unlearnkit.subjects.local import LocalSubject


def whole_target(context: MethodContext) -> LocalSubject:
    """Load the target model with whole weights; an adapter is merged."""
    subject = context.target()
    return LocalSubject(merge_adapter(subject.model), subject.tokenizer)


@torch.no_grad()
def task_vector(context: MethodContext) -> dict[str, Tensor]:
    """Subtract the target's weights from those of the trained model, in float32.

    Of an adapter it is the dense change of each adapted weight, scale * B @ A: the factors themselves cannot be negated
    or added (two minus signs cancel, and a product of sums has cross terms).

    Returns:
        Change of each trained weight by its name in the engine of a model without adapter. A tied weight has one name.

    Raises:
        InputError: an adapter lies on embeddings that the head shares.
    """
    if context.lora is not None:
        layers = adapted_weights(context.model)
        return {name: layer.get_delta_weight("default").detach().float() for name, layer in layers.items()}
    trained = {name: weight for name, weight in context.engine.named_parameters() if weight.requires_grad}
    target = dict(whole_target(context).engine.named_parameters())
    return {name: weight.detach().float() - target[name].to(weight.device).float() for name, weight in trained.items()}


def adapted_weights(model: nn.Module) -> dict[str, Any]:
    """Find the layers of a LoRA adapter.

    Returns:
        Each layer by the name of the weight that it adapts, in the engine of the same model without adapter.

    Raises:
        InputError: an adapter lies on embeddings that the head shares, so that the change would reach both.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers: dict[str, Any] = {}
    for path, layer in model.named_modules():
        if isinstance(layer, BaseTunerLayer):
            place = path.removeprefix("base_model.model.").replace(".base_layer", "")
            layers[f"model.{place}.{getattr(layer, 'parameter_name', 'weight')}"] = layer
    causal: Any = model.get_base_model()  # type: ignore[operator]
    head, embeddings = causal.get_output_embeddings(), causal.get_input_embeddings()
    on_either = [layer for layer in (head, embeddings) if isinstance(layer, BaseTunerLayer)]
    bare = [layer.get_base_layer() if layer in on_either else layer for layer in (head, embeddings)]
    if on_either and bare[0].weight is bare[1].weight:
        raise InputError(
            "the head shares its weights with the embeddings, and an adapter on one of them cannot be subtracted",
            where="model.lora.target_modules",
            allowed="layers other than the head and the embeddings",
            fix="name other layers, or write all-linear",
        )
    return layers


def masked_delta(delta: Mapping[str, Tensor], mask: WeightMask | None) -> dict[str, Tensor]:
    """Set the change to 0 wherever the mask does not allow one.

    A weight that the mask does not name is left out, and does not change.
    """
    if mask is None:
        return dict(delta)
    return {
        name: torch.where(mask.kept[name].to(change.device), change, torch.zeros_like(change))
        for name, change in delta.items()
        if name in mask.kept
    }


@torch.no_grad()
def apply_delta(model: nn.Module, delta: Mapping[str, Tensor]) -> None:
    """Add a change to the weights in place.

    The sum is computed in float32 and rounded to the weight's data type. Elements whose change is 0 keep their bits.
    If an error is raised, no weight has changed.

    Raises:
        InputError: the model has no parameter of that name or shape, or the change is not finite.
    """
    parameters = dict(model.named_parameters())
    for name, change in delta.items():
        weight = parameters.get(name)
        if weight is None or weight.shape != change.shape:
            raise InputError(
                "the change does not fit the model",
                where=name,
                value=tuple(change.shape),
                allowed="a parameter of the model" if weight is None else str(tuple(weight.shape)),
                fix="compute the change from a model of the same shape",
            )
        if not bool(change.isfinite().all()):
            raise InputError(
                "the change of a weight is not finite",
                where=name,
                fix="lower the strength of the edit, or the learning rate if it trains a model",
            )
    for name, change in delta.items():
        weight, moved = parameters[name], change.to(parameters[name].device, torch.float32)
        # Not the plain sum everywhere: -0.0 + 0.0 is 0.0, which has another sign bit.
        weight.copy_(torch.where(moved == 0, weight, (weight.float() + moved).to(weight.dtype)))
