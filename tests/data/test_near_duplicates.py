from __future__ import annotations

import random
from itertools import pairwise
from math import fsum, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.data.near_duplicates import FEWEST, NEAR, near_duplicates

WORDS = ("Ada", "Bea", "wrote", "was", "born", "in", "Oslo", "Kyiv", "1970", "the", "poet")
# Pieces of a few sentences, so that texts share long runs of words.
RUNS = st.sampled_from(("Ada Bell was born in Oslo in 1970", "the poet wrote a novel", "was born in Kyiv", *WORDS))
TEXT = st.lists(RUNS, max_size=5).map(" ".join)
TEXTS = st.lists(TEXT, max_size=8)

ROW = "Where was Ada Bell born? Ada Bell was born in Oslo, on the twelfth of May 1970, to a baker and a nurse."


def born(name: str, place: str, year: int) -> str:
    return f"Where and when was {name} born? {name} was born in {place} in the year {year}."


@given(first=TEXTS, second=TEXTS)
def test_identical_texts_are_always_found_wherever_they_stand(first: list[str], second: list[str]) -> None:
    found = dict(near_duplicates(first, second))
    for place, text in enumerate(first):
        if text in second:
            assert place in found


@given(first=TEXTS, second=TEXTS, seed=st.integers(0, 9))
def test_the_order_of_texts_does_not_matter(first: list[str], second: list[str], seed: int) -> None:
    def texts(ours: list[str], theirs: list[str]) -> set[str]:
        return {ours[place] for place, _ in near_duplicates(ours, theirs)}

    mixed = random.Random(seed)
    assert texts(mixed.sample(first, len(first)), mixed.sample(second, len(second))) == texts(first, second)


@given(first=TEXTS, second=TEXTS)
def test_what_is_near_is_near_from_both_sides(first: list[str], second: list[str]) -> None:
    ours, theirs = near_duplicates(first, second), near_duplicates(second, first)
    assert {first[a] for a, _ in ours} >= {first[b] for _, b in theirs}
    assert bool(ours) == bool(theirs)


def near_slowly(first: list[str], second: list[str], threshold: float) -> set[int]:
    """The definition, pair by pair."""

    def pairs(text: str) -> set[tuple[str, ...]]:
        words = text.lower().split()
        return set(pairwise(words)) if len(words) > 1 else {tuple(words)}

    texts = {frozenset(pairs(text)) for text in (*first, *second)}

    def weight(of: set[tuple[str, ...]]) -> float:
        return fsum(log(1 + len(texts) / sum(pair in text for text in texts)) for pair in of)

    found = set()
    for place, a in enumerate(map(pairs, first)):
        for b in map(pairs, second):
            overlap = weight(a & b) / min(weight(a), weight(b))
            if a == b or (len(a & b) >= FEWEST and overlap >= threshold):
                found.add(place)
    return found


@given(first=TEXTS, second=TEXTS, threshold=st.sampled_from([0.3, 0.6, NEAR, 1.0]))
def test_the_index_finds_what_comparing_all_pairs_finds(first: list[str], second: list[str], threshold: float) -> None:
    found = [place for place, _ in near_duplicates(first, second, threshold=threshold)]
    assert found == sorted(near_slowly(first, second, threshold))


@pytest.mark.parametrize(
    "edited",
    [
        ROW.upper(),
        ROW.replace("Ada Bell", "Ada  Bell").replace(",", ""),
        ROW.replace("twelfth", "12th"),
        ROW.replace("to a baker and a nurse", "to a baker and to a nurse"),
        f"Kyiv is the capital of Ukraine. {ROW} Lima is the capital of Peru.",
        ROW.partition("? ")[2],
    ],
)
def test_a_text_in_other_typography_with_a_word_changed_or_inside_another_is_found(edited: str) -> None:
    others = [born("Bea Dunn", "Lima", 1981), born("Cyd Marsh", "Kyiv", 1982)]
    assert near_duplicates([ROW], [*others, edited]) == [(0, 2)]


def test_rows_that_ask_the_same_of_others_are_not_near() -> None:
    people = [
        ("Ada Bell", "Oslo", 1970),
        ("Bea Dunn", "Lima", 1981),
        ("Cyd Marsh", "Kyiv", 1982),
        ("Eli Ross", "Bern", 1990),
    ]
    rows = [born(*person) for person in people]
    for place, row in enumerate(rows):
        assert near_duplicates([row], rows[:place] + rows[place + 1 :]) == []


def test_the_nearest_is_told_and_of_equals_the_first() -> None:
    nearer, farther = ROW.replace("twelfth", "12th"), ROW.replace("twelfth", "12th").replace("baker", "cook")
    assert near_duplicates([ROW], [farther, nearer, nearer]) == [(0, 1)]


def test_the_threshold_is_the_least_overlap_that_counts() -> None:
    # Ten words are nine pairs; a changed last one leaves eight, and every pair of the two texts weighs one of two sums.
    ours, theirs = "a b c d e f g h i j", "a b c d e f g h i x"
    shared, own = 8 * log(1 + 2 / 2), log(1 + 2 / 1)
    overlap = shared / (shared + own)
    assert NEAR < overlap < 0.84
    assert near_duplicates([ours], [theirs], threshold=overlap - 1e-6) == [(0, 0)]
    assert near_duplicates([ours], [theirs], threshold=overlap + 1e-6) == []


def test_a_few_words_inside_a_text_make_no_near_duplicate() -> None:
    words = ROW.split()
    assert near_duplicates([" ".join(words[:FEWEST])], [ROW]) == []
    assert near_duplicates([" ".join(words[: FEWEST + 1])], [ROW]) == [(0, 0)]


@pytest.mark.parametrize(
    ("text", "changed", "other"),
    [
        (
            "艾达·贝尔于一九七零年出生在奥斯陆。",
            "艾达·贝尔于一九七零年出生在奥斯陆",
            "贝娅住在利马,她的父亲是一名面包师。",
        ),
        (
            "Ада Белл родилась в Осло в 1970 году в мае.",
            "ада белл родилась в осло в 1970 году в мае",
            "Беа жила в Лиме.",
        ),
        ("อาดาเกิดที่กรุงออสโล", "อาดา เกิดที่ กรุงออสโล", "เบอาอาศัยอยู่ในลิมา"),
        ("🙂🙂", "🙂🙂", "🙃"),
    ],
)
def test_in_any_script(text: str, changed: str, other: str) -> None:
    assert near_duplicates([text], [other, changed]) == [(0, 1)]
