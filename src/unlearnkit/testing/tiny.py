"""Tiny models, tokenizers and rows, which every check can build quickly."""

from __future__ import annotations

import random
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

from unlearnkit.data.encoding import Encoded

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
"""Configuration of a tiny Llama. Similar model families accept the same settings."""


def tiny_model(
    config: PretrainedConfig | None = None, *, seed: int = 0, dtype: torch.dtype = torch.float32
) -> PreTrainedModel:
    """Create a randomly initialized model with clearly non-uniform token distributions.

    `config` is the model's configuration. If `config` is None, the model is a Llama with tied input and output
    embeddings.
    """
    config = config or transformers.LlamaConfig(**SIZE, tie_word_embeddings=True)
    torch.manual_seed(seed)
    untyped: Any = transformers.AutoModelForCausalLM
    model: Any = untyped.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            # The default initial weights have a standard deviation of 0.02. With such small weights, every next-token
            # distribution would be nearly uniform.
            parameter.copy_(torch.randn_like(parameter) * 0.4 if parameter.ndim > 1 else parameter + 0.1)
    made: PreTrainedModel = model.to(dtype).eval()
    return made


def random_rows(
    number: int, *, seed: int = 0, prompt: tuple[int, int] = (2, 7), answer: tuple[int, int] = (1, 6), trace: int = 0
) -> list[Encoded]:
    """Create rows of random tokens.

    Args:
        number: number of rows.
        seed: seed of the tokens and lengths.
        prompt: minimum and maximum length of a prompt, in tokens.
        answer: minimum and maximum length of an answer, in tokens.
        trace: maximum length of a trace, in tokens; 0: no trace.
    """
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
    """Create a word-level tokenizer with a chat template.

    Args:
        pad: the padding token.
        bos_by_itself: whether the tokenizer prepends a BOS token to a text if `add_special_tokens` is True, as Llama's
            tokenizers do. The chat template contains a BOS token in any case.
        without: special token to leave out of the vocabulary; empty: no token is left out.
    """
    special = [token for token in SPECIAL if token != without]
    vocabulary = {token: i for i, token in enumerate((*special, *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if bos_by_itself:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])]
        )
    untyped: Any = PreTrainedTokenizerFast
    made: PreTrainedTokenizerFast = untyped(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="<end>",
        pad_token=pad,
        unk_token="<unk>",
        additional_special_tokens=[token for token in special if token not in ("<s>", "<end>", "<unk>", "<pad>")],
        chat_template=TEMPLATE,
    )
    return made
