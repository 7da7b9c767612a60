"""Check that a model's files contain exactly the weights of its configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor
from transformers import PreTrainedModel

from unlearnkit.core.errors import InputError
from unlearnkit.core.number_format import counted
from unlearnkit.models.folder import ModelFolder, tensor_names

_CONSTANTS = re.compile(
    r"(^|\.)((attn|attention)\.(masked_)?bias|rotary_emb\.(inv_freq|cos_cached|sin_cached)|position_ids|causal_mask)$"
)
"""Names of constants that earlier versions of transformers saved with the weights. transformers computes them."""
_LAYER = re.compile(r"\.(\d+)\.")
_NAMED = 3
"""Maximum number of weights that a message names."""


def refuse_misplaced(model: PreTrainedModel, info: Mapping[str, Any], folder: ModelFolder) -> None:
    """Raise `InputError` if the files contain other weights than the model needs.

    Args:
        model: the loaded model. It may be on the meta device.
        info: the loading info of transformers' `from_pretrained`.
        folder: the model's folder.
    """
    where = str(folder.path)
    lacking = sorted({*info["missing_keys"], *(name for name, *_ in info["mismatched_keys"])})
    if lacking:
        raise InputError(
            f"{len(lacking)} of the model's weights are missing from the weight files, or have the wrong shape",
            where=where,
            value=_some(lacking),
            fix="copy or download the model again: the weight files do not match config.json, or belong to a model "
            "that is not a language model",
        )
    if unplaced := sorted(name for name in info["unexpected_keys"] if not _is_constant(name, folder)):
        raise InputError(
            f"{counted(len(unplaced), 'weight')} in the files {'has' if len(unplaced) == 1 else 'have'} no place in "
            f"the model that config.json describes ({_described(model)})",
            where=where,
            value=_some(unplaced),
            allowed="exactly the weights of this model",
            fix=_fix(unplaced, model),
        )
    for one, other in _untied(model):
        if model.device.type == "meta" and _stored_equal(folder, one, other):
            continue
        raise InputError(
            "config.json ties weights that have different values in the files",
            where=where,
            value=f"{one}, {other}",
            allowed="weights with equal values, or only one of them",
            fix="set tie_word_embeddings to false in config.json, or copy or download the model again",
        )


def _is_constant(name: str, folder: ModelFolder) -> bool:
    """Return whether a tensor is a constant instead of a trained weight.

    A bias of an attention layer is a vector. The constants of the same name are masks, i.e. squares, and single
    numbers.
    """
    if not _CONSTANTS.search(name):
        return False
    shape = _shape(folder, name)
    return not name.endswith("bias") or shape == () or (len(shape) > 1 and shape[-1] == shape[-2])


def _shape(folder: ModelFolder, name: str) -> tuple[int, ...]:
    for file, stored in _stored(folder, name):
        with safe_open(file, framework="pt") as opened:
            return tuple(opened.get_slice(stored).get_shape())
    return (0,)


def _stored(folder: ModelFolder, name: str) -> Iterable[tuple[Any, str]]:
    """Yield the file and the stored name of a weight.

    A file may leave out the first part of the names (the name of the model without head).
    """
    for file in folder.weights:
        for stored in tensor_names(file):
            if stored == name or name.endswith(f".{stored}"):
                yield file, stored


def _untied(model: Any) -> list[tuple[str, str]]:
    """Return pairs of different weights that the configuration ties."""
    pairs = model.get_expanded_tied_weights_keys(all_submodels=True).items()
    return [
        (target, source)
        for target, source in pairs
        if model.get_parameter_or_buffer(target) is not model.get_parameter_or_buffer(source)
    ]


def _stored_equal(folder: ModelFolder, one: str, other: str) -> bool:
    values: list[Tensor] = []
    for name in (one, other):
        for file, stored in _stored(folder, name):
            with safe_open(file, framework="pt") as opened:
                values.append(opened.get_tensor(stored))
            break
    return len(values) < 2 or torch.equal(*values)


def _described(model: PreTrainedModel) -> str:
    config = model.config.get_text_config()
    return f"model_type {model.config.model_type}, {counted(config.num_hidden_layers, 'layer')}"


def _fix(unplaced: Sequence[str], model: PreTrainedModel) -> str:
    layers = model.config.get_text_config().num_hidden_layers
    deepest = max((int(found[1]) for name in unplaced if (found := _LAYER.search(name))), default=0)
    if deepest >= layers and all((found := _LAYER.search(n)) and int(found[1]) >= layers for n in unplaced):
        return f"set num_hidden_layers to {deepest + 1} in config.json, or copy or download the model again"
    return "correct config.json (model_type, or a setting such as attention_bias), or copy or download the model again"


def _some(names: Sequence[str]) -> str:
    return ", ".join([*names[:_NAMED], *(["..."] if len(names) > _NAMED else [])])
