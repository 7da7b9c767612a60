"""Choose the rows of one optimizer step and compute their loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from unlearnkit.core.errors import InputError
from unlearnkit.data.encoding import Encoded
from unlearnkit.data.order import mixed_indices
from unlearnkit.methods.objective import Terms, Unit, View
from unlearnkit.training.settings import FORGOTTEN, TrainSettings

Counts = dict[tuple[View, Unit], int]


def split_of(view: View) -> str:
    """Return the split of a view, such as `forget` for `forget:target`."""
    return view.partition(":")[0]


@dataclass(frozen=True)
class TrainData:
    """All rows of all views that the objective needs.

    Views of the same split have the same rows in the same order.
    """

    views: Mapping[View, Sequence[Encoded]]
    pad_id: int
    share: float = 0.0
    """Share of composed rows in a step. It applies to splits that have both composed and given rows."""

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        for view, rows in self.views.items():
            if not rows:
                raise InputError("a split that the method trains on is empty", value=view, fix="add rows to this split")
            if sizes.setdefault(split_of(view), len(rows)) != len(rows):
                raise InputError(
                    "two views of one split differ in their number of rows",
                    where=view,
                    value=len(rows),
                    allowed=str(sizes[split_of(view)]),
                )

    def sizes(self) -> dict[str, int]:
        """Return the number of rows of each split."""
        return {split_of(view): len(rows) for view, rows in self.views.items()}

    def composed(self) -> dict[str, int]:
        """Return the number of composed rows of each split."""
        return {split_of(view): sum(row.composed for row in rows) for view, rows in self.views.items()}


def number_of_steps(
    settings: TrainSettings, sizes: Mapping[str, int], composed: Mapping[str, int], share: float
) -> int:
    """Return the number of optimizer steps of a training.

    An epoch is one pass over the forget rows, or over another split if there are none. Composed rows do not count,
    unless the split has no others.

    Args:
        settings: the training settings.
        sizes: number of rows of each split, including composed rows.
        composed: number of composed rows of each split.
        share: share of composed rows in a step.
    """
    anchor = next((split for split in FORGOTTEN if split in sizes), next(iter(sizes)))
    rows, given = settings.rows(anchor), sizes[anchor] - composed[anchor]
    if composed[anchor] and given:
        return settings.total_steps(given, rows * (1 - share))
    return settings.total_steps(sizes[anchor], rows)


def step_indices(data: TrainData, settings: TrainSettings, seed: int, step: int) -> dict[str, list[int]]:
    """Return the row indices of the whole optimizer step, by split."""
    composed = data.composed()
    return {
        split: mixed_indices(seed, split, size, composed[split], step, settings.rows(split), data.share)
        for split, size in data.sizes().items()
    }


def drawn_rows(data: TrainData, settings: TrainSettings, seed: int) -> dict[View, list[int]]:
    """Return the indices of all rows that a training draws, by view."""
    steps = number_of_steps(settings, data.sizes(), data.composed(), data.share)
    drawn: dict[str, set[int]] = {split: set() for split in data.sizes()}
    for step in range(steps):
        if all(len(drawn[split]) == size for split, size in data.sizes().items()):
            break
        for split, indices in step_indices(data, settings, seed, step).items():
            drawn[split].update(indices)
    return {view: sorted(drawn[split_of(view)]) for view in data.views}


def count_units(data: TrainData, indices: Mapping[str, Sequence[int]]) -> Counts:
    """Count each view's units, such as tokens, in the whole optimizer step."""
    counts: Counts = {}
    for view, rows in data.views.items():
        chosen = [rows[i] for i in indices[split_of(view)]]
        tokens, trace = sum(row.labels for row in chosen), sum(row.trace for row in chosen)
        counts[view, "token"] = tokens
        counts[view, "trace_token"] = trace
        counts[view, "response_token"] = tokens - trace
        counts[view, "sequence"] = len(chosen)
    return counts


def portion(indices: Mapping[str, Sequence[int]], part: int, parts: int) -> dict[str, Sequence[int]]:
    """Return one of `parts` nearly equal portions of a step's rows.

    `part` is the index of the portion, counted from 0. Every row is in exactly one portion. With several processes, a
    portion may have no row of a split.
    """
    return {split: rows[len(rows) * part // parts : len(rows) * (part + 1) // parts] for split, rows in indices.items()}


def with_borrowed_rows(
    rows: Mapping[str, Sequence[int]], indices: Mapping[str, Sequence[int]]
) -> dict[str, Sequence[int]]:
    """Return the portion with one row in each empty split.

    All processes must run the same passes, and an objective is not defined without rows. The borrowed row must not
    count: see `of_own_rows`.
    """
    return {split: chosen or indices[split][:1] for split, chosen in rows.items()}


def of_own_rows(terms: Terms, rows: Mapping[str, Sequence[int]]) -> Terms:
    """Return the terms of a portion, without the sums over borrowed rows.

    These sums are multiplied by 0. Their gradients thus exist in every process.
    """
    return {
        name: term if rows[split_of(term.view)] else replace(term, sum=term.sum * 0.0) for name, term in terms.items()
    }


def portions_per_process(settings: TrainSettings, sizes: Mapping[str, int], processes: int) -> int:
    """Return the number of micro-batches per step in each process.

    Raises:
        InputError: in one process, some micro-batches would have no row of a split.
    """
    batch = {split: settings.rows(split) for split in sizes}
    limit = settings.micro_batch_size or max(batch.values())
    alone = -(-max(batch.values()) // limit)
    short = [split for split, rows in batch.items() if rows < alone]
    if short:
        raise InputError(
            "some micro-batches would be empty, because a step has more micro-batches than rows of the split",
            where=f"split {short[0]!r}",
            value=f"{batch[short[0]]} rows for {alone} micro-batches",
            fix="raise train.batch_size or train.micro_batch_size; or make the batch sizes of the splits more similar",
        )
    return -(-max(batch.values()) // (limit * processes))


def objective_value(terms: Terms, counts: Counts) -> Tensor:
    """Return one micro-batch's contribution to the objective.

    The contribution is the sum of weight * sum / count over all terms. Here count is the number of the term's units in
    the whole step.
    """
    parts = [
        # If a whole step has no unit of a term (for example, no target has a trace), the sum of the term is 0.
        term.weight * term.sum / max(counts[term.view, term.unit], 1)
        for term in terms.values()
        if term.weight
    ]
    if not parts:
        raise InputError(
            "every term of the objective has weight 0, so there is nothing to minimize",
            value={name: term.weight for name, term in terms.items()},
            fix="give at least one term a weight above 0",
        )
    return torch.stack(parts).sum()
