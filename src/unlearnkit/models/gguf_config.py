"""The configuration of a model in a GGUF file.

transformers reads most of it. This module adds what transformers leaves out, and refuses what it cannot represent.
"""

from __future__ import annotations

import copy
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel

from unlearnkit.core.errors import InputError, MissingDependency
from unlearnkit.models.gguf_file import ROPE_FACTORS, GGUFFile

LLAMA3_ROPE = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
"""Settings of the rotary embedding that all Llama 3.1, 3.2 and 3.3 models share."""

_BIASES = {"attention_bias": "blk.0.attn_q.bias", "mlp_bias": "blk.0.ffn_up.bias"}
"""Switches of Llama's configuration, by a tensor that exists only if the switch is on."""


def read_config(file: GGUFFile) -> PreTrainedConfig:
    """Return the configuration of the model in a GGUF file.

    Raises:
        InputError: transformers does not support the model, or reads it incompletely.
        MissingDependency: the installed version of `gguf` is too old.
    """
    return copy.deepcopy(_read(file))


@lru_cache(maxsize=8)
def _read(file: GGUFFile) -> PreTrainedConfig:
    try:
        config: Any = AutoConfig.from_pretrained(file.path.parent, gguf_file=file.path.name, trust_remote_code=False)
    except ImportError as error:
        raise MissingDependency(
            f"transformers cannot read GGUF files here: {error}", where=str(file.path), fix="pip install -U gguf"
        ) from error
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(
            f"transformers {transformers.__version__} cannot read a GGUF file of this architecture",
            where=f"{file.path}, field general.architecture",
            value=file.architecture,
            allowed="llama, qwen2, qwen3, gemma2, gemma3, phi3, falcon, gpt2, starcoder2, stablelm, ...",
            fix="use the model's original folder in the format of transformers, or convert the file into one with a "
            "tool that supports the architecture",
        ) from error
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    config.dtype = getattr(torch, file.dtype)
    if config.model_type in ("llama", "mistral", "qwen2", "qwen3"):
        _complete(config, file)
    _read_rope(config, file)
    return config  # type: ignore[no-any-return]


def _complete(config: Any, file: GGUFFile) -> None:
    """Set the fields of a Llama-like configuration that transformers does not read."""
    if (width := file.value("attention.key_length")) is not None:
        config.head_dim = width
    if config.model_type == "llama":
        for switch, tensor in _BIASES.items():
            setattr(config, switch, tensor in file.tensors)
    if config.model_type == "mistral":
        config.sliding_window = file.value("attention.sliding_window")  # else, it is the one of Mistral 7B


def _read_rope(config: Any, file: GGUFFile) -> None:
    """Read the scaling of the rotary embedding."""
    kind, factor = file.value("rope.scaling.type"), file.value("rope.scaling.factor")
    theta = file.value("rope.freq_base")
    base = {} if theta is None else {"rope_theta": float(theta)}
    if ROPE_FACTORS in file.tensors:
        config.rope_parameters = {**base, "rope_type": "llama3", **_llama3(file)}
    elif kind == "linear":
        config.rope_parameters = {**base, "rope_type": "linear", "factor": factor}
    elif kind == "yarn":
        length = file.value("rope.scaling.original_context_length")
        config.rope_parameters = {
            **base,
            "rope_type": "yarn",
            "factor": factor,
            "original_max_position_embeddings": length,
        }
    elif kind not in (None, "none") or any(name.startswith("rope_factors") for name in file.tensors):
        raise InputError(
            "transformers does not read this scaling of the rotary embedding from a GGUF file",
            where=f"{file.path}, field {file.architecture}.rope.scaling.type",
            value=kind or "longrope",
            allowed="none, linear, yarn, or the scaling of Llama 3",
            fix="use the model's original folder in the format of transformers",
        )


def _llama3(file: GGUFFile) -> dict[str, Any]:
    """Return Llama 3's settings that give the factors in the file."""
    stored = file.values(ROPE_FACTORS)
    settings = {"factor": round(float(stored.max()), 4), **LLAMA3_ROPE}
    expected = llama3_factors(settings, float(file.value("rope.freq_base") or 10000.0), 2 * stored.size)
    if not np.allclose(stored, expected, rtol=1e-4):
        raise InputError(
            "the factors of the rotary embedding are not those of a Llama 3 model, so transformers cannot use them",
            where=f"{file.path}, tensor {ROPE_FACTORS}",
            fix="use the model's original folder in the format of transformers",
        )
    return settings


def llama3_factors(settings: dict[str, Any], theta: float, width: int) -> NDArray[np.float32]:
    """Return by what each frequency of Llama 3's rotary embedding is divided.

    Args:
        settings: the fields `factor`, `low_freq_factor`, `high_freq_factor` and `original_max_position_embeddings`.
        theta: base of the frequencies.
        width: dimension of a head.

    Returns:
        Shape: `width / 2`.
    """
    wavelengths = 2 * np.pi * theta ** (np.arange(0, width, 2) / width)
    turns = settings["original_max_position_embeddings"] / wavelengths
    low, high = settings["low_freq_factor"], settings["high_freq_factor"]
    share = np.clip((turns - low) / (high - low), 0.0, 1.0)  # of the unscaled frequency
    factors: NDArray[np.float32] = (1 / ((1 - share) / settings["factor"] + share)).astype(np.float32)
    return factors


def refuse_other_weights(file: GGUFFile, model: PreTrainedModel) -> None:
    """Raise `InputError` if a file and its model differ in size.

    transformers ignores tensors that it does not know.
    """
    places = sum(parameter.numel() for parameter in model.parameters())
    values = sum(prod(stored.shape) for name, stored in file.tensors.items() if name != ROPE_FACTORS)
    if values != places:
        known = _known_tensors(file, model)
        extra = sorted(set(file.tensors) - known - {ROPE_FACTORS})
        raise InputError(
            f"the GGUF file holds {values} values and the model has {places}, so the weights would be incomplete",
            where=str(file.path),
            value=extra[0] if extra else None,
            fix="use the model's original folder in the format of transformers; or convert the model again",
        )


def _known_tensors(file: GGUFFile, model: PreTrainedModel) -> set[str]:
    """Return the names that the model's weights have in a GGUF file."""
    from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

    kinds = [kind for kind, name in MODEL_ARCH_NAMES.items() if name == file.architecture]
    if not kinds:
        return set(file.tensors)
    names = get_tensor_name_map(kinds[0], int(file.value("block_count") or 0))
    found = (names.get_name(name, try_suffixes=(".weight", ".bias")) for name in model.state_dict())
    return {name for name in found if name is not None}
