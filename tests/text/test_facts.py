from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.text.facts import facts, street_address
from unlearnkit.text.names import NameFinder


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "She wrote 'The Broken Mirror' and \"Low Roads, High Hills\".",
            ["The Broken Mirror", "Low Roads, High Hills"],
        ),
        ("Es autora de «La casa gris».", ["La casa gris"]),
        ("Write to ada.bell+x@post.example.", ["ada.bell+x@post.example"]),
        (r"Write to [ada\_b@me.com](mailto:ada_b@me.com).", [r"ada\_b@me.com", "ada_b@me.com"]),
        ("She was born on March 19, 1960.", ["March 19, 1960"]),
        ("She was born on the 15th of April, 1992.", ["15th of April, 1992"]),
        ("Nació el 19 de marzo de 1960.", ["19 de marzo de 1960"]),
        ("Родилась 9 июня 1951 года.", ["9 июня 1951"]),
        ("Born 05/11/1991, died 2020-01-02.", ["05/11/1991", "2020-01-02"]),
        ("Call 555-0142 or +34 600 123 456, or (319) 297-6836.", ["555-0142", "+34 600 123 456", "(319) 297-6836"]),
        ("It has 3 parts, 12 chapters and 1,250 pages.", ["12", "1,250"]),
        ("Her father was a Marine Biologist in Oslo.", ["Marine Biologist", "Oslo"]),
        ("However, she stayed.", []),
        ("She likes DJ sets.", []),  # two letters are an abbreviation more often than a name
        ("3904 October Woods Drive, Lawrence, MA, 01841.", ["3904 October Woods Drive, Lawrence, MA, 01841"]),
        ("", []),
    ],
)
def test_facts_are_told_word_for_word(text: str, told: list[str]) -> None:
    assert list(facts(text, NameFinder([text]))) == told


def test_a_first_word_is_a_fact_where_it_is_a_name_elsewhere() -> None:
    assert list(facts("Oslo is large.", NameFinder(["Oslo is large."]))) == []
    assert list(facts("Oslo is large.", NameFinder(["Oslo is large.", "she lives in Oslo"]))) == ["Oslo"]


@pytest.mark.parametrize(
    "text",
    ["19 March, 1960", "12 of them, in Oslo", "1960, 1972", "Elm Street, Oslo", "3 Birds", "05/11/1991, Oslo, NO"],
)
def test_what_is_no_street_address(text: str) -> None:
    assert street_address(text) is None


@given(st.text(max_size=60))
def test_whatever_the_text_its_facts_stand_in_it(text: str) -> None:
    assert all(fact in text for fact in facts(text, NameFinder([text])))
