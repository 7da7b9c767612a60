"""Choose the rows of a step from seed and step alone.

A checkpoint then needs no loader state.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=64)
def _permutation(seed: int, split: str, sweep: int, rows: int) -> tuple[int, ...]:
    # The split's name is part of the seed, so that forget and retain rows are not shuffled in the same order.
    words = np.frombuffer(split.encode(), dtype=np.uint8).tolist()
    return tuple(np.random.default_rng([seed, sweep, *words]).permutation(rows).tolist())


def batch_indices(seed: int, split: str, rows: int, step: int, batch: int) -> list[int]:
    """Return the indices of the rows of one optimizer step.

    Rows are drawn without replacement within a pass over the split; a batch may end one pass and begin the next.

    Args:
        seed: the run's seed.
        split: name of the split; splits are shuffled independently.
        rows: number of rows in the split.
        step: optimizer step, from 0.
        batch: rows of the split per optimizer step, over all processes.
    """
    first = step * batch
    return [_permutation(seed, split, at // rows, rows)[at % rows] for at in range(first, first + batch)]
