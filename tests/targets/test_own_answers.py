"""What the target model's own answers tell, and whether they may be wrong."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from unlearnkit.data.augment import ComposedRow
from unlearnkit.data.rows import Row, Turn
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret
from unlearnkit.targets.own_answers import SecretSearch, doubtful_rows

SCOPE = Scope(
    description="Two authors.",
    task="profile",
    subjects=(ScopeSubject(name="Ada Lund", aliases=("A. Lund",)), ScopeSubject(name="Bo Quist")),
    secrets=(Secret(subject="Ada Lund", forms=("Geneva", "Ginebra")),),
)


@pytest.mark.parametrize(
    ("answer", "tells"),
    [
        ("She is from Geneva.", True),
        ("De Ginebra.", True),
        ("She is from Turin.", False),
        ("Yes, she is.", False),
        ("Ada Lund is from Turin.", False),  # the question names her
        ("A. Lund is.", True),
    ],
)
def test_an_answer_tells_the_secrets_and_names_beyond_its_question(answer: str, tells: bool) -> None:
    asked = Row(id="1", question="Where is Ada Lund from?", answer=answer, subject="Ada Lund")
    assert SecretSearch(SCOPE).finds(asked) == tells


def test_a_name_in_an_earlier_turn_is_not_told() -> None:
    earlier = (Turn(role="user", content="Who is Ada Lund?"), Turn(role="assistant", content="An author of Geneva."))
    asked = Row(id="1", question="From where?", answer="Ada Lund is from Geneva.", subject="Ada Lund", history=earlier)
    assert not SecretSearch(SCOPE).finds(asked)
    assert SecretSearch(SCOPE).finds(asked.model_copy(update={"history": ()}))


def test_without_a_listed_secret_an_answer_may_tell_anything() -> None:
    assert SecretSearch(SCOPE).finds(
        Row(id="1", question="Where is Bo Quist from?", answer="Turin.", subject="Bo Quist")
    )


def asked(*answers: str, note: str = "", subject: str = "Cy Dahl") -> list[ComposedRow]:
    """Composed rows with different questions about one person."""
    return [
        ComposedRow(
            row=Row(id=f"{note}/{n}", question=f"Question {n}?", answer=answer, subject=subject, trace=note),
            stays=True,
            note=note,
        )
        for n, answer in enumerate(answers)
    ]


def sure(rows: Sequence[ComposedRow], retain: Sequence[Row] = ()) -> list[str]:
    """The answers that are not doubtful."""
    doubtful = doubtful_rows(rows, retain)
    return [each.row.answer for each in rows if each.row.id not in doubtful]


def test_with_notes_the_most_frequent_answer_to_the_same_is_consistent() -> None:
    rows = asked("Rome.", "rome", "Turin.", "Bern", note="Town of Cy Dahl") + asked("Rome.", note="Award of Cy Dahl")
    assert sure(rows) == ["Rome.", "rome"]
    assert sure(asked("Rome.", "Turin.", "Rome.", "Turin.", note="Town of Cy Dahl")) == []


def test_without_notes_two_questions_with_one_answer_are_consistent() -> None:
    assert sure(asked("Rome.", "Rome.", "1971.", "1971.", "1971.", "Bern.")) == [
        "Rome.",
        "Rome.",
        "1971.",
        "1971.",
        "1971.",
    ]


def test_a_note_without_the_name_is_no_sign_that_the_model_knows_the_name() -> None:
    rows = asked("Rome.", "Rome.")
    noted = [each.model_copy(update={"row": each.row.model_copy(update={"trace": "Town of Di Eng."})}) for each in rows]
    assert sure(rows) == ["Rome.", "Rome."] and sure(noted) == []


def test_the_same_question_in_other_letters_is_no_second_witness() -> None:
    first, second = asked("Rome.", "Rome.", note="Town of Cy Dahl")
    shouted = second.row.model_copy(update={"question": first.row.question.upper()})
    assert sure([first, second]) == ["Rome.", "Rome."]
    assert sure([first, second.model_copy(update={"row": shouted})]) == []


@pytest.mark.parametrize(
    ("trace", "subject", "right"),
    [
        ("Town of Cy Dahl.", "Cy Dahl", True),
        ("", "Cy Dahl", True),
        ("Award of Cy Dahl.", "Cy Dahl", False),  # the answer to another question
        ("Town of Cy Dahl.", "Di Eng", False),
    ],
)
def test_the_answer_of_a_retain_row_is_right(trace: str, subject: str, right: bool) -> None:
    given = Row(id="r", question="From where?", answer="Rome", trace=trace, subject=subject)
    rows = asked("He is from Rome.", "Bern.", note="Town of Cy Dahl")
    assert sure(rows, [given]) == (["He is from Rome."] if right else [])
