"""Derive the rows of each training step from the seed.

The rows depend only on the seed and the number of the step, so a checkpoint need not store the state of a data loader.
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
    first = step * batch
    return [_permutation(seed, split, at // rows, rows)[at % rows] for at in range(first, first + batch)]
