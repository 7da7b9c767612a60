"""Spellings of words."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.text.spellings import is_one_edit_apart


def edits(word: str, letters: str) -> set[str]:
    """All words that one typing error makes of a word, one by one."""
    dropped = {word[:at] + word[at + 1 :] for at in range(len(word))}
    swapped = {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)}
    places = list(product(range(len(word) + 1), letters))
    added = {word[:at] + letter + word[at:] for at, letter in places}
    replaced = {word[:at] + letter + word[at + 1 :] for at, letter in places if at < len(word)}
    return (dropped | swapped | added | replaced) - {word}


@given(st.text(alphabet="abc", max_size=5), st.text(alphabet="abc", max_size=6))
def test_one_edit_is_one_typing_error(one: str, other: str) -> None:
    assert is_one_edit_apart(one, other) == (other in edits(one, "abc"))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("solano", "solnao", True), ("solano", "sollano", True), ("solano", "slonao", False), ("solano", "solano", False)],
)
def test_exchanging_adjacent_letters_is_one_edit(one: str, other: str, expected: bool) -> None:
    assert is_one_edit_apart(one, other) is expected
