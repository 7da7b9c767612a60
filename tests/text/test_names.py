from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.text.names import Name, NameFinder, parts


def found(text: str, *others: str) -> list[str]:
    return [" ".join(name.words) for name in NameFinder([text, *others]).find(text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("the poet Ada Bell", ["Ada Bell"]),
        ("the poet Hsiao Yun-Hwa's father", ["Hsiao Yun-Hwa"]),
        ("by Basil Mahfouz Al-Kuwaiti’s side", ["Basil Mahfouz Al-Kuwaiti"]),
        ("met Omar al-Said here", ["Omar al-Said"]),
        ("and Jean-Luc O'Neill de la Tour said", ["Jean-Luc O'Neill de la Tour"]),
        ("like Ludwig van Beren or Ana da Silva", ["Ludwig van Beren", "Ana da Silva"]),
        ("reads J. K. Ruiz and George R.R. Moss", ["J. K. Ruiz", "George R.R. Moss"]),
        ("leyó a José Ñuñez y vive en Lima", ["José Ñuñez", "Lima"]),
        ("стихи Анны Петровой о Казани", ["Анны Петровой", "Казани"]),
        ("by Ada Bell, Bea Dunn and Cyd", ["Ada Bell", "Bea Dunn", "Cyd"]),
        ("Ada\nBell came", ["Ada", "Bell"]),  # no name goes over the end of a line
        ("of the village", []),
        ("read 'The Broken Mirror' and \"The Low Road\" by Ada Bell", ["Ada Bell"]),
        ("«Серая Заря» Ивана Кима", ["Ивана Кима"]),
        ("at Ada.Bell@Post.example or https://Bell.example/Ada today", []),
        ("flat H6 and Zoe\u0308 Bell", ["Zoe\u0308 Bell"]),
        ("", []),
    ],
)
def test_names_in_a_text(text: str, names: list[str]) -> None:
    assert found(text) == names


def test_a_name_knows_its_place_and_leaves_the_possessive_out() -> None:
    text = "Did the poet Ada Bell's father write?"
    assert NameFinder([text]).find(text)[-1] == Name(("Ada", "Bell"), 13, 21, opens=False)
    assert text[13:21] == "Ada Bell"


@pytest.mark.parametrize(
    ("text", "others", "names"),
    [
        # Elsewhere the first word stands without a capital.
        ("Author Ada Bell writes", ["the author writes"], ["Ada Bell"]),
        # It has a capital inside a sentence.
        ("Ada Maria Bell writes", ["ask Ada"], ["Ada Maria Bell"]),
        # Nothing else would make two words of it.
        ("Ada Bell writes", [], ["Ada Bell"]),
        ("Did Ada Bell write?", [], ["Ada Bell"]),
        # A word that is a name here and a verb there.
        ("Will Bell writes", ["she will write", "the poet Will Bell"], ["Will Bell"]),
        ("Will Bell write?", ["she will write"], ["Bell"]),
        ("Who writes? Ada writes.", ["who was it", "so did Ada"], ["Ada"]),
        ("I think so", [], []),
        ("She lives in flat D. Her Old House is small.", ["and she likes her garden"], ["D. Her Old House"]),
        ("Her Old House is small.", ["her garden", "in flat D. Her Old House"], ["Old House"]),
    ],
)
def test_the_first_word_of_a_sentence(text: str, others: list[str], names: list[str]) -> None:
    assert found(text, *others) == names


def test_parts_of_a_name_neither_begin_nor_end_with_a_particle() -> None:
    assert sorted(parts(("Ana", "da", "Silva"))) == [("Ana",), ("Ana", "da", "Silva"), ("Silva",)]
    assert len(list(parts(("Ada", "Maria", "Bell")))) == 6


@given(st.text(max_size=60))
def test_whatever_the_text_a_name_stands_where_it_says(text: str) -> None:
    for name in NameFinder([text]).find(text):
        assert " ".join(text[name.start : name.end].split("\u00a0")) == " ".join(name.words)
