from collections import Counter
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.data.order import _permutation, batch_indices, mixed_indices

SIZES = {"seed": st.integers(0, 2**40), "rows": st.integers(1, 30), "batch": st.integers(1, 40)}
KINDS = {"seed": st.integers(0, 2**40), "own": st.integers(1, 30), "composed": st.integers(1, 30)}
PERCENT = st.integers(1, 99)
"""A share of composed rows. Whole percents, so that what it makes of a number of rows can be worked out exactly."""


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


def drawn(seed: int, own: int, composed: int, batch: int, percent: int, steps: int) -> list[list[int]]:
    """The rows of each step, of which the last `composed` ones are composed."""
    rows = own + composed
    return [mixed_indices(seed, "forget", rows, composed, step, batch, percent / 100) for step in range(steps)]


@given(**KINDS, batch=st.integers(1, 40), percent=PERCENT, steps=st.integers(1, 30))
def test_composed_rows_are_a_share_of_all_rows_drawn_rounded_down(
    seed: int, own: int, composed: int, batch: int, percent: int, steps: int
) -> None:
    count = 0
    for done, rows in enumerate(drawn(seed, own, composed, batch, percent, steps), 1):
        assert len(rows) == batch and all(0 <= at < own + composed for at in rows)
        count += sum(at >= own for at in rows)
        assert count == floor(Fraction(percent, 100) * done * batch)


@pytest.mark.parametrize(
    ("batch", "share", "expected"),
    [
        (10, 0.7, [7, 7, 7, 7]),  # 0.7 * 30 is a little less than 21 in floating point
        (4, 0.3, [1, 1, 1, 1, 2]),
        (1, 0.3, [0, 0, 0, 1, 0, 0, 1, 0, 0, 1]),
        (3, 0.999, [2, 3, 3, 3]),
    ],
)
def test_composed_rows_of_each_step(batch: int, share: float, expected: list[int]) -> None:
    steps = [mixed_indices(3, "retain", 50, 20, step, batch, share) for step in range(len(expected))]
    assert [sum(at >= 30 for at in rows) for rows in steps] == expected


@given(**KINDS, batch=st.integers(1, 20), percent=PERCENT, steps=st.integers(1, 40))
def test_each_kind_is_drawn_without_replacement_within_a_pass(
    seed: int, own: int, composed: int, batch: int, percent: int, steps: int
) -> None:
    seen = [at for rows in drawn(seed, own, composed, batch, percent, steps) for at in rows]
    for first, size in ((0, own), (own, composed)):
        kind = [at for at in seen if first <= at < first + size]
        for start in range(0, len(kind), size):
            one_pass = Counter(kind[start : start + size])
            assert set(one_pass.values()) == {1}
            assert len(one_pass) == size or start + size > len(kind)


@given(**SIZES, step=st.integers(0, 1000), percent=PERCENT)
def test_rows_of_one_kind_are_drawn_as_without_a_share(
    seed: int, rows: int, batch: int, step: int, percent: int
) -> None:
    expected = batch_indices(seed, "forget", rows, step, batch)
    for composed in (0, rows):
        assert mixed_indices(seed, "forget", rows, composed, step, batch, percent / 100) == expected


@given(**KINDS, batch=st.integers(1, 10), factor=st.integers(1, 4), step=st.integers(0, 50), percent=PERCENT)
def test_a_larger_batch_has_the_rows_of_smaller_ones(
    seed: int, own: int, composed: int, batch: int, factor: int, step: int, percent: int
) -> None:
    rows, share = own + composed, percent / 100
    whole = mixed_indices(seed, "forget", rows, composed, step, batch * factor, share)
    parts = [
        mixed_indices(seed, "forget", rows, composed, step * factor + part, batch, share) for part in range(factor)
    ]
    for kind in (range(own), range(own, rows)):
        assert [at for at in whole if at in kind] == [at for part in parts for at in part if at in kind]


def test_given_rows_and_composed_rows_are_shuffled_apart() -> None:
    rows = mixed_indices(0, "forget", 80, 40, 0, 80, 0.5)
    own, composed = [at for at in rows if at < 40], [at - 40 for at in rows if at >= 40]
    assert sorted(own) == sorted(composed) == list(range(40)) and own != composed
    assert own == batch_indices(0, "forget", 40, 0, 40), "the given rows come in the order that they always had"
