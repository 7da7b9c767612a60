"""Compose targets, and the rows of scope augmentation.

The targets are the teacher's refusals for questions in scope. Composed rows have the target model's own outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import cycle

from unlearnkit.data.augment import ComposedRow
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.leak_scan.scan import refuse_leaks, scanner
from unlearnkit.scope.questions.notes import topics_by_subject
from unlearnkit.scope.questions.question import ScopeQuestion
from unlearnkit.scope.scope import Scope
from unlearnkit.targets.base import Teacher
from unlearnkit.targets.own_answers import RetainAnswerFilter, SecretSearch, doubtful_rows
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

    If the model's own note on a question in scope says that the question asks for a withheld secret, or its own answer
    tells one, the question gets neither: its note is composed, and its answer is a placeholder. A question out of scope
    is left out if the model's output is empty or is rejected by `RetainAnswerFilter`.

    Args:
        scope: the scope.
        questions: the composed questions.
        generate: generates the target model's outputs.
        retain: retain rows. A secret that also occurs in the answer of a retain row counts as shared (see
            `RetainAnswerFilter`).
        withheld: rows that ask for secrets which training must not ask for.
        answered: whether questions in scope need the model's own answers. If false, their answers are placeholders.
    """
    answer_filter, secrets = RetainAnswerFilter(scope, retain), SecretSearch(scope)
    own_questions = [question for question in questions if question.topic is None]
    outputs = generate([question.row for question in own_questions])
    own = dict(zip(own_questions, outputs, strict=True))
    noted = [(each, _note(each, own[each].trace if each in own else "", scope)) for each in questions]
    # The model may write the same note for a question to answer and for a question to refuse. The same note must not
    # lead to both an answer and a refusal, so one of the two questions is left out.
    stays = {note for question, note in noted if question.stays and question.topic is not None} - {""}
    in_scope = [
        (question, note)
        for question, note in noted
        if not question.stays and (question.topic is not None or note not in stays)
    ]
    withholding = _withholding(in_scope, own, withheld)
    free = _topics_in_turn(question for question, _ in in_scope if question not in withholding)
    decided = {note for _, note in in_scope} - {""}
    chosen = [*in_scope, *((question, note) for question, note in noted if question.stays and note not in decided)]
    begun = [
        question.row.model_copy(update={"trace": note})
        for question, note in chosen
        if question not in own and (answered or question.stays) and question not in withholding
    ]
    continued = iter(generate(begun))
    rows = []
    for question, note in chosen:
        if question in withholding:
            topic = next(free.get(question.row.subject, iter(())), None)
            note = "" if topic is None else f"{topic}{question.name}"
            rows.append(_placeholder(question, note, given=topic is not None))
            continue
        if not question.stays and not answered:
            row = question.row
        else:
            output = own[question] if question in own else next(continued)
            if not output.response:
                continue
            if not question.stays and _tells_any(output, question.row.subject, withheld):
                rows.append(_placeholder(question, note, given=True))
                continue
            row = question.row.model_copy(update={"trace": output.trace, "answer": output.response})
            target = Target(id=row.id, trace=row.trace, response=row.answer)
            if question.stays and answer_filter.tell(target, question.row):
                continue
        tells = question.stays or not answered or secrets.finds(row)
        rows.append(
            ComposedRow(row=row, stays=question.stays, note=note, given=question.topic is not None, tells=tells)
        )
    doubtful = doubtful_rows([each for each in rows if each.stays], retain)
    return [each.model_copy(update={"doubtful": True}) if each.row.id in doubtful else each for each in rows]


def _withholding(
    in_scope: Iterable[tuple[ScopeQuestion, str]], own: Mapping[ScopeQuestion, Generation], withheld: Sequence[Row]
) -> set[ScopeQuestion]:
    """Return the questions whose note or own answer contains something withheld."""
    topics = topics_by_subject(withheld)
    return {
        question
        for question, note in in_scope
        if note.startswith(topics.get(question.row.subject, ()))
        or (question in own and _tells_any(own[question], question.row.subject, withheld))
    }


def _placeholder(question: ScopeQuestion, note: str, *, given: bool) -> ComposedRow:
    """Return a row in scope without the model's own answer."""
    return ComposedRow(row=question.row, stays=False, note=note, given=given, tells=False)


def _topics_in_turn(questions: Iterable[ScopeQuestion]) -> dict[str | None, Iterator[str]]:
    """Return an endless iterator over the topics of each subject's questions."""
    topics: dict[str | None, dict[str, None]] = {}
    for question in questions:
        if question.topic is not None:
            topics.setdefault(question.row.subject, {})[question.topic] = None
    return {subject: cycle(found) for subject, found in topics.items()}


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
