"""Add trace tokens to a tokenizer, and new embeddings to a model.

Trace tokens are special tokens that mark where the reasoning trace and the answer begin.
"""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.data.trace_format import STYLES, Style
from unlearnkit.models.adapter import silence


def add_trace_tokens(tokenizer: PreTrainedTokenizerBase, style: Style | None) -> PreTrainedTokenizerBase:
    """Add the trace tokens of a style to the tokenizer, in place.

    Only the style `added` requires new tokens. For any other style, the tokenizer is not changed.
    """
    if style == "added":
        known = tokenizer.get_vocab()
        new = [token for token in STYLES[style].tokens if token not in known]
        tokenizer.add_tokens(new, special_tokens=True)
    return tokenizer


def embed_all(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """Add embeddings until every token of the tokenizer has an embedding.

    transformers samples the new embeddings around the mean of the existing embeddings. Many models have more embeddings
    than tokens. A model that has enough embeddings is not changed.
    """
    wanted = max(tokenizer.get_vocab().values()) + 1
    embeddings: Any = model.get_input_embeddings()
    if wanted > embeddings.num_embeddings:
        with silence():
            model.resize_token_embeddings(wanted)
    return model
