"""A key-value cache with spare room.

The cache class of the `transformers` library copies all cached keys and values for every generated token. For long
outputs on a CPU, copying takes longer than the model's own computation. The cache in this module allocates room for
future tokens in advance, and therefore copies less often.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import DynamicCache, PretrainedConfig
from transformers.cache_utils import DynamicLayer

ROOM = 64
"""Number of future tokens for which a layer allocates room when its cache grows."""


def preallocated_kv_cache(config: PretrainedConfig) -> DynamicCache:
    """Return an empty cache for decoding without gradients.

    Full-attention layers use `RoomyLayer`. Layers of any other kind (such as sliding-window attention) use the class
    from transformers.
    """
    cache = DynamicCache(config=config)
    cache.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """One layer's keys and values, with spare room.

    `keys` and `values` are views of larger tensors, which have room for further tokens. Each view has the shape (rows,
    heads, tokens, width).
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._rooms: tuple[Tensor, ...] = ()

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Append new tokens' keys and values; return all keys and values."""
        del args, kwargs
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        added = (key_states, value_states)
        before = self.get_seq_length()
        after = before + key_states.shape[-2]
        if not self._rooms or self._rooms[0].shape[-2] < after:
            grown = tuple(new.new_empty((*new.shape[:-2], after + ROOM, new.shape[-1])) for new in added)
            for room, old in zip(grown, self._rooms, strict=False):  # at first, `_rooms` is empty
                room[..., :before, :] = old[..., :before, :]
            self._rooms = grown
        for room, new in zip(self._rooms, added, strict=True):
            room[..., before:after, :] = new
        return self._seen(after)

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep only the rows that have the given indices."""
        if length := self.get_seq_length():
            self._rooms = tuple(room[indices] for room in self._rooms)
            self._seen(length)

    def _seen(self, length: int) -> tuple[Tensor, Tensor]:
        keys, values = (room[..., :length, :] for room in self._rooms)
        self.keys, self.values = keys, values
        return keys, values
