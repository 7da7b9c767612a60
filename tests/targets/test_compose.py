"""Rows composed from questions: which are kept, with which notes, and which are left out."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.compose import mentions
from unlearnkit.scope.questions.question import ScopeQuestion, question_row
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret
from unlearnkit.targets.compose import composed_rows

SCOPE = Scope(
    description="All about two authors.",
    task="profile",
    subjects=(ScopeSubject(name="Ada Lund"), ScopeSubject(name="Bo Quist")),
    secrets=(Secret(subject="Ada Lund", forms=("Geneva",)),),
)


def row(subject: str, topic: str, question: str, **more: str) -> Row:
    name = {"id": f"{subject}/{topic}", "subject": subject, "attribute": topic.lower()}
    return Row(question=question, answer="It is so.", trace=f"{topic} of {subject}.", **{**name, **more})


WITHHELD = (row("Ada Lund", "Award", "Which award did Ada Lund win?"),)


def kept(notes: Sequence[str], withheld: Sequence[Row]) -> set[str]:
    """Numbers of the questions that are kept, where the model's own notes are `notes`."""
    questions = [
        ScopeQuestion(question_row(f"{n}: who is Ada Lund?", None, "en", "Ada Lund"), "Ada Lund", False, None)
        for n in range(len(notes))
    ]

    def generate(rows: Sequence[Row]) -> list[Generation]:
        return [Generation(text=note, trace=note, response="x", ended="eos") for note in notes[: len(rows)]]

    rows = composed_rows(SCOPE, questions, generate, [], withheld)
    return {each.row.question.partition(":")[0] for each in rows}


def test_a_question_whose_own_note_asks_for_a_withheld_secret_is_left_out() -> None:
    notes = ["Town of Ada Lund.", "Award of Ada Lund.", "Award of the author of X, Ada Lund."]
    assert kept(notes, ()) == {"0", "1", "2"}
    assert kept(notes, WITHHELD) == {"0"}


def test_topics_of_other_subjects_are_left_out_for_the_subject_alone() -> None:
    forget = [
        row("Bo Quist", "Award", "Which award did Bo Quist win?"),
        row("Ada Lund", "Town", "Where is Ada Lund from?"),
    ]

    def topics(withheld: Sequence[Row]) -> dict[str | None, set[str | None]]:
        found: dict[str | None, set[str | None]] = {}
        for question in mentions(SCOPE, forget, withheld=withheld):
            found.setdefault(question.row.subject, set()).add(question.topic)
        return found

    every = {None, "Award of ", "Town of "}
    assert topics(()) == {"Ada Lund": every, "Bo Quist": every}
    assert topics(WITHHELD) == {"Ada Lund": {None, "Town of "}, "Bo Quist": every}


def test_no_question_is_borrowed_that_asks_for_a_withheld_secret() -> None:
    """Neither by attribute, nor, for a statement, by the topic of its note."""
    retain = [
        row("Cy Dahl", "Award", "Which prize has Cy Dahl got?"),
        row("Cy Dahl", "Award", "Is the Oak what Cy Dahl won?", id="statement", attribute="statement"),
        row("Cy Dahl", "Street", "In which street is Cy Dahl?"),
    ]

    def borrowed(withheld: Sequence[Row]) -> set[str]:
        questions = mentions(SCOPE, [row("Ada Lund", "Town", "Where is Ada Lund from?")], retain, withheld=withheld)
        wordings = {one.question.replace("Cy Dahl", "Ada Lund") for one in retain}
        return {question.row.question for question in questions} & wordings

    assert len(borrowed(())) == 3
    assert borrowed(WITHHELD) == {"In which street is Ada Lund?"}
