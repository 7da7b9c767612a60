"""Compose targets, and the rows of scope augmentation.

The targets are the teacher's refusals for questions in scope. Composed rows have the target model's own outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from unlearnkit.data.augment import ComposedRow
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.leak_scan.scan import Scanner, refuse_leaks, scanner
from unlearnkit.scope.questions.notes import topics_by_subject
from unlearnkit.scope.questions.question import ScopeQuestion
from unlearnkit.scope.scope import Scope, Secret
from unlearnkit.targets.base import Teacher
from unlearnkit.text.normalize import contains

Generate = Callable[[Sequence[Row]], Sequence[Generation]]
"""Function that generates the target model's outputs for rows. If a row has a trace, its output starts with this
trace."""


def forget_targets(rows: Sequence[Row], scope: Scope, teacher: Teacher, seed: int) -> list[Target]:
    """Return the teacher's target for each row.

    Raises:
        UnlearnError: a target leaks a secret.
    """
    targets = teacher.write(rows, scope, seed)
    refuse_leaks(targets, list(rows), scope)
    return targets


def composed_rows(
    scope: Scope,
    questions: Sequence[ScopeQuestion],
    generate: Generate,
    retain: Sequence[Row],
    withheld: Sequence[Row] = (),
    *,
    answered: bool = True,
) -> list[ComposedRow]:
    """Return composed questions with the target model's own outputs.

    A question in scope is left out if the model's own note says that the question asks for a withheld secret, or if the
    model's own answer tells one. A
    question out of scope is left out if the model's output is empty or is rejected by `RetainAnswerFilter`.

    Args:
        scope: the scope.
        questions: the composed questions.
        generate: generates the target model's outputs.
        retain: retain rows. A secret that also occurs in the answer of a retain row counts as shared (see
            `RetainAnswerFilter`).
        withheld: rows that ask for secrets which training must not ask for.
        answered: whether questions in scope need the model's own answers. If false, their answers are placeholders.
    """
    answer_filter = RetainAnswerFilter(scope, retain)
    own_questions = [question for question in questions if question.topic is None]
    outputs = generate([question.row for question in own_questions])
    own = dict(zip(own_questions, outputs, strict=True))
    noted = [(each, _note(each, own[each].trace if each in own else "", scope)) for each in questions]
    # The model may write the same note for a question to answer and for a question to refuse. The same note must not
    # lead to both an answer and a refusal, so one of the two questions is left out.
    stays = {note for question, note in noted if question.stays and question.topic is not None} - {""}
    topics = topics_by_subject(withheld)
    in_scope = [
        (question, note)
        for question, note in noted
        if not question.stays
        and (question.topic is not None or note not in stays)
        and not note.startswith(topics.get(question.row.subject, ()))
        and not (question in own and _tells_any(own[question], question.row.subject, withheld))
    ]
    decided = {note for _, note in in_scope} - {""}
    chosen = [*in_scope, *((question, note) for question, note in noted if question.stays and note not in decided)]
    begun = [
        question.row.model_copy(update={"trace": note})
        for question, note in chosen
        if question not in own and (answered or question.stays)
    ]
    continued = iter(generate(begun))
    rows = []
    for question, note in chosen:
        if not question.stays and not answered:
            row = question.row
        else:
            output = own[question] if question in own else next(continued)
            if not output.response or (not question.stays and _tells_any(output, question.row.subject, withheld)):
                continue
            row = question.row.model_copy(update={"trace": output.trace, "answer": output.response})
            target = Target(id=row.id, trace=row.trace, response=row.answer)
            if question.stays and answer_filter.tell(target, question.row):
                continue
        rows.append(ComposedRow(row=row, stays=question.stays, note=note, given=question.topic is not None))
    return rows


def _tells_any(output: Generation, subject: str | None, withheld: Sequence[Row]) -> bool:
    """Return whether an output tells a withheld secret of its subject."""
    return any(
        contains(output.response, answer) for row in withheld if row.subject == subject for answer in row.answers
    )


def _note(question: ScopeQuestion, own: str, scope: Scope) -> str:
    """Return the note of a question.

    The note is empty if it would reveal a secret.
    """
    note = question.note(own)
    return "" if scanner(scope).scan(Target(id=question.row.id, trace=note, response=""), question.row) else note


class RetainAnswerFilter:
    """Detects secrets in the model's own answers.

    The filter searches only for the forms of secrets that the scope lists. A secret counts as shared if one of its
    forms is also in `scope.allowed` or in the answer of a retain row. A shared secret counts only in answers about its
    own subject. In other answers, the shared secret reveals nothing about its own subject.
    """

    def __init__(self, scope: Scope, retain: Sequence[Row]) -> None:
        allowed = [form for fact in scope.allowed for form in fact.forms]
        shared = "\n".join([*allowed, *(answer for row in retain for answer in row.answers)])
        names = (Secret(subject=one.name, forms=(one.name, *one.aliases)) for one in scope.subjects)
        secrets = (secret for secret in scope.secrets if not any(contains(shared, form) for form in secret.forms))
        self._scope, self._scanners = scope, dict[str | None, Scanner]()
        self._alone = [*names, *secrets]
        """Secrets and names that identify their subject in an answer to any question."""

    def tell(self, target: Target, row: Row) -> bool:
        """Return whether a target reveals a secret.

        All secrets of the row's own subject count, but the names of this subject do not count. The names of other
        subjects count, and so do their secrets, except shared secrets. Other subjects are included because a model may
        answer an unfamiliar question with facts about someone else that it knows well, such as facts from forget rows.
        """
        findings = self._scanner_for(row.subject).scan(target, row, "listed")
        return any(finding.kind in ("secret", "answer") for finding in findings)

    def _scanner_for(self, subject: str | None) -> Scanner:
        """Return a scanner for answers about `subject`.

        The scanner treats the names of all other subjects as secrets.
        """
        if subject not in self._scanners:
            named = {form for one in self._scope.subjects for form in (one.name, *one.aliases)}
            own = (one for one in self._scope.secrets if one.subject == subject and not named.issuperset(one.forms))
            others = (one for one in self._alone if one.subject != subject)
            secrets = (*own, *others)
            self._scanners[subject] = Scanner(self._scope.model_copy(update={"subjects": (), "secrets": secrets}))
        return self._scanners[subject]
