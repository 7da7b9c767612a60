"""Compute next-token logits in the fastest right way.

Most decoders accept rows of different lengths, padded on the left, and a cache. Other decoders, such as state-space
models, carry padding into their state, so their rows must have equal lengths. Some have no cache that can be used.
Which way is right is not read from a list of names. A short text is decoded in each way and compared with the logits
that the model computes without cache and padding.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, Protocol

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import LinearAttentionCacheLayerMixin

from unlearnkit.models.kv_cache import preallocated_kv_cache
from unlearnkit.models.row_lengths import LengthClass, length_class

CACHES = ("past_key_values", "cache_params", "state")
"""Names under which models take and return their cache."""
TEXT = 11
"""Number of tokens of the texts with which the ways of decoding are compared."""


class NextTokens(Protocol):
    """Protocol of objects that compute next-token logits for a batch.

    The object caches the tokens of earlier calls, so each call passes only new tokens.
    """

    def __call__(self, ids: Tensor, mask: Tensor | None, positions: Tensor) -> Tensor:
        """Process the new tokens of each row, and return next-token logits.

        Args:
            ids: (rows, tokens) int64, the new tokens.
            mask: (rows, all tokens so far) int64, 0 at padding; None if there is no padding.
            positions: (rows, tokens) int64, counted from the first token that is not padding.

        Returns:
            (rows, vocabulary) logits of the token after the last new token.
        """

    def keep(self, rows: Tensor) -> None:
        """Keep only the rows of the batch that have the given indices."""


Decoding = Literal["padded", "aligned", "whole"]
"""How a model is decoded. `padded`: rows of different lengths share a batch, padded on the left, with a key-value
cache. `aligned`: the rows of a batch have equal lengths, with the model's own kind of cache. `whole`: the rows of a
batch have equal lengths, and the model reads the whole text for every token, without a cache."""


class CachedModel:
    """Computes next-token logits with a model and a key-value cache.

    The class implements `NextTokens`.

    Args:
        model: causal language model, in eval mode.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model, self._cache = model, preallocated_kv_cache(model.config)

    def __call__(self, ids: Tensor, mask: Tensor | None, positions: Tensor) -> Tensor:
        """Run the model on the new tokens; see `NextTokens`."""
        out = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: Tensor = out.logits[:, -1]
        return logits

    def keep(self, rows: Tensor) -> None:
        """Keep only the rows of the cache that have the given indices."""
        self._cache.batch_select_indices(rows)


class AlignedModel:
    """Computes next-token logits of rows of equal length, with a cache.

    The cache is of the kind that the model uses in transformers.

    Rows cannot be removed from every such cache. So the model continues to process rows that have left the batch, with
    their last token; the other rows do not depend on them. The class implements `NextTokens`.

    Args:
        model: causal language model, in eval mode.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        accepted = inspect.signature(_causal(model).forward).parameters
        self._model: Any = model
        self._name = next(name for name in CACHES if name in accepted)
        self._numbers_positions = "position_ids" in accepted
        # A model that takes its cache under another name creates the cache itself.
        self._cache: Any = DynamicCache(config=model.config) if self._name == CACHES[0] else None
        self._kept = self._last = torch.empty(0, dtype=torch.int64)

    def __call__(self, ids: Tensor, mask: Tensor | None, positions: Tensor) -> Tensor:
        """Run the model on the new tokens; see `NextTokens`."""
        del mask  # without padding, there is nothing to mask
        if not self._last.numel():
            self._kept = torch.arange(len(ids), device=ids.device)
            self._last = ids[:, -1:]
        else:
            self._last = self._last.index_copy(0, self._kept, ids)
            ids = self._last
        options = {"position_ids": positions[:1].expand_as(ids)} if self._numbers_positions else {}
        out = self._model(input_ids=ids, use_cache=True, **{self._name: self._cache}, **options)
        self._cache = out.get(self._name, self._cache)
        logits: Tensor = out.logits[self._kept, -1]
        return logits

    def keep(self, rows: Tensor) -> None:
        """Return the logits only of the rows that have the given indices."""
        self._kept = self._kept[rows]


class Rereader:
    """Reads the whole text again when its length enters another class.

    Within a class of lengths, only the new tokens are read. The class implements `NextTokens`.

    Args:
        start: creates an object that reads a text from its beginning.
        lengths: the classes of lengths.
    """

    def __init__(self, start: Callable[[], NextTokens], lengths: LengthClass) -> None:
        self._start, self._lengths = start, lengths
        self._reader: NextTokens | None = None
        self._class: object = None
        self._ids = self._positions = torch.empty(0)

    def __call__(self, ids: Tensor, mask: Tensor | None, positions: Tensor) -> Tensor:
        """Run the model on new or all tokens; see `NextTokens`."""
        first = self._reader is None
        self._ids = ids if first else torch.cat([self._ids, ids], dim=1)
        self._positions = positions if first else torch.cat([self._positions, positions], dim=1)
        now = self._lengths(int(positions.max()) + 1)
        if self._reader is None or now != self._class:
            self._reader, self._class = self._start(), now
            ids, positions = self._ids, self._positions
        return self._reader(ids, mask, positions)

    def keep(self, rows: Tensor) -> None:
        """Keep only the rows that have the given indices."""
        self._ids, self._positions = self._ids[rows], self._positions[rows]
        if self._reader is not None:
            self._reader.keep(rows)


class WholeText:
    """Computes next-token logits from a whole text, without a cache.

    The class implements `NextTokens`.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model: Any = model

    def __call__(self, ids: Tensor, mask: Tensor | None, positions: Tensor) -> Tensor:
        """Run the model on all tokens; see `NextTokens`."""
        del mask, positions  # without padding, the model numbers the positions itself
        logits: Tensor = self._model(input_ids=ids, use_cache=False).logits[:, -1]
        return logits

    def keep(self, rows: Tensor) -> None:
        """Do nothing, because nothing is stored."""


