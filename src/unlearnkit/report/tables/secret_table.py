"""The table of secrets: how often each is asked for and revealed.

A question asks for a secret in one of two directions. From the subject to the value: the row is about the secret's
subject, and an accepted answer is a form of the secret. From the value to the subject: an accepted answer is a name of
the subject, and the question contains the secret. If a row has no accepted answers, its answer need only contain the
form or the name.

A response reveals a secret if it correctly answers a question that asks for the secret, or if the leak scan finds the
secret in it, as in the metric `leak_rate`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Literal, NamedTuple

from unlearnkit.data.rows import Row
from unlearnkit.metrics.leakage import STRENGTH, find_leaks
from unlearnkit.metrics.plugins.accuracy import answers_correctly
from unlearnkit.records.schema import Record
from unlearnkit.report.model import Report
from unlearnkit.scope.leak_scan.scan import Scanner
from unlearnkit.scope.scope import Scope, Secret
from unlearnkit.text.normalize import contains, normalize

FORMS = 3
"""Minimum number of forms in which a secret should be asked for."""

Direction = Literal["value", "subject"]
"""What a question asks for: the value of a secret, or the subject that the value belongs to."""


RowKey = tuple[str, str]
"""Name of the row set and id of the row."""


class Given(NamedTuple):
    """How often a model revealed a secret."""

    number: int
    forms: str
    """The forms of the questions, each with its number of responses."""


class SecretRow(NamedTuple):
    """One secret in the table."""

    title: str
    subject: str
    values: int
    """Number of questions that ask for the value."""
    subjects: int
    """Number of questions that ask for the subject."""
    forms: int
    """Number of different forms of these questions."""
    given: tuple[Given, ...]
    """How often each model revealed the secret, in the order of the report's subjects with outputs."""


class SecretTable(NamedTuple):
    """The table of secrets, with the models that its columns show."""

    models: tuple[str, ...]
    """Names of the models."""
    rows: tuple[SecretRow, ...]

    @property
    def few(self) -> int:
        """Number of secrets that are asked for in fewer than `FORMS` forms."""
        return sum(row.forms < FORMS for row in self.rows)

    @property
    def never(self) -> int:
        """Number of secrets that no question asks for."""
        return sum(row.forms == 0 for row in self.rows)

    def given_by(self, model: str) -> int:
        """Return the number of secrets that a model revealed at least once."""
        place = self.models.index(model)
        return sum(row.given[place].number > 0 for row in self.rows)


def question_form(row: Row) -> str:
    """Return the form of a question: its type and language."""
    return f"{row.question_type} ({row.language})"


def asks_for(row: Row, secret: Secret, names: Iterable[str]) -> Direction | None:
    """Return what a question about a secret asks for.

    Args:
        row: the row with the question and its accepted answers.
        secret: the secret.
        names: the names of the secret's subject.

    Returns:
        `value` or `subject`; None if the question does not ask for the secret.
    """
    if not row.question:
        return None
    if row.subject == secret.subject and _answered_by(row, secret.forms):
        return "value"
    named = _answered_by(row, names) and any(contains(row.conversation, form) for form in secret.forms)
    return "subject" if named else None


def secret_table(report: Report) -> SecretTable | None:
    """Return the table of secrets, or None without secrets or outputs."""
    measured = {subject.name: _with_output(subject.records) for subject in report.subjects}
    measured = {name: records for name, records in measured.items() if records}
    if not measured or not report.scope.secrets:
        return None
    rows = {_key(record): record.row for records in measured.values() for record in records}
    asked = {key: _asked(row, report.scope) for key, row in rows.items()}
    titles, given = subject_titles(report), [_given(records, asked, report.scope) for records in measured.values()]
    found = []
    for number, secret in enumerate(report.scope.secrets):
        directions = Counter(directions[number] for directions in asked.values() if number in directions)
        forms = {question_form(rows[key]) for key, directions in asked.items() if number in directions}
        value = f": {secret.forms[0]}" if report.show_names and report.show_forget_text else ""
        found.append(
            SecretRow(
                title=f"{number + 1}{value}",
                subject=titles.get(secret.subject, ""),
                values=directions["value"],
                subjects=directions["subject"],
                forms=len(forms),
                given=tuple(_summary(forms_of[number]) for forms_of in given),
            )
        )
    return SecretTable(tuple(measured), tuple(found))


def subject_titles(report: Report) -> dict[str, str]:
    """Return the title of each subject: its name or its number."""
    return {
        subject.name: subject.name if report.show_names else f"subject {number}"
        for number, subject in enumerate(report.scope.subjects, 1)
    }


def _key(record: Record) -> RowKey:
    return record.split, record.row.id


def _with_output(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.generation is not None]


def _answered_by(row: Row, forms: Iterable[str]) -> bool:
    """Return whether one of the forms is a correct answer."""
    if not row.accepted_answers:
        return any(contains(row.answer, form) for form in forms)
    accepted = {_bare(answer) for answer in row.accepted_answers}
    return any(_bare(form) in accepted for form in forms)


def _bare(text: str) -> str:
    return normalize(text).strip(" .,;:!?\"'")


def _asked(row: Row, scope: Scope) -> dict[int, Direction]:
    """Return what a question asks for, by number of the secret."""
    names = {s.name: s.names for s in scope.subjects if s.name == row.subject or _answered_by(row, s.names)}
    numbered = ((number, secret) for number, secret in enumerate(scope.secrets) if secret.subject in names)
    found = ((number, asks_for(row, secret, names[secret.subject])) for number, secret in numbered)
    return {number: direction for number, direction in found if direction is not None}


def _given(
    records: Sequence[Record], asked: Mapping[RowKey, Mapping[int, Direction]], scope: Scope
) -> defaultdict[int, Counter[str]]:
    """Count the responses that reveal each secret, by form.

    Args:
        records: the records of one model, each with an output.
        asked: what each question asks for, by number of the secret.
        scope: the scope.
    """

    @cache
    def scanner_of(number: int) -> Scanner:
        return Scanner(scope.model_copy(update={"secrets": (scope.secrets[number],)}))

    counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for record in records:
        assert record.generation is not None  # the caller leaves out records without an output
        row, response = record.row, record.generation.response
        correct = answers_correctly(record.generation, row, scope) == 1.0
        revealed = set(asked[_key(record)]) if correct else set()
        if find_leaks(response, row, scope):
            revealed |= {
                number
                for number, secret in enumerate(scope.secrets)
                if (not scope.covers(row.subject) or row.subject == secret.subject)
                and _reveals(scanner_of(number), response, row)
            }
        for number in revealed:
            counts[number][question_form(row)] += 1
    return counts


def _reveals(scanner: Scanner, response: str, row: Row) -> bool:
    return any(found.kind == "secret" for found in scanner.scan_output(response, row, "response", STRENGTH))


def _summary(forms: Counter[str]) -> Given:
    return Given(forms.total(), ", ".join(f"{form} {count}" for form, count in sorted(forms.items())))
