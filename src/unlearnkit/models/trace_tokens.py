"""Add trace tokens to a tokenizer and their embeddings to a model."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.data.trace_format import STYLES, Style
from unlearnkit.models.adapter import silence


def add_trace_tokens(tokenizer: PreTrainedTokenizerBase, style: Style | None) -> PreTrainedTokenizerBase:
    """Add trace tokens to the tokenizer in place, if needed.

    Only the style `added` requires new tokens. For any other style, the tokenizer is not changed.
    """
    if style == "added":
        known = tokenizer.get_vocab()
        new = [token for token in STYLES[style].tokens if token not in known]
        tokenizer.add_tokens(new, special_tokens=True)
    return tokenizer


def embed_all(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """Give the model an embedding for every token of the tokenizer.

    New embeddings are sampled around the mean of the existing embeddings, as in transformers. Many models have unused
    embeddings. A model with enough unused embeddings is not changed.
    """
    wanted = max(tokenizer.get_vocab().values()) + 1
    embeddings: Any = model.get_input_embeddings()
    if wanted > embeddings.num_embeddings:
        with silence():
            model.resize_token_embeddings(wanted)
    return model
