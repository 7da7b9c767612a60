"""Rows that are held out of the retain rows: how many, which, and that nothing like them is trained on."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.data.duplicates import find_duplicates
from unlearnkit.data.held_out import FEWEST, MOST, SHARE, hold_out
from unlearnkit.data.near_duplicates import near_duplicates, near_pairs
from unlearnkit.data.rows import Row
from unlearnkit.data.vocabulary import HELD_OUT, ordered_sets, set_title, showing_kept, stays


def row(n: int, subject: str | None = None) -> Row:
    return Row(id=f"r{n}", question=f"What is item{n}?", answer=f"It is thing{n} of place{n}.", subject=subject)


def ids(rows: tuple[Row, ...]) -> list[str]:
    return [each.id for each in rows]


@pytest.mark.parametrize(
    ("rows", "share", "count"),
    [
        (0, SHARE, 0), (4, SHARE, 0), (5, SHARE, 1), (9, SHARE, 1), (10, SHARE, 2), (15, SHARE, 3), (100, 0.29, 29),
        (6, 0.01, 1), (499, SHARE, 99), (500, SHARE, 100), (2000, SHARE, 100), (50, 0.0, 0), (50, 0.5, 25),
    ],
)  # fmt: skip
def test_one_in_five_is_held_out_and_at_most_a_hundred(rows: int, share: float, count: int) -> None:
    given_rows = [row(n) for n in range(rows)]
    trained, held = hold_out(given_rows, share)
    assert len(held) == count and len(trained) == rows - count
    assert sorted([*ids(trained), *ids(held)]) == sorted(each.id for each in given_rows)
    assert FEWEST == 5 and MOST == 100


def test_the_same_rows_are_held_out_every_time_and_all_keep_their_order() -> None:
    rows = [row(n) for n in range(60)]
    trained, held = hold_out(rows, SHARE)
    assert (trained, held) == hold_out(list(rows), SHARE)
    assert [at for each in held for at, r in enumerate(rows) if r is each] == sorted(rows.index(r) for r in held)
    assert list(trained) == [each for each in rows if each not in held]
    assert held != tuple(rows[: len(held)])


def test_what_is_held_out_is_balanced_over_subjects() -> None:
    rows = [row(n, "large" if n < 80 else f"small {n % 4}") for n in range(100)]
    _, held = hold_out(rows, SHARE)
    assert Counter(each.subject for each in held) == {"large": 4, **{f"small {n}": 4 for n in range(4)}}


def test_near_duplicates_and_equal_questions_are_held_out_together_or_not_at_all() -> None:
    text = "was born in Oslo, on the twelfth of May 1970, to a baker and a nurse"
    twins = [Row(id=f"twin{n}", question=f"Where was {name} born?", answer=f"{name} {text}.") for n, name in
             enumerate(("Ada Bell", "ADA BELL"))]  # fmt: skip
    asked = [Row(id=f"asked{n}", question="Who is Cyd Dorn?", answer=answer) for n, answer in enumerate(("A", "Two"))]
    crowd = [Row(id=f"crowd{n}", question="Who is Eve Fry?", answer=f"Answer {n}.") for n in range(9)]
    others = [row(n) for n in range(17)]
    rows = [*twins, *asked, *crowd, *others]
    for count in range(15, len(rows) + 1):
        for share in (0.1, 0.2, 0.3):
            _, held = hold_out(rows[:count], share)
            found = Counter(each.id.rstrip("0123456789") for each in held)
            assert found["twin"] in (0, 2) and found["asked"] in (0, 2)
            assert found["crowd"] in ((0, 9) if share * count >= 9 else (0,)), "a group is never cut"


def test_rows_that_must_be_trained_on_stay_and_so_do_their_near_duplicates() -> None:
    rows = [*(row(n) for n in range(10)), Row(id="again", question="What is item3?", answer="Another.")]
    kept = {f"r{n}" for n in range(9)}
    trained, held = hold_out(rows, 0.5, trained=kept)
    assert ids(held) == ["r9"] and {"again", *kept} <= set(ids(trained))


WORDS = ("Ada", "Bea", "wrote", "was", "born", "in", "Oslo", "Kyiv", "1970", "the", "poet")
RUNS = st.sampled_from(("Ada Bell was born in Oslo in 1970", "the poet wrote a novel", "was born in Kyiv", *WORDS))
TEXTS = st.lists(st.lists(RUNS, min_size=1, max_size=4).map(" ".join), max_size=24)


@given(texts=TEXTS, share=st.sampled_from((0.05, 0.2, 0.5)))
def test_no_row_like_a_held_out_row_is_trained_on(texts: list[str], share: float) -> None:
    rows = [Row(id=str(n), question="", answer=text) for n, text in enumerate(texts)]
    trained, held = hold_out(rows, share)
    assert len(held) <= max(1, share * len(rows) + 1e-9)
    # The weights of words come from all rows, as when both lists are compared with each other.
    assert near_duplicates([each.answer for each in held], [each.answer for each in trained]) == []
    findings = find_duplicates({"forget": (), "retain": trained, HELD_OUT: held})
    assert not [finding for finding in findings if finding.kind == "probe_trained"]


@given(texts=TEXTS)
def test_pairs_of_one_list_connect_what_near_duplicates_connect(texts: list[str]) -> None:
    def components(edges: list[tuple[int, int]]) -> set[frozenset[int]]:
        groups = {n: {n} for n in range(len(texts))}
        for one, other in edges:
            if groups[one] is not groups[other]:
                merged = groups[one] | groups[other]
                groups.update(dict.fromkeys(merged, merged))
        return {frozenset(group) for group in groups.values()}

    single = [(a, b) for a in range(len(texts)) for b in range(a)]
    # One text against all: the text is its own duplicate, so that the weights are those of the whole list.
    slow = [(a, b) for a, b in single if near_with_weights_of_all(texts, a, b)]
    assert components(near_pairs(texts)) == components(slow)


def near_with_weights_of_all(texts: list[str], a: int, b: int) -> bool:
    """The definition, for one pair of texts among all."""
    from itertools import pairwise
    from math import fsum, log

    from unlearnkit.data.near_duplicates import FEWEST, NEAR

    def shingles(text: str) -> frozenset[tuple[str, ...]]:
        words = text.lower().split()
        return frozenset(pairwise(words)) if len(words) > 1 else frozenset({tuple(words)})

    every = {shingles(text) for text in texts}

    def weight(of: frozenset[tuple[str, ...]]) -> float:
        return fsum(log(1 + len(every) / sum(s in each for each in every)) for s in of)

    one, other = shingles(texts[a]), shingles(texts[b])
    shared = one & other
    return one == other or (len(shared) >= FEWEST and weight(shared) / min(weight(one), weight(other)) >= NEAR)


def test_a_forget_row_among_the_held_out_rows_is_still_an_error() -> None:
    forget, held = row(1), row(1).model_copy(update={"id": "other"})
    splits = {"forget": (forget,), "retain": (row(2),), HELD_OUT: (held,)}
    found = {(f.kind, f.severity) for f in find_duplicates(splits)}
    assert found == {("in_forget_and_retain", "error"), ("probe_trained", "warning")}


def test_a_holdout_row_among_the_held_out_rows_is_an_error_because_the_target_model_knows_it() -> None:
    splits = {"forget": (row(1),), "retain": (row(2),), HELD_OUT: (row(3),), "holdout": (row(3),), "near": (row(3),)}
    found = [(f.kind, f.severity, f.what) for f in find_duplicates(splits)]
    what = "split 'holdout' is not for training but contains rows of the retain split"
    assert found == [("probe_trained", "error", what)], "a probe set may contain them"


def test_the_held_out_set_is_knowledge_to_keep_and_stands_for_the_trained_one() -> None:
    assert stays(HELD_OUT) and "not trained on" in set_title(HELD_OUT) and "(trained on" in set_title("retain")
    assert ordered_sets(["far", "retain", "forget", HELD_OUT]) == ["forget", HELD_OUT, "retain", "far"]
    assert showing_kept(["forget", HELD_OUT, "retain", "near", "utility.facts"]) == [HELD_OUT, "near", "utility.facts"]
    assert showing_kept(["retain", "near", "holdout"]) == ["retain", "near"]
