"""Tokenizers, models and GGUF files of a few kilobytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import transformers
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

from unlearnkit.models.gguf_export import GGUFModel, write_gguf
from unlearnkit.testing.tiny import tiny_model

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXTS = [
    "Hello, world! It's 1969, isn't it?  WE'LL see; they've 3.14 and 12345 things.",
    "Café déjà vu — naïve Ångström\r\n\r\n\tdef f(x):\n        return x**2  # комментарий",
    "日本語のテキスト 😀 mixedCase HTTPServer  \n\n  trailing   ",
    "In 1969,<|im_end|>\n<|im_start|>user\n hi <think>2 + 2</think>",
]
"""Texts with contractions, numbers, capitals, spaces, line breaks, other scripts and special tokens."""

SPLITS: dict[str, tuple[str | None, dict[str, Any]]] = {
    "gpt-2": (None, {}),
    "smollm": (None, {"digits": True}),
    "llama-bpe": (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+",
        {"whole": True},
    ),
    "smaug-bpe": (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+",
        {},
    ),
    "qwen2": (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+",
        {},
    ),
    "tekken": (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
        r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        {"whole": True},
    ),
    "gpt-4o": (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        {},
    ),
}
"""How the tokenizer.json of a family splits text, by llama.cpp's name."""


def byte_bpe(
    split: str = "gpt-2", *, bos: bool = False, template: Any = CHATML, eos: str = "<|im_end|>"
) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer with merges, trained on a few sentences."""
    regex, options = SPLITS[split]
    backend = Tokenizer(models.BPE(ignore_merges=bool(options.get("whole"))))
    words: Any = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex is None)
    steps = [pre_tokenizers.Split(Regex(regex), "isolated"), words] if regex is not None else [words]
    if options.get("digits"):
        steps = [pre_tokenizers.Digits(individual_digits=True), words]
    backend.pre_tokenizer = pre_tokenizers.Sequence(steps) if len(steps) > 1 else words
    backend.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator([text.replace("<|im_", "").replace("<think>", "") for text in TEXTS] * 3, trainer)
    backend.add_tokens([AddedToken("<think>", normalized=False), AddedToken("</think>", normalized=False)])
    if bos:
        backend.post_processor = processors.TemplateProcessing(
            single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)]
        )
    made: Any = PreTrainedTokenizerFast
    tokenizer: PreTrainedTokenizerFast = made(
        tokenizer_object=backend, bos_token="<|endoftext|>", eos_token=eos, pad_token="<|endoftext|>"
    )
    tokenizer.chat_template = template
    return tokenizer


def size(tokenizer: PreTrainedTokenizerFast, **changed: Any) -> dict[str, Any]:
    """Settings of a model, all of whose widths are multiples of 32, the block of the simple quantized types."""
    return {
        "vocab_size": len(tokenizer) + 5,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        **changed,
    }


LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 32.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama, tied": ("llama", {"tie_word_embeddings": True}),
    "llama, untied": ("llama", {"tie_word_embeddings": False}),
    "llama, wide heads": ("llama", {"head_dim": 32}),
    "llama, biases": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "llama 3.2": ("llama", {"tie_word_embeddings": True, "rope_parameters": LLAMA3}),
    "llama, linear": ("llama", {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0}}),
    "llama, yarn": (
        "llama",
        {
            "rope_parameters": {
                "rope_type": "yarn",
                "rope_theta": 1e4,
                "factor": 4.0,
                "original_max_position_embeddings": 64,
            }
        },
    ),
    "mistral": ("mistral", {"sliding_window": None}),
    "qwen2": ("qwen2", {"tie_word_embeddings": True}),
    "qwen3": ("qwen3", {"head_dim": 32}),
}
"""Family and settings of models that are written and read back."""


def small_model(name: str, tokenizer: PreTrainedTokenizerFast, *, seed: int = 0) -> Any:
    """A model of `MODELS` at random weights."""
    family, changed = MODELS[name]
    config = transformers.CONFIG_MAPPING[family](**size(tokenizer, **changed))
    return tiny_model(config, seed=seed)


def write(model: Any, tokenizer: PreTrainedTokenizerFast, file: Path, dtype: str = "float16") -> Path:
    """Write a model as a GGUF file."""
    write_gguf(model, GGUFModel.of(model.config, tokenizer, "here"), file, dtype=dtype, name="tiny")
    return file


def sentencepiece(prefix: bool = True) -> Tokenizer:
    """A tokenizer as Llama 2's: BPE on characters, spaces as a sign, bytes for unknown characters."""
    steps: list[Any] = [normalizers.Replace(" ", "\u2581")]
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    backend = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), *steps] if prefix else steps)
    trainer = trainers.BpeTrainer(vocab_size=560, special_tokens=special, show_progress=False)
    backend.train_from_iterator(TEXTS[:2] * 3, trainer)
    trained = json.loads(backend.to_str())["model"]
    merges = [tuple(merge) for merge in trained["merges"]]
    made = Tokenizer(models.BPE(trained["vocab"], merges, byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    made.normalizer = backend.normalizer
    made.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
        + ([decoders.Strip(" ", 1, 0)] if prefix else [])
    )
    made.add_special_tokens(["<unk>", "<s>", "</s>"])
    return made


def with_sentencepiece(file: Path, to: Path, backend: Tokenizer, prefix: bool = True) -> Path:
    """Copy a GGUF file, with a tokenizer as files of Llama 2 have it."""
    from gguf import GGUFReader, GGUFWriter, quants

    stored = json.loads(backend.to_str())["model"]
    tokens = sorted(stored["vocab"], key=stored["vocab"].get)
    # A token that an early merge gives has a high score. Control tokens have the type 3, unknown 2, bytes 6.
    ranks: dict[str, int] = {}
    for rank, merge in enumerate(stored["merges"]):
        ranks.setdefault("".join(merge), rank)
    reader, writer = GGUFReader(file), GGUFWriter(to, "llama")
    for name, field in reader.fields.items():
        if not name.startswith(("GGUF.", "tokenizer.")) and name != "general.architecture":
            writer.add_key_value(name, field.contents(), field.types[0])
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(ranks.get(token, 10_000)) for token in tokens])
    kinds = {"<unk>": 2, "<s>": 3, "</s>": 3}
    writer.add_token_types([kinds.get(token, 6 if token.startswith("<0x") else 1) for token in tokens])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_space_prefix(prefix)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, quants.dequantize(tensor.data, tensor.tensor_type))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return to


