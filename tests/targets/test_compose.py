"""Rows composed from questions: which are kept, with which notes, and which are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from unlearnkit.data.augment import NO_ANSWER, ComposedRow
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row, Turn
from unlearnkit.scope.questions.compose import mentions
from unlearnkit.scope.questions.context import QuestionContext
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
    name = {"id": f"{subject}/{topic}", "subject": subject, "attribute": topic.lower(), "answer": "It is so."}
    return Row(question=question, trace=f"{topic} of {subject}.", **{**name, **more})


WITHHELD = (row("Ada Lund", "Award", "Which award did Ada Lund win?"),)


def own(notes: Sequence[str], withheld: Sequence[Row]) -> set[str]:
    """Numbers of the questions that keep the model's own answer, where the model's own notes are `notes`."""
    questions = [
        ScopeQuestion(question_row(f"{n}: who is Ada Lund?", None, "en", "Ada Lund"), "Ada Lund", False, None)
        for n in range(len(notes))
    ]

    def generate(rows: Sequence[Row]) -> list[Generation]:
        return [Generation(text=note, trace=note, response="x", ended="eos") for note in notes[: len(rows)]]

    rows = composed_rows(SCOPE, questions, generate, [], withheld)
    assert len(rows) == len(notes)
    without = [each for each in rows if each.row.answer == NO_ANSWER]
    assert not any(each.tells or "Award" in each.note for each in without)
    return {each.row.question.partition(":")[0] for each in rows if each.row.answer == "x"}


def test_a_question_whose_own_note_asks_for_a_withheld_secret_gets_neither_note_nor_answer() -> None:
    notes = ["Town of Ada Lund.", "Award of Ada Lund.", "Award of the author of X, Ada Lund."]
    assert own(notes, ()) == {"0", "1", "2"}
    assert own(notes, WITHHELD) == {"0"}


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


# Which rows are composed

BESIDE = "Cy Dahl"
KEPT = SCOPE.model_copy(
    update={
        "secrets": (*SCOPE.secrets, Secret(subject="Bo Quist", forms=("Turin",))),
        "neighbors": (ScopeSubject(name=BESIDE),),
    }
)


def question(text: str, name: str = "Ada Lund", topic: str | None = None) -> ScopeQuestion:
    """A question about somebody, which stays if the scope does not cover the name."""
    row = question_row(text.format(name=name), topic, "en", name)
    return ScopeQuestion(row, name, not KEPT.covers(name), topic)


def composed(
    questions: Sequence[ScopeQuestion], answers: dict[str, str], *, note: str = "Of {name}", **options: Any
) -> dict[str, ComposedRow]:
    """The composed rows by id, where the target model answers `answers` and notes `note`, or goes on from a note."""
    names = {each.row.id: each.name for each in questions}

    def generate(rows: Sequence[Row]) -> list[Generation]:
        asked.append([row.id for row in rows])
        return [
            Generation(
                text="",
                trace=f"{row.trace or note.format(name=names[row.id])}, it is said.",
                response=answers.get(row.id, "It is so."),
                ended="eos",
            )
            for row in rows
        ]

    asked: list[list[str]] = options.pop("asked", [])
    rows = composed_rows(KEPT, questions, generate, options.pop("retain", ()), **options)
    assert len({each.row.id for each in rows}) == len(rows)
    return {each.row.id: each for each in rows}


@pytest.mark.parametrize("topic", [None, "Town of "])
@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("Rome.", True),
        ("It is Geneva.", False),  # a secret of a subject
        ("Ask Bo Quist.", False),  # the name of a subject
        ("Ask Cy Dahl.", True),
        ("", False),
    ],
)
def test_out_of_scope_an_answer_that_tells_a_secret_is_left_out(topic: str | None, answer: str, kept: bool) -> None:
    asked = question("Where is {name}?", BESIDE, topic)
    rows = composed([asked], {asked.row.id: answer})
    assert set(rows) == ({asked.row.id} if kept else set())
    for each in rows.values():
        note = f"{topic or 'Of '}{BESIDE}"
        assert each == ComposedRow(
            row=asked.row.model_copy(update={"trace": f"{note}, it is said.", "answer": answer}),
            stays=True,
            note=note,
            given=topic is not None,
            doubtful=True,  # nothing confirms the answer
        )


def test_a_secret_that_others_share_may_be_told_of_them() -> None:
    asked = question("Where is {name}?", BESIDE)
    shared = row(BESIDE, "Town", "Where is Cy Dahl from?", answer="Geneva.")
    assert not composed([asked], {asked.row.id: "Geneva."})
    assert composed([asked], {asked.row.id: "Geneva."}, retain=[shared])


@pytest.mark.parametrize("topic", [None, "Town of "])
def test_in_scope_the_own_answer_is_kept_even_if_it_tells_a_secret(topic: str | None) -> None:
    """It is what the model has to unlearn."""
    asked = question("Where is {name}?", topic=topic)
    (each,) = composed([asked], {asked.row.id: "It is Geneva."}).values()
    assert (each.row.answer, each.stays, each.given) == ("It is Geneva.", False, topic is not None)


OAK = (row("Ada Lund", "Award", "Which award did Ada Lund win?", answer="The Oak."),)
PARTS = {"accepted_answers": ("The Oak", "the Oak award")}


@pytest.mark.parametrize(
    "topic",
    [
        None,
        "Town of ",
    ],
)
def test_in_scope_an_answer_that_tells_a_withheld_secret_is_replaced_by_a_placeholder(topic: str | None) -> None:
    withheld = [OAK[0].model_copy(update=PARTS)]
    questions = [question(f"Tell {at} of {{name}}.", topic=topic) for at in range(3)]
    others = [question("Tell of {name}.", "Bo Quist", topic)]
    answers = dict(zip([each.row.id for each in questions], ["The oak, yes.", "It is so.", "Oak."], strict=True))
    answers |= {others[0].row.id: "The Oak."}  # withheld of Ada alone
    rows = composed([*questions, *others], answers, withheld=withheld)
    placeholder = rows.pop(questions[0].row.id)
    assert (placeholder.row.answer, placeholder.tells, placeholder.stays) == (NO_ANSWER, False, False)
    assert set(rows) == {questions[1].row.id, questions[2].row.id, others[0].row.id}
    assert {each.row.answer for each in rows.values()} == {"It is so.", "Oak.", "The Oak."}
    assert composed(questions, answers)[questions[0].row.id].row.answer == "The oak, yes.", "nothing is withheld"


def test_a_placeholder_gets_a_composed_note_with_a_topic_that_is_not_withheld() -> None:
    withheld = [OAK[0].model_copy(update=PARTS)]
    town, asked = question("Tell of {name}.", topic="Town of "), question("Tell more of {name}.")
    rows = composed([town, asked], {town.row.id: "It is so.", asked.row.id: "The oak."}, withheld=withheld)
    assert (rows[asked.row.id].note, rows[asked.row.id].given) == ("Town of Ada Lund", True)
    assert rows[asked.row.id].to_refuse.answer == NO_ANSWER


def test_the_same_note_never_leads_to_an_answer_and_a_refusal() -> None:
    """A composed note decides; the question whose own note says the same is left out."""
    given = [question("A {name}?", "Ada Lund", "Town of "), question("B {name}?", BESIDE, "Town of ")]
    own = [question("C {name}?", "Ada Lund"), question("D {name}?", BESIDE)]
    # The model takes each question for the other one.
    taken = {own[0].row.id: "Town of Cy Dahl", own[1].row.id: "Town of Ada Lund"}

    def generate(rows: Sequence[Row]) -> list[Generation]:
        notes = [row.trace or taken[row.id] for row in rows]
        return [Generation(text="", trace=note, response="It is so.", ended="eos") for note in notes]

    swapped = [replace(own[0], name="Cy Dahl"), replace(own[1], name="Ada Lund")]
    rows = composed_rows(KEPT, [*given, *swapped], generate, ())
    assert {each.row.id for each in rows} == {each.row.id for each in given}
    by_note: dict[str, set[bool]] = {}
    for each in rows:
        by_note.setdefault(each.note, set()).add(each.stays)
    assert by_note == {"Town of Ada Lund": {False}, "Town of Cy Dahl": {True}}
    # Of two own notes, the refusal is kept.
    taken = dict.fromkeys(taken, "Town of Cy Dahl")
    (each,) = composed_rows(KEPT, [swapped[0], replace(own[1], name="Cy Dahl")], generate, ())
    assert (each.row.id, each.stays, each.note) == (own[0].row.id, False, "Town of Cy Dahl")


def test_no_own_answer_is_generated_for_a_method_that_does_not_read_it() -> None:
    questions = [
        question("A {name}?", "Ada Lund", "Town of "),
        question("B {name}?", "Ada Lund"),
        question("C {name}?", BESIDE, "Town of "),
        question("D {name}?", BESIDE),
    ]
    a, b, c, d = (each.row.id for each in questions)
    asked: list[list[str]] = []
    rows = composed(questions, {}, answered=False, asked=asked)
    # B and D are asked for their own notes; of the others, only the answer of C is read.
    assert asked == [[b, d], [c]]
    answers = {id: each.row.answer for id, each in rows.items()}
    assert answers == {a: "(none is known)", b: "(none is known)", c: "It is so.", d: "It is so."}
    assert {id: each.note for id, each in rows.items()} == {
        a: "Town of Ada Lund",
        b: "Of Ada Lund",
        c: "Town of Cy Dahl",
        d: "Of Cy Dahl",
    }
    asked.clear()
    assert {each.row.answer for each in composed(questions, {}, asked=asked).values()} == {"It is so."}
    assert asked == [[b, d], [a, c]]


def test_a_note_that_tells_a_secret_is_no_note() -> None:
    asked = question("Where is {name}?")
    (each,) = composed([asked], {}, note="Geneva is the town of {name}").values()
    assert (each.note, each.given) == ("", False) and each.to_refuse.trace == ""


def test_nothing_is_generated_without_questions() -> None:
    assert composed_rows(KEPT, [], lambda rows: [] if not rows else pytest.fail("there are no rows"), ()) == []


# Words that only questions for withheld secrets have


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("Which award did {name} get?", True),
        ("AWARDS of {name}", True),
        ("Which prize did {name} win?", True),  # "win" is a word of the withheld question alone
        ("Which town is {name} from?", False),
        ("Which did {name}?", False),
    ],
)
def test_a_question_with_a_word_of_a_withheld_question_alone_is_left_out(text: str, left_out: bool) -> None:
    context = QuestionContext(KEPT, (row("Bo Quist", "Town", "Which town is Bo Quist from?"),), (), frozenset(), OAK)
    assert context.asks_withheld(question(text)) is left_out
    assert not context.asks_withheld(question(text, "Bo Quist")), "it is withheld of Ada alone"
    assert not QuestionContext(KEPT, (), (), frozenset()).asks_withheld(question(text))


def test_a_word_that_other_questions_have_too_asks_for_nothing_withheld() -> None:
    retain = (row(BESIDE, "Town", "Which town did the award of Cy Dahl win over?"),)
    context = QuestionContext(KEPT, (), retain, frozenset(), OAK)
    assert not context.asks_withheld(question("Which award did {name} win?"))
    # A question for the same attribute of somebody else does not make the word a usual one.
    retain = (row(BESIDE, "Award", "Which award did Cy Dahl win?"),)
    context = QuestionContext(KEPT, (), retain, frozenset(), OAK)
    assert context.asks_withheld(question("Which award did {name} win?"))


def test_an_earlier_turn_may_ask_for_a_withheld_secret_too() -> None:
    context = QuestionContext(KEPT, (), (), frozenset(), OAK)
    before = (Turn(role="user", content="Which award is there?"), Turn(role="assistant", content="Many."))
    asked = ScopeQuestion(
        question_row("And Ada Lund?", None, "en", "Ada Lund", history=before), "Ada Lund", False, None
    )
    assert context.asks_withheld(asked)
    assert not context.asks_withheld(replace(asked, row=asked.row.model_copy(update={"history": ()})))
