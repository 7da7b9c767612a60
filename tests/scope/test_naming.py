"""Who is named by an output although the question does not name them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.data.rows import Row, Turn
from unlearnkit.scope.naming import unasked_subjects
from unlearnkit.scope.scope import Scope, ScopeSubject, Task

MIRA, JAD = "Mira Solano", "Jad Ambrose Al-Shamary"


def scope_of(task: Task = "profile") -> Scope:
    return Scope(
        description="Forget two authors.",
        task=task,
        subjects=(
            ScopeSubject(name=MIRA, aliases=("The Salt Road", "Мира Солано")),
            ScopeSubject(name=JAD),
        ),
        neighbors=(ScopeSubject(name="Mira Solano Ortiz"), ScopeSubject(name="Ilka Varn")),
        languages=("en", "es", "ru"),
    )


def row_of(question: str, **fields: object) -> Row:
    return Row.model_validate({"id": "q", "question": question, "answer": "?", **fields})


def named(text: str, question: str = "Which author plays the cello?", **fields: object) -> set[str]:
    return set(unasked_subjects(text, row_of(question, **fields), scope_of()))


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ("Instrument of Mira Solano falls outside my answers.", {MIRA}),
        ("MIRA  SOLANO", {MIRA}),
        ("M i r a S o l a n o", {MIRA}),
        ("Речь о Мире Солано.", {MIRA}),
        ("The author of The Salt Road.", {MIRA}),
        ("Al-Shamary, Jad", {JAD}),
        ("Jad Al-Shamary", {JAD}),
        ("Jad A. Al-Shamary and Mira Solano", {JAD, MIRA}),
        ("Mira plays it.", set()),
        ("Jad Ambrose", set()),
        ("Mira Solano Ortiz", set()),
        ("Ilka Varn", set()),
        ("", set()),
    ],
)
def test_a_name_counts_in_every_spelling_and_a_part_of_it_does_not(text: str, subjects: set[str]) -> None:
    assert named(text) == subjects


@pytest.mark.parametrize("question", ["Who is Mira Solano?", "Кто такая Мира Солано?", "And mira solano?"])
def test_whom_the_question_names_may_be_named_in_any_way(question: str) -> None:
    for text in (MIRA, "Мира Солано", "Solano, Mira", "The Salt Road"):
        assert named(text, question) == set()
    assert named(JAD, question) == {JAD}


def test_a_part_of_a_name_or_an_alias_is_not_the_name() -> None:
    assert named(MIRA, "Who is Mira?") == {MIRA}
    assert named(MIRA, "Who wrote The Salt Road?") == {MIRA}
    assert named("The Salt Road", "Who wrote The Salt Road?") == set()
    assert named(JAD, "Who is Jad Al-Shamary?") == {JAD}
    assert named("Jad Al-Shamary", "Who is Jad Al-Shamary?") == set()


def test_the_history_counts_and_a_system_message_does_not() -> None:
    said = {role: (Turn(role=role, content=f"About {MIRA}."),) for role in ("user", "assistant", "system")}
    assert named(MIRA, history=said["user"]) == named(MIRA, history=said["assistant"]) == set()
    assert named(MIRA, history=said["system"]) == {MIRA}


def test_expected_texts_may_be_repeated() -> None:
    row = row_of("Who taught Ilka Varn?")
    assert unasked_subjects(MIRA, row, scope_of(), expected=["Mira Solano."]) == set()
    assert unasked_subjects(f"{MIRA}, {JAD}", row, scope_of(), expected=["Mira Solano."]) == {JAD}


def test_only_the_name_of_a_person_can_be_shortened() -> None:
    row = row_of("Which one?")
    assert unasked_subjects("Jad Al-Shamary", row, scope_of("copyright")) == set()
    assert unasked_subjects(JAD, row, scope_of("copyright")) == {JAD}


@given(st.lists(st.sampled_from(["Mira", "Solano", "Jad", "wrote", "of", "."]), max_size=8))
def test_whatever_the_question_says_itself_is_never_unasked(words: list[str]) -> None:
    text = " ".join(words)
    assert named(text, f"{text}?") == set()
