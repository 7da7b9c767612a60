"""Models, tokenizers and rows that are small enough to be made anew in every test."""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from peft import AutoPeftModelForCausalLM
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from unlearnkit.data.encoding import Encoded
from unlearnkit.models.adapter import add_lora
from unlearnkit.models.settings import LoraSettings

VOCABULARY = 61
PAD, BOS, EOS = 0, 1, 2

SIZE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 64,
    "pad_token_id": PAD,
    "bos_token_id": BOS,
    "eos_token_id": EOS,
}
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
    """A randomly initialized model whose distributions are far from flat."""
    torch.manual_seed(seed)
    config = CONFIGS[family]()
    for name, value in changed.items():
        setattr(config, name, value)
    model: PreTrainedModel = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            # Initial weights have deviation 0.02, which would make every distribution nearly uniform.
            parameter.copy_(torch.randn_like(parameter) * 0.4 if parameter.ndim > 1 else parameter + 0.1)
    return model.to(dtype).eval()


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


def random_rows(
    number: int, *, seed: int = 0, prompt: tuple[int, int] = (2, 7), answer: tuple[int, int] = (1, 6), trace: int = 0
) -> list[Encoded]:
    """Rows of random tokens; `prompt` and `answer` are the least and the greatest length, `trace` the greatest."""
    draw = random.Random(f"rows {seed}")

    def part(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw.randrange(3, VOCABULARY) for _ in range(draw.randint(least, most)))

    rows = []
    for _ in range(number):
        question, thought, rest = part(*prompt), part(min(trace, 2), trace), part(*answer)
        rows.append(Encoded((*question, *thought, *rest, EOS), len(question), len(thought)))
    return rows


WORDS = tuple(
    "It Who What Where wrote was born in the a an is book author Ada Bea Cyd Lisbon Oslo Kyiv poet The I you it of not"  # noqa: SIM905
    " cannot say because asked that name city ? . ,".split()
)
SPECIAL = ("<pad>", "<s>", "<end>", "<unk>", "<|user|>", "<|assistant|>", "<think>", "</think>")
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def tiny_tokenizer(*, pad: str = "<pad>", bos_by_itself: bool = False, without: str = "") -> PreTrainedTokenizerFast:
    """A tokenizer of whole words with a chat template.

    `bos_by_itself`: it also puts a BOS token before every text that is tokenized with special tokens, as Llama's do.
    `without`: a special token that it does not know.
    """
    special = [token for token in SPECIAL if token != without]
    vocabulary = {token: i for i, token in enumerate((*special, *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if bos_by_itself:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="<end>",
        pad_token=pad,
        unk_token="<unk>",
        additional_special_tokens=[token for token in special if token not in ("<s>", "<end>", "<unk>", "<pad>")],
        chat_template=TEMPLATE,
    )


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
