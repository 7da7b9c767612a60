"""The cache with room holds what transformers' own holds, token by token, as rows come and go."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import DynamicCache, LlamaConfig, Qwen2Config

from unlearnkit.models import kv_cache
from unlearnkit.models.kv_cache import RoomyLayer, preallocated_kv_cache

CONFIG = LlamaConfig(hidden_size=8, num_attention_heads=2, num_key_value_heads=2, num_hidden_layers=2)


@given(
    tokens=st.lists(st.integers(1, 5), min_size=1, max_size=8),
    left=st.lists(st.integers(0, 3), max_size=8),
    room=st.integers(0, 4),
)
def test_it_holds_what_transformers_own_holds(tokens: list[int], left: list[int], room: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kv_cache, "ROOM", room)
        ours, theirs, rows = preallocated_kv_cache(CONFIG), DynamicCache(config=CONFIG), 4
        for at, more in enumerate(tokens):
            for layer in range(2):
                keys, values = torch.randn(2, rows, 2, more, 4)
                for one, other in zip(
                    ours.update(keys, values, layer), theirs.update(keys, values, layer), strict=True
                ):
                    assert torch.equal(one, other)
            assert ours.get_seq_length() == theirs.get_seq_length()
            if at < len(left) and rows > 1:
                kept = torch.tensor([row for row in range(rows) if row != left[at] % rows])
                ours.batch_select_indices(kept)
                theirs.batch_select_indices(kept)
                rows -= 1


def test_layers_of_another_kind_stay_transformers_own() -> None:
    config = Qwen2Config(
        num_hidden_layers=2,
        use_sliding_window=True,
        sliding_window=4,
        layer_types=["full_attention", "sliding_attention"],
    )
    kinds = [type(layer) for layer in preallocated_kv_cache(config).layers]
    assert kinds == [RoomyLayer, type(DynamicCache(config=config).layers[1])]
    assert kinds[1] is not RoomyLayer
