from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.data.order import _permutation, batch_indices

SIZES = {"seed": st.integers(0, 2**40), "rows": st.integers(1, 30), "batch": st.integers(1, 40)}


@given(**SIZES, step=st.integers(0, 10_000))
def test_pure_function_of_seed_and_step(seed: int, rows: int, batch: int, step: int) -> None:
    before = batch_indices(seed, "forget", rows, step, batch)
    _permutation.cache_clear()
    for other in (step + 7, 0):
        batch_indices(seed, "retain", rows, other, batch)
    assert batch_indices(seed, "forget", rows, step, batch) == before
    assert len(before) == batch and all(0 <= i < rows for i in before)


@given(**SIZES, passes=st.integers(1, 4))
def test_each_pass_sees_every_row_once(seed: int, rows: int, batch: int, passes: int) -> None:
    steps = -(-passes * rows // batch)
    seen = [i for step in range(steps) for i in batch_indices(seed, "forget", rows, step, batch)]
    for sweep in range(passes):
        assert Counter(seen[sweep * rows : (sweep + 1) * rows]) == Counter(range(rows))


@given(seed=st.integers(0, 2**40), rows=st.integers(1, 30), batch=st.integers(1, 10), factor=st.integers(1, 4))
def test_a_larger_batch_is_smaller_ones_in_a_row(seed: int, rows: int, batch: int, factor: int) -> None:
    small = [i for step in range(factor) for i in batch_indices(seed, "forget", rows, step, batch)]
    assert batch_indices(seed, "forget", rows, 0, batch * factor) == small


def test_splits_passes_and_seeds_are_shuffled_apart() -> None:
    orders = {
        tuple(batch_indices(seed, split, 40, sweep, 40))
        for seed in (0, 1)
        for split in ("forget", "retain")
        for sweep in (0, 1)
    }
    assert len(orders) == 8
    assert tuple(range(40)) not in orders
