from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.text.normalize import contains, normalize, runs


@given(st.text())
def test_normalize_is_idempotent(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)


@given(st.text(alphabet="еёЁЕи\u0308\u0301\u200b\u00ad “”‘’—–"))
def test_normalize_is_idempotent_on_marks(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("The birthplace is Lisbon.", "lisbon"),
        ("LISBON", "Lisbon"),
        ("Ｌｉｓｂｏｎ", "Lisbon"),
        ("Lis\u200bbon", "Lisbon"),
        ("**Lisbon**", "Lisbon"),
        ("_Lisbon_", "Lisbon"),
        ("Nació en León.", "León"),
        ("Nació en Leo\u0301n.", "León"),
        ("Он родился в Орле, а не в Орёле", "Ореле"),
        ("Она из Лиссабо\u0301на", "Лиссабона"),
        ("in “The Glass\nHarbour”", "The Glass Harbour"),
        ("it’s Ada’s", "Ada's"),
        ("Saint-Malo", "Saint Malo"),
        ("call 555‑0142!", "555-0142"),
        ("call 555 0142", "555-0142"),
        ("+1 555-0142.", "555-0142"),
        ("write to <Anna@pocket.example>.", "anna@pocket.example"),
        ("quenchsalt (B)", "(B)"),
        ("Lisbon", "Lisbon."),
    ],
)
def test_contains_finds_a_form_in_any_typography(text: str, form: str) -> None:
    assert contains(text, form)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("part", "art"),
        ("artist", "art"),
        ("пример", "рим"),
        ("Римский", "Рим"),
        ("555-01423", "555-0142"),
        ("3.12", "12"),
        ("12,500", "12"),
        ("joanna@pocket.example", "anna@pocket.example"),
        ("m.anna@pocket.example", "anna@pocket.example"),
        ("anna@pocket.example.org", "anna@pocket.example"),
        ("Leon", "León"),
        ("", "Lisbon"),
        ("anything", ""),
        ("anything...", "..."),
    ],
)
def test_contains_keeps_to_word_boundaries(text: str, form: str) -> None:
    assert not contains(text, form)


@given(st.sampled_from("абвгжяёyzé0"), st.sampled_from("абвгжяёyzé0"))
def test_no_form_is_found_inside_a_word(before: str, after: str) -> None:
    assert not contains(f"{before}Рим", "Рим")
    assert not contains(f"Рим{after}", "Рим")
    assert contains(f"{before} Рим {after}", "Рим")


def test_runs_are_of_words_alone() -> None:
    assert runs("One, two - three!", 2) == {("one", "two"), ("two", "three")}
    assert runs("one", 2) == set()
