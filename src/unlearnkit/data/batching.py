"""Batch rows of several views into backbone calls with little padding.

Rows are padded on the right without an attention mask: in a causal model a position does not see what follows it, so
padding changes nothing. Rows share a call by length alone, whatever view they belong to: forget, retain and target rows
run through the model together where that is cheaper.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from unlearnkit.data.encoding import Encoded

CALL_OVERHEAD = 256
"""Cost of one more backbone call, in tokens. It affects only the speed."""


@dataclass(frozen=True)
class Labels:
    """The labeled tokens of one view's rows, concatenated."""

    position: Tensor
    """(tokens,) int64: index, in the concatenated hidden states of all calls, of the state that predicts the token."""
    token: Tensor
    """(tokens,) int64: the token's id."""
    row: Tensor
    """(tokens,) int64: row of the view, from 0."""
    in_trace: Tensor
    """(tokens,) bool: whether the token belongs to the reasoning trace."""
    rows: int


@dataclass(frozen=True)
class Pack:
    """One micro-batch."""

    calls: list[Tensor]
    """Token ids of each backbone call, (rows of the call, longest of them), int64."""
    labels: dict[str, Labels]
    """By view."""

    def to(self, device: torch.device) -> Pack:
        """Move the batch to a device."""
        moved = {
            view: Labels(x.position.to(device), x.token.to(device), x.row.to(device), x.in_trace.to(device), x.rows)
            for view, x in self.labels.items()
        }
        return Pack([ids.to(device) for ids in self.calls], moved)


def cut_by_length(lengths: Sequence[int], overhead: int = CALL_OVERHEAD) -> list[list[int]]:
    """Split rows into groups that minimize sum(rows * longest + overhead).

    Exact, by dynamic programming. Returns the groups as lists of indices into `lengths`, shortest rows first.
    """
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    # The best cuts are where the length changes; `ends[k]` counts the rows no longer than the k-th length.
    ends = [i + 1 for i in range(len(order)) if i + 1 == len(order) or lengths[order[i + 1]] != lengths[order[i]]]
    best, last = [0], [0]
    for k, end in enumerate(ends):
        longest = lengths[order[end - 1]]
        starts = [0, *ends[:k]]
        costs = [best[j] + (end - start) * longest + overhead for j, start in enumerate(starts)]
        at = min(range(len(costs)), key=costs.__getitem__)
        best.append(costs[at])
        last.append(at)
    groups, k = [], len(ends)
    while k:
        j = last[k]
        groups.append(order[(ends[j - 1] if j else 0) : ends[k - 1]])
        k = j
    return groups[::-1]


def pack(views: Mapping[str, Sequence[Encoded]], pad_id: int, overhead: int = CALL_OVERHEAD) -> Pack:
    """Pack the rows of several views into one micro-batch."""
    rows = [row for encoded in views.values() for row in encoded]
    calls, starts, offset = [], [0] * len(rows), 0
    for group in cut_by_length([len(row.ids) for row in rows], overhead):
        longest = max(len(rows[i].ids) for i in group)
        ids = torch.full((len(group), longest), pad_id)
        for line, i in enumerate(group):
            ids[line, : len(rows[i].ids)] = torch.tensor(rows[i].ids)
            starts[i] = offset + line * longest
        calls.append(ids)
        offset += ids.numel()
    remaining = iter(starts)
    return Pack(calls, {view: _labels(encoded, islice(remaining, len(encoded))) for view, encoded in views.items()})


def _labels(rows: Sequence[Encoded], starts: Iterable[int]) -> Labels:
    """Return the labels of a view's rows.

    `starts` has the index of each row's first hidden state.
    """
    position, token, owner, in_trace = list[int](), list[int](), list[int](), list[bool]()
    for number, (row, start) in enumerate(zip(rows, starts, strict=True)):
        # The state at position t predicts the token at t + 1.
        position += range(start + row.prompt - 1, start + len(row.ids) - 1)
        token += row.ids[row.prompt :]
        owner += [number] * row.labels
        in_trace += [True] * row.trace + [False] * (row.labels - row.trace)
    positions, tokens, owners = (torch.tensor(values, dtype=torch.int64) for values in (position, token, owner))
    return Labels(positions, tokens, owners, torch.tensor(in_trace, dtype=torch.bool), len(rows))
