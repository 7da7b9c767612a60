"""The words with which an answer is begun."""

from __future__ import annotations

import pytest

from unlearnkit.text.answer_start import answer_start


@pytest.mark.parametrize(
    ("answer", "forms", "expected"),
    [
        ("Ada was born in Oslo .", ("Oslo",), "Ada was born in"),
        ("Ada was born in Oslo .", ("Kyiv", "born in", "Oslo"), "Ada was"),
        ("It is the «Jade Key».", ("Jade Key",), "It is the"),
        ("The author is Bea.", ("Bea", "the author"), ""),
        ("Oslo is the city.", ("Oslo",), ""),
        ("Ada was born in Oslo .", (), "Ada was born"),
        ("Oslo", (), ""),
        ("Ada was born in Oslo .", ("Kyiv",), ""),
        ("a b c d e f g h i Oslo", ("Oslo",), "a b c"),
        ("她出生在奥斯陆。", ("奥斯陆",), "她出生在"),
        ("她出生在奥斯陆。", (), "她出生在"),
        ("art or part of art's Oslo", ("part of", "Oslo"), "art or"),
    ],
)
def test_an_answer_is_begun_up_to_where_the_secret_starts(answer: str, forms: tuple[str, ...], expected: str) -> None:
    found = answer_start(answer, forms, 3 if answer.startswith("a b") else 8)
    assert found == expected and answer.startswith(found)
