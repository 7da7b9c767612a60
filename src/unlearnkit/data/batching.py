"""Batch rows of several views with little padding.

A view is a named sequence of encoded rows, such as the forget, retain or target rows. A backbone call is one forward
pass that computes the hidden states of some rows. Rows are padded on the right, without an attention mask: in a causal
model no position attends to later positions, so the padding changes no result. (If the length of a batch changes a
model's results, the engine divides the calls again, see `models/row_lengths.py`.) Rows are grouped into calls by length
alone, regardless of their view. One call may therefore contain forget, retain and target rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from unlearnkit.data.encoding import Encoded

CALL_OVERHEAD = 256
"""Assumed cost of an additional backbone call, as a number of tokens. The value affects only the speed."""


@dataclass(frozen=True)
class Labels:
    """The labeled tokens of one view's rows, concatenated."""

    position: Tensor
    """(tokens,) int64: for each labeled token, the index of the hidden state that predicts the token. The hidden
    states of all calls are concatenated and numbered from 0."""
    token: Tensor
    """(tokens,) int64: the id of each labeled token."""
    row: Tensor
    """(tokens,) int64: for each labeled token, the index of the token's row in the view, from 0."""
    in_trace: Tensor
    """(tokens,) bool: for each labeled token, whether the token belongs to the reasoning trace."""
    doubtful: Tensor
    """(tokens,) bool: for each labeled token, whether it may be wrong (see `Encoded.doubtful`)."""
    rows: int
    """Number of rows in the view."""

    def to(self, device: torch.device) -> Labels:
        """Return the labels with all tensors on the given device."""
        return Labels(
            self.position.to(device),
            self.token.to(device),
            self.row.to(device),
            self.in_trace.to(device),
            self.doubtful.to(device),
            self.rows,
        )


@dataclass(frozen=True)
class Pack:
    """A micro-batch: the token ids of all backbone calls, and the labels."""

    calls: list[Tensor]
    """Token ids: one int64 tensor per backbone call, of shape (rows in the call, length of the longest row)."""
    lengths: list[list[int]]
    """Number of tokens of each row without padding, for each backbone call."""
    labels: dict[str, Labels]
    """Labels of each view, by the name of the view."""

    def to(self, device: torch.device) -> Pack:
        """Return this micro-batch with all tensors on the given device."""
        moved = {view: labels.to(device) for view, labels in self.labels.items()}
        return Pack([ids.to(device) for ids in self.calls], self.lengths, moved)


def cut_by_length(lengths: Sequence[int], overhead: int = CALL_OVERHEAD) -> list[list[int]]:
    """Group rows by length so that the total cost is minimal.

    The cost of a group, in tokens, is (number of rows) * (length of the longest row) + `overhead`. Dynamic programming
    finds the exact minimum. Returns the groups as lists of indices into `lengths`, starting with the shortest rows.
    """
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    # Optimal groups end where the length changes. `ends[k]` is the number of rows up to the k-th distinct length.
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
    calls, lengths, starts, offset = [], [], [0] * len(rows), 0
    for group in cut_by_length([len(row.ids) for row in rows], overhead):
        longest = max(len(rows[i].ids) for i in group)
        ids = torch.full((len(group), longest), pad_id)
        for line, i in enumerate(group):
            ids[line, : len(rows[i].ids)] = torch.tensor(rows[i].ids)
            starts[i] = offset + line * longest
        calls.append(ids)
        lengths.append([len(rows[i].ids) for i in group])
        offset += ids.numel()
    remaining = iter(starts)
    labels = {view: _labels(encoded, islice(remaining, len(encoded))) for view, encoded in views.items()}
    return Pack(calls, lengths, labels)


def _labels(rows: Sequence[Encoded], starts: Iterable[int]) -> Labels:
    """Return the labels of a view's rows.

    `starts` contains, for each row, the index of the row's first hidden state among the concatenated hidden states of
    all calls.
    """
    position, token, owner = list[int](), list[int](), list[int]()
    in_trace, doubtful = list[bool](), list[bool]()
    for number, (row, start) in enumerate(zip(rows, starts, strict=True)):
        # The state at position t predicts the token at t + 1.
        position += range(start + row.prompt - 1, start + len(row.ids) - 1)
        token += row.ids[row.prompt :]
        owner += [number] * row.labels
        in_trace += [True] * row.trace + [False] * (row.labels - row.trace)
        doubtful += [False] * (row.labels - row.doubtful) + [True] * row.doubtful
    positions, tokens, owners = (torch.tensor(values, dtype=torch.int64) for values in (position, token, owner))
    traces, doubts = (torch.tensor(values, dtype=torch.bool) for values in (in_trace, doubtful))
    return Labels(positions, tokens, owners, traces, doubts, len(rows))
