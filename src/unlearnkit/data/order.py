"""Derive the rows of each training step from the seed.

The rows depend only on the seed and the number of the step, so a checkpoint need not store the state of a data loader.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

_ROUNDING = 1e-9
"""A number of rows that is this close below a whole number counts as this number. Otherwise, a share such as 0.7 of 10
rows could be 6 rows."""


@lru_cache(maxsize=64)
def _permutation(seed: int, split: str, sweep: int, rows: int) -> tuple[int, ...]:
    # The split's name is part of the seed, so that forget and retain rows are not shuffled in the same order.
    words = np.frombuffer(split.encode(), dtype=np.uint8).tolist()
    return tuple(np.random.default_rng([seed, sweep, *words]).permutation(rows).tolist())


def _drawn(seed: int, split: str, rows: int, first: int, end: int) -> list[int]:
    """Return the row indices of the draws `first` to `end` - 1."""
    return [_permutation(seed, split, at // rows, rows)[at % rows] for at in range(first, end)]


def batch_indices(seed: int, split: str, rows: int, step: int, batch: int) -> list[int]:
    """Return the row indices of one optimizer step.

    Within one pass over the split, rows are drawn without replacement. A batch may contain the last rows of one pass
    and the first rows of the next pass.

    Args:
        seed: the run's seed.
        split: name of the split. Each split is shuffled independently.
        rows: number of rows in the split.
        step: optimizer step, from 0.
        batch: number of rows of the split per optimizer step, summed over all processes.
    """
    return _drawn(seed, split, rows, step * batch, (step + 1) * batch)


def mixed_indices(seed: int, split: str, rows: int, composed: int, step: int, batch: int, share: float) -> list[int]:
    """Return a step's row indices in a split with composed rows.

    Given rows and composed rows are drawn independently. After any number of steps, the number of composed rows drawn
    is `share` times the number of all rows drawn, rounded down.

    Args:
        seed: the run's seed.
        split: name of the split.
        rows: number of rows in the split. The composed rows are the last ones.
        composed: number of composed rows.
        step: optimizer step, from 0.
        batch: number of rows of the split per optimizer step, summed over all processes.
        share: share of composed rows, in (0, 1). If all rows are of one kind, the share has no effect.
    """
    given = rows - composed
    if not given or not composed:
        return batch_indices(seed, split, rows, step, batch)
    first, end = (math.floor(at * batch * share + _ROUNDING) for at in (step, step + 1))
    own = _drawn(seed, split, given, step * batch - first, (step + 1) * batch - end)
    return own + [given + at for at in _drawn(seed, f"{split}/composed", composed, first, end)]
