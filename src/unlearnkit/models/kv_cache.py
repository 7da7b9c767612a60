"""Keys and values of what was read so far, kept with room for more.

transformers' own cache is copied whole for every token that is generated: on a CPU, and for long outputs, that takes
longer than the model does.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import DynamicCache, PretrainedConfig
from transformers.cache_utils import DynamicLayer

ROOM = 64
"""Tokens that there is room for before a layer is copied again."""


def preallocated_kv_cache(config: PretrainedConfig) -> DynamicCache:
    """An empty cache for a model of this configuration, for decoding without gradients.

    Layers that keep all that was read are `RoomyLayer`; any other kind (a sliding window) is transformers' own.
    """
    cache = DynamicCache(config=config)
    cache.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """One layer's keys and values, of shape (rows, heads, tokens, width): views of tensors with room for more."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._rooms: tuple[Tensor, ...] = ()

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Add keys and values of further tokens; gives those of all."""
        del args, kwargs
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        added = (key_states, value_states)
        before = self.get_seq_length()
        after = before + key_states.shape[-2]
        if not self._rooms or self._rooms[0].shape[-2] < after:
            grown = tuple(new.new_empty((*new.shape[:-2], after + ROOM, new.shape[-1])) for new in added)
            for room, old in zip(grown, self._rooms, strict=False):  # at first there are none
                room[..., :before, :] = old[..., :before, :]
            self._rooms = grown
        for room, new in zip(self._rooms, added, strict=True):
            room[..., before:after, :] = new
        return self._seen(after)

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep only these rows."""
        if length := self.get_seq_length():
            self._rooms = tuple(room[indices] for room in self._rooms)
            self._seen(length)

    def _seen(self, length: int) -> tuple[Tensor, Tensor]:
        keys, values = (room[..., :length, :] for room in self._rooms)
        self.keys, self.values = keys, values
        return keys, values
