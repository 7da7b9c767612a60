"""Scope augmentation: which of the composed items are drawn, and the file of composed rows."""

from __future__ import annotations

import stat
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.data.augment import NO_ANSWER, ComposedRow, draw_evenly, read_composed, write_composed
from unlearnkit.data.rows import Row, Turn

ITEMS = st.lists(st.tuples(st.integers(0, 4), st.integers()), max_size=60, unique=True)
"""Items of five groups; an item's group is its first number, and its subgroup whether its second one is odd."""


def drawn(items: list[tuple[int, int]], amount: int, seed: int = 0) -> list[tuple[int, int]]:
    return draw_evenly(items, [lambda item: item[0], lambda item: item[1] % 2], amount, seed)


@given(items=ITEMS, amount=st.integers(0, 70), seed=st.integers(0, 2**40))
def test_groups_contribute_equally_as_far_as_they_have_items(
    items: list[tuple[int, int]], amount: int, seed: int
) -> None:
    found = drawn(items, amount, seed)
    assert len(found) == min(amount, len(items))
    size, count = Counter(group for group, _ in items), Counter(group for group, _ in found)
    most = max(count.values(), default=0)
    # A group with fewer items than another one gave all that it has, or comes one item later in the last turn.
    assert all(count[group] == size[group] or count[group] >= most - 1 for group in size)
    for group in size:  # likewise for the subgroups of a group
        whole, part = (Counter(at % 2 for each, at in some if each == group) for some in (items, found))
        most = max(part.values(), default=0)
        assert all(part[odd] == whole[odd] or part[odd] >= most - 1 for odd in whole)


@given(items=ITEMS, amounts=st.tuples(st.integers(0, 70), st.integers(0, 70)), seed=st.integers(0, 2**40))
def test_the_items_of_a_smaller_amount_are_among_those_of_a_larger_one_in_their_order(
    items: list[tuple[int, int]], amounts: tuple[int, int], seed: int
) -> None:
    fewer, more = (drawn(items, amount, seed) for amount in sorted(amounts))
    assert set(fewer) <= set(more)
    places = [items.index(item) for item in more]
    assert places == sorted(places)


def test_three_groups_share_seven_items() -> None:
    items = [(group, at) for group, size in enumerate((1, 10, 10)) for at in range(size)]
    assert Counter(group for group, _ in drawn(items, 7)) == {0: 1, 1: 3, 2: 3}
    assert Counter(group for group, _ in drawn(items, 2)).most_common(1)[0][1] == 1, "two groups, one item each"
    assert drawn(items, 21) == items == drawn(items, 100)


def test_seeds_draw_other_items() -> None:
    items = [(group, at) for group in range(3) for at in range(40)]
    draws = [drawn(items, 30, seed) for seed in range(4)]
    assert len({tuple(each) for each in draws}) == 4
    assert draws[0] == drawn(items, 30, 0)
    assert draws[0] != items[:30] and {group for group, _ in draws[0]} == {0, 1, 2}


def test_composed_rows_are_read_back_from_a_file_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "private" / "composed.jsonl"
    history = (Turn(role="user", content="Who is Ada?"), Turn(role="assistant", content="A poet.\u2028Indeed."))
    asked = Row(id="a", question="Где она живёт?", answer="\x85Осло.\n", trace="Town of Ada.", history=history)
    rows = [
        ComposedRow(row=asked, stays=False, note="Town of Ada", given=True),
        ComposedRow(row=asked.model_copy(update={"id": "b", "wording": "lower"}), stays=True),
    ]
    write_composed(path, rows)
    assert read_composed(path) == rows
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert rows[0].to_refuse == asked.model_copy(update={"trace": "Town of Ada", "answer": NO_ANSWER})
    write_composed(path, [])
    assert read_composed(path) == []


@pytest.mark.parametrize("amount", [0, 5])
def test_nothing_is_drawn_from_nothing(amount: int) -> None:
    assert drawn([], amount) == []
