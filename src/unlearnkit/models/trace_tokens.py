"""Tokens for the marks of a reasoning trace, added to a tokenizer that lacks them, with embeddings for them."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.data.trace_format import STYLES, Style
from unlearnkit.models.load import silence


def add_trace_tokens(tokenizer: PreTrainedTokenizerBase, style: Style | None) -> PreTrainedTokenizerBase:
    """The tokenizer, which now knows the tokens of the style `added`, where that is the style; else as it was."""
    if style == "added":
        known = tokenizer.get_vocab()
        new = [token for token in STYLES[style].tokens if token not in known]
        tokenizer.add_tokens(new, special_tokens=True)
    return tokenizer


def embed_all(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """The model, with an embedding for every token of the tokenizer.

    A new one is drawn around the mean of the others, as transformers does it. Many models have room to spare, and stay
    as they are.
    """
    wanted = max(tokenizer.get_vocab().values()) + 1
    embeddings: Any = model.get_input_embeddings()
    if wanted > embeddings.num_embeddings:
        with silence():
            model.resize_token_embeddings(wanted)
    return model
