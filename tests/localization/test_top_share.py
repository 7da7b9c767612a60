"""The choice of the largest elements against a plain sort."""

from __future__ import annotations

from unittest import mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from unlearnkit.localization import top_share
from unlearnkit.localization.top_share import largest


def by_sorting(values: dict[str, Tensor], count: int) -> list[bool]:
    """Absolute values in float32, the largest first, of equal ones the first: a stable sort keeps their order."""
    sizes = [abs(float(v)) for tensor in values.values() for v in tensor.flatten().float()]
    chosen = set(sorted(range(len(sizes)), key=lambda i: -sizes[i])[:count])
    return [i in chosen for i in range(len(sizes))]


def flat(chosen: dict[str, Tensor]) -> list[bool]:
    return [bool(v) for mask in chosen.values() for v in mask.flatten()]


def test_worked_numbers() -> None:
    values = {"a": torch.tensor([[0.5, -3.0], [2.0, -2.0]]), "b": torch.tensor([2.0, -0.0, 7.0])}
    chosen = largest(values, 4)  # 7, 3, and the first two of the three twos
    assert chosen["a"].tolist() == [[False, True], [True, True]]
    assert chosen["b"].tolist() == [False, False, True]
    assert flat(largest(values, 0)) == [False] * 7 and flat(largest(values, 7)) == [True] * 7
    assert flat(largest(values, 6)) == [True] * 5 + [False, True]


NUMBERS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 1e-45, -1e-45, 1e-38, 3e38, float("inf")]),
    st.floats(width=32, allow_nan=False),
)


@given(parts=st.lists(st.lists(NUMBERS, max_size=6), min_size=1, max_size=4), data=st.data())
@pytest.mark.parametrize("chunk", [2, 2**22])
def test_the_choice_is_that_of_a_stable_sort(chunk: int, parts: list[list[float]], data: st.DataObject) -> None:
    values = {str(number): torch.tensor(part) for number, part in enumerate(parts)}
    count = data.draw(st.integers(0, sum(map(len, parts))))
    with mock.patch.object(top_share, "CHUNK_ELEMENTS", chunk):
        chosen = largest(values, count)
    assert flat(chosen) == by_sorting(values, count)
    assert sum(flat(chosen)) == count and {name: t.shape for name, t in chosen.items()} == {
        name: t.shape for name, t in values.items()
    }


def test_of_many_numbers_in_bfloat16() -> None:
    torch.manual_seed(0)
    values = {name: torch.randn(71, 53).to(torch.bfloat16) for name in "ab"}  # full of ties
    assert flat(largest(values, 2000)) == by_sorting(values, 2000)
