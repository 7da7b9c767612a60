"""Compose all questions from a scope."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.context import QuestionContext, words_in_order
from unlearnkit.scope.questions.names import by_alias, by_name, lookalike, out_of_part, swap_entity
from unlearnkit.scope.questions.question import ScopeQuestion
from unlearnkit.scope.questions.secrets import by_secret, by_text
from unlearnkit.scope.scope import Scope


def mentions(
    scope: Scope, forget: Sequence[Row], retain: Sequence[Row] = (), measured: Sequence[Row] = ()
) -> tuple[ScopeQuestion, ...]:
    """Compose questions on every subject, neighbor and short secret.

    In every wording and language. A question occurs with the model's own note, and with the notes of forget rows, if
    rows have notes: the first is what the model thinks about a new question, the others what it thinks about forget
    rows. If some knowledge of the subjects may stay, the model's own note may be about that, so it is omitted, and only
    questions that cannot ask for the forgotten part are borrowed. A person's works are many and would outnumber the
    names, so their questions have few kinds of notes. Questions of forget rows are also asked about neighbors. A
    question that is both refused and kept, because a neighbor shares the name of a subject, is refused.

    Args:
        scope: the subjects, secrets and neighbors.
        forget: rows whose notes are used as beginnings, and whose questions are asked about neighbors.
        retain: rows whose questions are borrowed, and whose names are added to those of the scope.
        measured: rows whose questions must not be among those returned.

    Raises:
        InputError: there are no wordings in a language of the scope.
    """
    context = QuestionContext(
        scope, tuple(forget), tuple(retain), frozenset(words_in_order(row.question) for row in measured)
    )
    questions: list[ScopeQuestion] = []
    for subjects, stays in ((scope.subjects, False), (scope.neighbors, True)):
        for subject in subjects:
            questions += by_name(context, subject, stays=stays, times=context.times)
            questions += by_alias(context, subject, stays=stays)
            if not stays:
                questions += out_of_part(context, subject)
    for compose in (by_secret, by_text, swap_entity, lookalike):
        questions += compose(context)
    once: dict[str, ScopeQuestion] = {}
    for question in questions:  # questions in scope come first and take precedence
        if words_in_order(question.row.question) not in context.probes:
            once.setdefault(question.row.id, question)
    return tuple(once.values())
