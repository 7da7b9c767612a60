"""Write models of Llama's family as GGUF files.

The tensors get the names and the layout that llama.cpp expects. The vocabulary is written by `gguf_tokenizer`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.core.errors import InputError, MissingDependency
from unlearnkit.data.layout import chat_template
from unlearnkit.models.gguf_config import LLAMA3_ROPE, llama3_factors
from unlearnkit.models.gguf_file import ROPE_FACTORS
from unlearnkit.models.gguf_tokenizer import Vocabulary, describe_tokenizer
from unlearnkit.models.rounding import rounded_in_range

FAMILIES = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
"""The architecture in GGUF files, by the model type in transformers."""

EXPORTED = {"float16": torch.float16, "bfloat16": torch.bfloat16}
"""Data types in which matrices can be written. Vectors, i.e. norms and biases, are always float32."""

BY_CONVERTER = "install llama.cpp, and pass the path of its convert_hf_to_gguf.py with --converter"
_ROPE = {"default", "llama3", "linear", "yarn"}


@dataclass(frozen=True)
class GGUFModel:
    """A model that can be written as a GGUF file."""

    config: PreTrainedConfig
    tokenizer: PreTrainedTokenizerBase
    vocabulary: Vocabulary
    notes: tuple[str, ...]
    """Sentences on what llama.cpp does in another way than transformers."""

    @classmethod
    def of(cls, config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase, where: str) -> GGUFModel:
        """Check that a model can be written, without its weights.

        Args:
            config: configuration of the model.
            tokenizer: tokenizer of the model.
            where: the model's folder, for messages.

        Raises:
            InputError: the family, a setting or the tokenizer cannot be written.
            MissingDependency: the package `gguf` is not installed.
        """
        try:
            import gguf  # noqa: F401
        except ImportError as error:
            what = "the package that writes GGUF files is not installed"
            raise MissingDependency(what, fix="pip install 'unlearnkit[gguf]'") from error
        _refuse_family(config, where)
        vocabulary = describe_tokenizer(tokenizer, int(config.get_text_config().vocab_size), where)
        window = getattr(config, "sliding_window", None)
        notes = []
        if window is not None and window < config.get_text_config().max_position_embeddings:
            notes.append(
                f"llama.cpp has no sliding window for this family, so the context of the file ends at {window} tokens"
            )
        return cls(config, tokenizer, vocabulary, tuple(notes))


def write_gguf(
    model: PreTrainedModel,
    described: GGUFModel,
    file: Path,
    *,
    dtype: str,
    name: str,
    on_tensor: Callable[[], None] = lambda: None,
) -> None:
    """Write a model as a GGUF file.

    The weights are rounded to the nearest value of `dtype`, one tensor after the other.

    Args:
        model: the model, without an adapter.
        described: the result of `GGUFModel.of` for this model.
        file: the new file.
        dtype: a key of `EXPORTED`.
        name: name of the model in the file.
        on_tensor: called after each tensor.

    Raises:
        InputError: a weight has no name in llama.cpp, or is too large for `dtype`.
    """
    from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType

    matrix = {"float16": GGMLQuantizationType.F16, "bfloat16": GGMLQuantizationType.BF16}[dtype]
    tensors = list(_tensors(model, described.config))
    with closing(GGUFWriter(file, FAMILIES[described.config.model_type])) as writer:
        writer.add_type("model")
        writer.add_name(name)
        writer.add_file_type(LlamaFileType.MOSTLY_F16 if dtype == "float16" else LlamaFileType.MOSTLY_BF16)
        _add_shape(writer, described.config)
        _add_rope(writer, described.config)
        _add_tokenizer(writer, described)
        for title, values in tensors:
            kind = matrix if values.ndim > 1 else GGMLQuantizationType.F32
            size = prod(values.shape) * (4 if kind is GGMLQuantizationType.F32 else 2)
            writer.add_tensor_info(title, tuple(values.shape), np.dtype(np.float32), size, raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for title, values in tensors:
            writer.write_tensor_data(_stored(title, values, dtype))
            on_tensor()


def _refuse_family(config: PreTrainedConfig, where: str) -> None:
    kind = config.model_type
    if kind not in FAMILIES:
        raise InputError(
            "models of this family are not written as GGUF files by this package",
            where=f"{where}, model_type",
            value=kind,
            allowed=", ".join(FAMILIES),
            fix=BY_CONVERTER,
        )
    rope = dict(getattr(config, "rope_parameters", None) or {})
    layers = set(getattr(config, "layer_types", None) or ["full_attention"])
    biased, partial = getattr(config, "attention_bias", False), rope.get("partial_rotary_factor", 1.0)
    settings: dict[str, tuple[Any, bool]] = {
        "hidden_act": (config.hidden_act, config.hidden_act == "silu"),
        "layer_types": (sorted(layers), layers == {"full_attention"} or kind == "mistral"),
        "rope_parameters": (rope, _can_write(rope)),
        "partial_rotary_factor": (partial, partial == 1.0),
        "attention_bias": (biased, not biased or kind != "qwen3"),
    }
    for field, (value, usual) in settings.items():
        if not usual:
            raise InputError(
                f"a {kind} model with this setting is not written as a GGUF file by this package",
                where=f"{where}, {field}",
                value=value,
                fix=BY_CONVERTER,
            )


def _can_write(rope: dict[str, Any]) -> bool:
    kind = rope.get("rope_type", "default")
    if kind == "llama3":
        return all(rope.get(name) == value for name, value in LLAMA3_ROPE.items())
    # llama.cpp chooses YaRN's other settings by itself, as transformers does if they are not given.
    plain = {"rope_type", "rope_theta", "factor", "original_max_position_embeddings", "partial_rotary_factor"}
    return kind in _ROPE and set(rope) <= plain


def _tensors(model: PreTrainedModel, config: PreTrainedConfig) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a model, with their names in llama.cpp."""
    from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

    architecture = FAMILIES[config.model_type]
    (kind,) = (kind for kind, name in MODEL_ARCH_NAMES.items() if name == architecture)
    names = get_tensor_name_map(kind, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    rope = dict(config.rope_parameters or {})
    if rope.get("rope_type") == "llama3":
        yield ROPE_FACTORS, torch.from_numpy(llama3_factors(rope, float(rope["rope_theta"]), _head(config)))
    for name, weight in model.named_parameters():
        title = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if title is None:
            raise InputError("llama.cpp has no place for this weight of the model", where=name, fix=BY_CONVERTER)
        layer = name.split(".")[-2]
        values = weight.detach()
        yield title, _interleaved(values, heads[layer]) if architecture == "llama" and layer in heads else values


def _interleaved(values: Tensor, heads: int) -> Tensor:
    """Reorder the outputs of a query or key projection.

    transformers rotates the first half of a head with the second half; in Llama models, llama.cpp rotates neighbors.
    """
    halves = values.reshape(heads, 2, -1, *values.shape[1:])
    return halves.transpose(1, 2).reshape(values.shape)


def _stored(title: str, values: Tensor, dtype: str) -> NDArray[Any]:
    """Return a tensor as it is stored in the file."""
    wide = values.float().cpu()
    if wide.ndim < 2:
        return wide.numpy()
    narrow = rounded_in_range(wide, EXPORTED[dtype], name=title, fix="use --dtype bfloat16")
    return narrow.view(torch.int16).numpy()


def _head(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _add_shape(writer: Any, config: Any) -> None:
    head, window = _head(config), getattr(config, "sliding_window", None)
    writer.add_context_length(min(config.max_position_embeddings, window or config.max_position_embeddings))
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)


def _add_rope(writer: Any, config: Any) -> None:
    from gguf import RopeScalingType

    rope = dict(config.rope_parameters or {})
    writer.add_rope_dimension_count(_head(config))
    writer.add_rope_freq_base(float(rope.get("rope_theta", 10000.0)))
    kinds = {"linear": RopeScalingType.LINEAR, "yarn": RopeScalingType.YARN}
    if (kind := kinds.get(rope.get("rope_type", "default"))) is not None:
        writer.add_rope_scaling_type(kind)
        writer.add_rope_scaling_factor(float(rope["factor"]))
        if length := rope.get("original_max_position_embeddings"):
            writer.add_rope_scaling_orig_ctx_len(int(length))


def _add_tokenizer(writer: Any, described: GGUFModel) -> None:
    tokenizer, vocabulary = described.tokenizer, described.vocabulary
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(vocabulary.merges)
    writer.add_add_bos_token(vocabulary.starts)
    writer.add_add_eos_token(vocabulary.ends)
    writer.add_add_space_prefix(False)
    ids = {
        writer.add_bos_token_id: tokenizer.bos_token_id,
        writer.add_eos_token_id: tokenizer.eos_token_id,
        writer.add_unk_token_id: tokenizer.unk_token_id,
        writer.add_pad_token_id: tokenizer.pad_token_id,
    }
    template = chat_template(tokenizer)
    if template is not None and template.end_token != tokenizer.eos_token_id:
        ids[writer.add_eot_token_id] = template.end_token
    for add, at in ids.items():
        if at is not None:
            add(at)
    if vocabulary.chat_template:
        writer.add_chat_template(vocabulary.chat_template)
