"""Compute and apply changes to the weights."""

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
    """Load the target model, with any adapter merged into the weights."""
    subject = context.target()
    return LocalSubject(merge_adapter(subject.model), subject.tokenizer)


@torch.no_grad()
def task_vector(context: MethodContext) -> dict[str, Tensor]:
    """Return the trained weights minus the target model's weights, in float32.

    With a LoRA adapter, the result is the dense change of each adapted weight, scale * B @ A. Arithmetic on the factors
    A and B would be wrong: negating both factors does not change their product, and multiplying sums of factors adds
    cross terms.

    Returns:
        The change of each trained weight. The keys are the parameter names that the engine has without an adapter. A
        tied weight appears only once.

    Raises:
        InputError: the adapter is on the head or the embeddings, and the head and the embeddings share their weights.
    """
    if context.lora is not None:
        layers = adapted_weights(context.model)
        return {name: layer.get_delta_weight("default").detach().float() for name, layer in layers.items()}
    trained = {name: weight for name, weight in context.engine.named_parameters() if weight.requires_grad}
    target = dict(whole_target(context).engine.named_parameters())
    return {name: weight.detach().float() - target[name].to(weight.device).float() for name, weight in trained.items()}


def adapted_weights(model: nn.Module) -> dict[str, Any]:
    """Find the layers that a LoRA adapter changes.

    Returns:
        The adapted layers, keyed by the names of their weights. The keys are the parameter names that the engine has
        without an adapter.

    Raises:
        InputError: the adapter is on the head or the embeddings, which share their weights, so the change would affect
            both of them.
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
            "the head shares its weights with the embeddings, so an adapter on either of them cannot be subtracted",
            where="model.lora.target_modules",
            allowed="layers other than the head and the embeddings",
            fix="choose other layers, or write all-linear",
        )
    return layers


def masked_delta(delta: Mapping[str, Tensor], mask: WeightMask | None) -> dict[str, Tensor]:
    """Set the change to 0 for every element that the mask freezes.

    Weights that are missing from the mask are omitted from the result, so these weights do not change.
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

    The sum is computed in float32 and rounded to the weight's data type. Elements whose change is 0 stay bitwise
    identical. If an error is raised, no weight has changed.

    Raises:
        InputError: the model has no parameter with the name and shape of a change, or a change is not finite.
    """
    parameters = dict(model.named_parameters())
    for name, change in delta.items():
        weight = parameters.get(name)
        if weight is None or weight.shape != change.shape:
            raise InputError(
                "a weight change does not fit the model",
                where=name,
                value=tuple(change.shape),
                allowed="the name of a parameter of the model" if weight is None else str(tuple(weight.shape)),
                fix="compute the change from a model whose parameters have the same names and shapes",
            )
        if not bool(change.isfinite().all()):
            raise InputError(
                "the change of a weight is not finite",
                where=name,
                fix="lower the strength of the edit; or, if the edit trains a model, lower the learning rate",
            )
    for name, change in delta.items():
        weight, moved = parameters[name], change.to(parameters[name].device, torch.float32)
        # Where the change is 0, the weight is kept as it is: -0.0 + 0.0 is 0.0, so a sum could change the sign bit.
        weight.copy_(torch.where(moved == 0, weight, (weight.float() + moved).to(weight.dtype)))