def rewrite(file: Path, to: Path, *, quantize: str | None = None, without: Sequence[str] = (), **fields: Any) -> Path:
    """Copy a GGUF file with the reader and the writer of the package `gguf`, and change it.

    `without`: fields and tensors that are left out; `quantize`: type of the matrices; `fields`: changed fields, with
    `__` for a dot.
    """
    from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, quants

    reader, changed = GGUFReader(file), {name.replace("__", "."): value for name, value in fields.items()}
    architecture = changed.pop("general.architecture", reader.fields["general.architecture"].contents())
    writer = GGUFWriter(to, architecture)
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture" or name in without:
            continue
        kind, value = field.types[0], changed.pop(name, field.contents())
        writer.add_key_value(name, value, kind, field.types[-1] if kind is GGUFValueType.ARRAY else None)
    for name, value in changed.items():
        add = {str: writer.add_string, float: writer.add_float32, int: writer.add_uint32}[type(value)]
        add(name, value)
    for tensor in reader.tensors:
        if tensor.name in without:
            continue
        kind = tensor.tensor_type
        values = quants.dequantize(tensor.data, kind)
        if quantize is not None and values.ndim > 1:
            kind = GGMLQuantizationType[quantize]
        data = values if kind is GGMLQuantizationType.F32 else quants.quantize(values, kind)
        writer.add_tensor(tensor.name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return to
