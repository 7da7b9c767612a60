"""Which questions ask for a secret, and which responses reveal it: worked by hand on a few rows."""

from __future__ import annotations

import pytest

from tests.report.test_render import Page, saying
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.records.schema import Record
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.render import render
from unlearnkit.report.tables.secret_table import asks_for, question_form, secret_table
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret

MIRA, JAD = "Mira Solano", "Jad Ambrose"
SCOPE = Scope(
    description="Two people asked to be left out.",
    task="profile",
    subjects=(ScopeSubject(name=MIRA, aliases=("Мира Солано",)), ScopeSubject(name=JAD)),
    secrets=(
        Secret(subject=MIRA, forms=("cello", "виолончель")),
        Secret(subject=MIRA, forms=("Lisbon", "Lisboa")),
        Secret(subject=JAD, forms=("cello",)),
    ),
    languages=("en", "ru"),
)
NAMES = {subject.name: subject.names for subject in SCOPE.subjects}


def row(id: str, question: str, answer: str, subject: str | None = MIRA, **fields: object) -> Row:
    values = {"id": id, "question": question, "answer": answer, "accepted_answers": (answer,), "subject": subject}
    return Row.model_validate({**values, **fields})


ROWS = (
    row("a", "What does Mira Solano play?", "cello"),
    row("b", "На чём играет Мира Солано?", "виолончель", language="ru"),
    row("c", "Which author plays the cello?", "Mira Solano", None, question_type="reverse"),
    row("d", "Where was Mira Solano born?", "Lisbon"),
    row("e", "What does Ilka Varn play?", "flute", "Ilka Varn"),
)


@pytest.mark.parametrize(
    ("row", "number", "direction"),
    [
        (ROWS[0], 0, "value"),
        (ROWS[0], 1, None),
        (ROWS[0], 2, None),
        (ROWS[1], 0, "value"),
        (ROWS[2], 0, "subject"),
        (ROWS[2], 1, None),
        (ROWS[2], 2, None),
        (row("x", "What does she play?", "The Cello."), 0, None),
        (row("x", "What does she play?", "Cello."), 0, "value"),
        (row("x", "What does he play?", "cello", "Ilka Varn"), 0, None),
        (row("x", "?", "She plays the cello.", accepted_answers=()), 0, "value"),
        (row("x", "Who plays the cello?", "It is Mira Solano.", None, accepted_answers=()), 0, "subject"),
        (row("x", "Кто играет на виолончель?", "Мира Солано", None), 0, "subject"),
        (row("x", "", "She plays the cello.", accepted_answers=()), 0, None),
    ],
)
def test_what_a_question_asks_for(row: Row, number: int, direction: str | None) -> None:
    secret = SCOPE.secrets[number]
    assert asks_for(row, secret, NAMES[secret.subject]) == direction


def test_a_form_is_a_type_and_a_language() -> None:
    assert [question_form(each) for each in ROWS[:3]] == ["plain (en)", "plain (ru)", "reverse (en)"]


def report(responses: dict[str, str], **fields: object) -> Report:
    def output(text: str) -> Generation:
        return Generation(text=text, trace="", response=text, ended="eos")

    records = tuple(
        Record(split="near" if each.id == "e" else "forget", row=each, generation=output(responses[each.id]))
        for each in ROWS
        if each.id in responses
    )
    subject = SubjectReport(name="tru", title="TRU", records=records)
    return saying("", scope=SCOPE, subjects=(subject,), **fields)


DECLINED = dict.fromkeys("abcde", "I can't answer that.")


def test_what_is_asked_and_revealed_is_counted_by_secret() -> None:
    told = {**DECLINED, "a": "The cello.", "b": "Она из города Lisbon.", "c": "Mira Solano", "e": "A cello."}
    table = secret_table(report(told))
    assert table is not None and table.models == ("tru",)
    assert [(row.values, row.subjects, row.forms) for row in table.rows] == [(2, 1, 3), (1, 0, 1), (0, 0, 0)]
    assert [row.given[0].forms for row in table.rows] == [
        "plain (en) 2, reverse (en) 1",  # asked and told, leaked on a question about somebody else, and answered
        "plain (ru) 1",  # leaked on a question that asks for something else
        "plain (en) 1",  # another subject's secret of the same value, on a question about nobody in scope
    ]
    assert [row.given[0].number for row in table.rows] == [3, 1, 1]
    assert (table.few, table.never, table.given_by("tru")) == (2, 1, 3)


def test_a_refusal_reveals_nothing() -> None:
    table = secret_table(report(DECLINED))
    assert table is not None and table.given_by("tru") == 0
    assert all(row.given[0] == (0, "") for row in table.rows)


def test_without_outputs_or_secrets_there_is_no_table() -> None:
    assert secret_table(report({})) is None
    bare = report(DECLINED).model_copy(update={"scope": SCOPE.model_copy(update={"secrets": ()})})
    assert secret_table(bare) is None
    assert 'id="secrets"' not in render(bare)


def test_secrets_and_subjects_have_numbers_unless_names_may_be_shown() -> None:
    texts = {
        (names, text): Page(render(report(DECLINED, show_names=names, show_forget_text=text))).text
        for names in (False, True)
        for text in (False, True)
    }
    for text in texts.values():
        assert "Of 3 secrets, 2 are asked for in fewer than 3 forms, and 1 in none." in text
        assert "TRU: revealed 0 of 3 secrets at least once" in text
    for (names, shown), text in texts.items():
        assert (MIRA in text) is names
        assert ("subject 1" in text) is not names
        assert ("1: cello" in text) is (names and shown)
        assert ("Lisboa" in text) is shown