READERS: dict[Decoding, Callable[[PreTrainedModel], NextTokens]] = {
    "padded": CachedModel,
    "aligned": AlignedModel,
    "whole": WholeText,
}
_KNOWN: dict[tuple[type, str], Decoding] = {}


def next_tokens_of(model: PreTrainedModel) -> NextTokens:
    """Return an object that computes the model's next-token logits."""
    start = READERS[decoding_of(model)]
    lengths = int if start is WholeText else length_class(model)
    return start(model) if lengths is None else Rereader(partial(start, model), lengths)


def may_pad(model: PreTrainedModel, shortest: int, longest: int) -> bool:
    """Return whether texts from `shortest` to `longest` tokens can share a batch.

    Args:
        model: causal language model, in eval mode.
        shortest: number of tokens of the shortest prompt.
        longest: number of tokens of the longest prompt with its output.
    """
    lengths = length_class(model)
    same = lengths is None or lengths(shortest) == lengths(longest)
    return same and decoding_of(model) == "padded"


@torch.no_grad()
def decoding_of(model: PreTrainedModel) -> Decoding:
    """Return the fastest way of decoding that is right for a model.

    A way is right if its logits agree with those of whole texts, which are read without a cache and without padding.

    The result is remembered for all models of the same class and configuration.
    """
    causal = _causal(model)
    key = type(causal), str(causal.config.to_json_string())
    if key in _KNOWN:
        return _KNOWN[key]
    first, vocabulary = next(causal.parameters()), int(causal.config.get_text_config().vocab_size)
    texts = (torch.arange(3, 3 + 3 * TEXT, device=first.device) % vocabulary).view(3, TEXT)
    plain = torch.cat([model(input_ids=text[None], use_cache=False).logits for text in texts])
    # In bfloat16, the effect of padding on a recurrent state could be lost among rounding errors.
    ways: tuple[Decoding, ...] = ("aligned",) if _recurrent(causal) else ("padded", "aligned")
    if plain.isnan().any():
        return ways[0]  # the weights diverged: nothing can be compared
    found: Decoding = next((way for way in ways if _agrees(model, way, texts, plain)), "whole")
    if found == "whole":
        warnings.warn(
            f"{type(causal).__name__}: the model's cache gives other results, so the model reads the whole text for "
            "every token that it generates, which takes more time",
            stacklevel=2,
        )
    _KNOWN[key] = found
    return found


def _causal(model: Any) -> Any:
    """Return the model without the adapter's wrapper."""
    unwrap = getattr(model, "get_base_model", None)
    return unwrap() if callable(unwrap) else model


def _recurrent(causal: Any) -> bool:
    """Return whether layers carry a state from token to token."""
    layers = preallocated_kv_cache(causal.config).layers
    return causal._is_stateful or any(isinstance(layer, LinearAttentionCacheLayerMixin) for layer in layers)


def _agrees(model: PreTrainedModel, way: Decoding, texts: Tensor, plain: Tensor) -> bool:
    """Return whether decoding gives the logits of whole texts.

    The last tokens of each text are read one by one. The second text leaves the batch after the first of them.

    Args:
        model: causal language model, in eval mode.
        way: how the texts are decoded.
        texts: (3, tokens) int64.
        plain: (3, tokens, vocabulary), the logits of the whole texts.
    """
    padded = way == "padded"
    starts = torch.tensor([3, 6, 8] if padded else [6, 6, 6], device=texts.device)
    width = int(starts.max())
    mask = (torch.arange(width, device=texts.device) >= width - starts[:, None]).long()
    positions = (mask.cumsum(1) - 1).clamp_min(0)
    ids, rows = texts.gather(1, positions) * mask, torch.arange(3, device=texts.device)
    bound = (1e-3 if plain.dtype in (torch.float32, torch.float64) else 0.2) * float(plain.abs().max())
    try:
        reader = READERS[way](model)
        for _ in range(3):
            logits = reader(ids, mask if padded else None, positions)
            if not bool((logits - plain[rows, starts[rows] - 1]).abs().max() <= bound):
                return False
            if len(rows) == 3:
                rows = rows[[0, 2]]
                mask, positions = mask[rows], positions[rows]
                reader.keep(rows)
            ids, positions = texts[rows, starts[rows], None], positions[:, -1:] + 1
            mask, starts = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1), starts + 1
    except torch.OutOfMemoryError:
        raise
    except Exception:  # noqa: BLE001  # a model that cannot be decoded in this way may raise anything
        return False
    return True
