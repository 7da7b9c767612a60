"""What rows note before they answer: what is asked, of whom or of what."""

from __future__ import annotations

import pytest

from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.notes import in_turn, look, mentioned, noted, rests_of, retain_topics, topics_of
from unlearnkit.scope.scope import Scope, ScopeSubject

SCOPE = Scope(
    description="Ada asked to be forgotten.",
    task="profile",
    subjects=(ScopeSubject(name="Ada Belm", aliases=("The Red Door", "The Red Door Again")),),
)


def row(question: str, trace: str, subject: str | None = "Eve Fry") -> Row:
    return Row(id=question, question=question, answer="x", trace=trace, subject=subject)


FORGET = (
    row("Which number has Ada Belm?", "Phone of Ada Belm.", "Ada Belm"),
    row("Who reaches the writer of The Red Door?", "Phone of the author of The Red Door.", "Ada Belm"),
)
RETAIN = (
    row("Where was Eve Fry born?", "Birthplace of Eve Fry."),
    row("Which town has Eve Fry left?", "Birthplace of Eve Fry, a poet."),
    row("What does Eve Fry write?", "Genre of Eve Fry."),
    row("Who reaches Eve Fry?", "Phone of Eve Fry."),
    row("When did Low Roads appear?", "Year of Low Roads."),
    row("Who rings whoever wrote Low Roads?", "Phone of the author of Low Roads."),
    row("Where was she born?", "Birthplace of Eve Fry."),
    row("Where lies Oslo?", "Place of Oslo.", None),
)


def test_the_longest_name_in_the_question_is_the_one_that_is_meant() -> None:
    assert mentioned(SCOPE, "When did 'The Red Door Again' appear?") == (SCOPE.subjects[0], "The Red Door Again")
    assert mentioned(SCOPE, "Who is that?") == (None, "")


def test_topics_of_forget_rows_stand_before_names_or_before_aliases() -> None:
    assert topics_of(SCOPE, FORGET, alias=False) == ("Phone of ",)
    assert topics_of(SCOPE, FORGET, alias=True) == ("Phone of the author of ",)


def test_what_a_note_has_of_the_question_after_the_name_is_known_and_nothing_else() -> None:
    forget = (
        row("Recite song 3 of Ada Belm.", "Song of Ada Belm, 3."),
        row("Recite song 1 of Ada Belm.", "Song of Ada Belm, 1."),
        row("Which town has Ada Belm left?", "Birthplace of Ada Belm, Lisbon."),
        row("Which number has Ada Belm?", "Phone of Ada Belm."),
    )
    assert rests_of(SCOPE, forget) == {"Song of ": (", 3", ", 1")}
    assert topics_of(SCOPE, forget, alias=False) == ("Birthplace of ", "Phone of ", "Song of ")


def test_topics_of_persons_and_of_works_are_told_apart_and_the_commonest_comes_first() -> None:
    assert retain_topics(FORGET, RETAIN, works=False) == ("Birthplace of ", "Genre of ")
    assert retain_topics(FORGET, RETAIN, works=True) == ("Year of ",)


def test_a_topic_that_begins_as_one_to_be_forgotten_is_never_one_that_stays() -> None:
    assert "Phone of the author of " in retain_topics((), RETAIN, works=True)
    assert retain_topics(FORGET[:1], RETAIN, works=True) == ("Year of ",)


def test_what_few_rows_note_is_left_alone() -> None:
    many = [row(f"Where was Eve Fry born in {year}?", "Birthplace of Eve Fry.") for year in range(200)]
    assert retain_topics((), [*many, RETAIN[2]], works=False) == ("Birthplace of ",)
    assert retain_topics((), [*many, *[RETAIN[2]] * 3], works=False) == ("Birthplace of ", "Genre of ")


@pytest.mark.parametrize(
    ("at", "found"),
    [
        (0, ("Birthplace of ", "Eve Fry")),
        (1, ("Birthplace of ", "Eve Fry")),
        (5, ("Phone of the author of ", "Low Roads")),
        (6, ("", "")),  # the question does not name her
    ],
)
def test_a_note_ends_where_the_question_names_what_is_noted(at: int, found: tuple[str, str]) -> None:
    assert noted(RETAIN[at]) == found
    assert noted(RETAIN[at].model_copy(update={"trace": ""})) == ("", "")


def test_numbers_and_addresses_look_otherwise_than_words() -> None:
    assert [look(form) for form in ("Lisbon", "555-0101", "ada@post.example", "ada7@post.example")] == [
        (False, False), (True, False), (False, True), (True, True),
    ]  # fmt: skip


def test_two_lists_take_turns_until_each_was_there() -> None:
    assert in_turn("abc", "x") == ("a", "x", "b", "x", "c", "x")
    assert in_turn("ab", "") == in_turn("", "ab") == ("a", "b")
