"""Select the tensor elements with the largest absolute values, without sorting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

CHUNK_ELEMENTS = 2**22
"""Number of elements that are processed at a time. A larger number would need more memory and save no time."""

_LOW_BITS = 16


def largest(values: Mapping[str, Tensor], count: int) -> dict[str, Tensor]:
    """Choose the `count` elements with the largest absolute values across all tensors.

    Absolute values are compared in float32. Among equal values, elements of earlier tensors are chosen first; within a
    tensor, elements with a lower index are chosen first. The choice is therefore the same on every call.

    The `count`-th largest absolute value is found by counting bit patterns, without sorting. The bit patterns of
    nonnegative floating-point numbers, read as integers, have the same order as the numbers.

    Args:
        values: tensors by name; they must not contain NaN.
        count: number of elements to choose, between 0 and the total number of elements.

    Returns:
        One boolean mask per tensor, of the tensor's shape. Across all masks, exactly `count` elements are True.
    """
    if count == 0:
        return {name: torch.zeros_like(tensor, dtype=torch.bool) for name, tensor in values.items()}
    limit, left = _limit(values, count)
    chosen = {}
    for name, tensor in values.items():
        bits = _bits(tensor.flatten())
        mask = bits > limit
        if left:
            equal = (bits == limit).nonzero()[:left, 0]
            mask[equal] = True
            left -= len(equal)
        chosen[name] = mask.view(tensor.shape)
    return chosen


def _limit(values: Mapping[str, Tensor], count: int) -> tuple[int, int]:
    """Find the `count`-th largest absolute value, the threshold for choosing an element.

    Returns:
        The threshold as a bit pattern, and the number of elements to choose among those that equal the threshold. All
        elements above the threshold are chosen.
    """
    high, left = _bin(values, count, lambda bits: bits >> _LOW_BITS, 2 ** (31 - _LOW_BITS))
    low, left = _bin(
        values,
        left,
        lambda bits: bits[bits >> _LOW_BITS == high] & (2**_LOW_BITS - 1),
        2**_LOW_BITS,
    )
    return (high << _LOW_BITS) + low, left


def _bin(values: Mapping[str, Tensor], count: int, key: Callable[[Tensor], Tensor], bins: int) -> tuple[int, int]:
    """Find the histogram bin that contains the `count`-th largest key.

    The function `key` computes integer keys from the bit patterns of the absolute values. Each key is the index of its
    bin.

    Returns:
        The index of the bin, and how many keys in this bin are among the `count` largest keys.
    """
    totals = torch.zeros(bins, dtype=torch.int64)
    for part in _parts(values):
        totals += torch.bincount(key(part), minlength=bins).cpu()
    above = totals.flip(0).cumsum(0)
    place = int((above < count).sum())
    before = int(above[place - 1]) if place else 0
    return bins - 1 - place, count - before


def _parts(values: Mapping[str, Tensor]) -> Iterator[Tensor]:
    for tensor in values.values():
        for part in torch.split(tensor.flatten(), CHUNK_ELEMENTS):
            yield _bits(part)


def _bits(values: Tensor) -> Tensor:
    return values.abs().float().contiguous().view(torch.int32)
