"""Models, tokenizers and rows that are small enough to be made anew in every test."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from peft import AutoPeftModelForCausalLM
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from torch import Tensor, nn

from unlearnkit.models.adapter import add_lora
from unlearnkit.models.settings import LoraSettings
from unlearnkit.testing import tiny
from unlearnkit.testing.tiny import (
    BOS,
    EOS,
    PAD,
    SIZE,
    SPECIAL,
    TEMPLATE,
    VOCABULARY,
    WORDS,
    random_rows,
    tiny_tokenizer,
)

__all__ = [
    "BOS",
    "CONFIGS",
    "EOS",
    "PAD",
    "SIZE",
    "SPECIAL",
    "TEMPLATE",
    "VOCABULARY",
    "WORDS",
    "adapted",
    "bare_peft",
    "byte_tokenizer",
    "logits",
    "random_rows",
    "tiny_model",
    "tiny_tokenizer",
]

GPT2_SIZE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "n_embd": 16,
    "n_layer": 2,
    "n_head": 2,
    "n_positions": 64,
    "bos_token_id": BOS,
    "eos_token_id": EOS,
}
CONFIGS = {
    "llama": lambda: transformers.LlamaConfig(**SIZE),
    "llama_tied": lambda: transformers.LlamaConfig(**SIZE, tie_word_embeddings=True),
    "qwen2": lambda: transformers.Qwen2Config(**SIZE),
    "qwen3": lambda: transformers.Qwen3Config(**SIZE, head_dim=8),
    "qwen3_moe": lambda: transformers.Qwen3MoeConfig(
        **SIZE,
        head_dim=8,
        num_experts=4,
        num_experts_per_tok=2,
        moe_intermediate_size=8,
        experts_implementation="eager",
    ),
    "gemma2": lambda: transformers.Gemma2Config(**SIZE, head_dim=8, final_logit_softcapping=2.0, sliding_window=6),
    "gemma3": lambda: transformers.Gemma3TextConfig(**SIZE, head_dim=8, sliding_window=6),
    "gpt_neox": lambda: transformers.GPTNeoXConfig(**{k: v for k, v in SIZE.items() if k != "num_key_value_heads"}),
    "gpt2": lambda: transformers.GPT2Config(**GPT2_SIZE, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0),
    "mistral": lambda: transformers.MistralConfig(**SIZE, sliding_window=6),
    "phi3": lambda: transformers.Phi3Config(**SIZE),
    "cohere": lambda: transformers.CohereConfig(**SIZE, logit_scale=0.25),
    "granite": lambda: transformers.GraniteConfig(**SIZE, logits_scaling=4.0),
    "gptj": lambda: transformers.GPTJConfig(**GPT2_SIZE, rotary_dim=4),  # its head has a bias
}


def tiny_model(family: str = "llama", *, seed: int = 0, dtype: torch.dtype = torch.float32, **changed: Any) -> Any:
    """A randomly initialized model of a family; `changed` sets fields of its configuration."""
    config = CONFIGS[family]()
    for name, value in changed.items():
        setattr(config, name, value)
    return tiny.tiny_model(config, seed=seed, dtype=dtype)


def adapted(model: Any, *, seed: int = 0, **settings: Any) -> Any:
    """The model under an adapter of rank 2 that changes what it says: a new one changes nothing."""
    model = add_lora(model, LoraSettings(r=2, **settings), seed)
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.normal_(std=0.3)
    return model.eval()


def bare_peft(adapter: Path) -> Any:
    """A saved adapter on its base, as somebody without unlearnkit loads it; what peft says of itself is kept back."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return AutoPeftModelForCausalLM.from_pretrained(adapter).eval()


def logits(model: nn.Module) -> Tensor:
    """What a model makes of four tokens: (1, 4, vocabulary)."""
    with torch.no_grad():
        return model(input_ids=torch.tensor([[1, 5, 9, 12]])).logits  # type: ignore[no-any-return]


def byte_tokenizer(*, merges: Sequence[tuple[str, str]] = (), bos: bool = False) -> Tokenizer:
    """A byte-level tokenizer as GPT-2's: one token a byte but for the merges, so that a character may be several.

    `bos`: it puts a BOS token before a text.
    """
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(("<s>", "<end>", *letters, *(a + b for a, b in merges)))}
    tokenizer = Tokenizer(models.BPE(vocabulary, list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>", "<end>"])
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return tokenizer
