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

    Each question is asked in every wording and language. A note at the start of a trace summarizes the question. A
    question is combined with the model's own note, i.e. the note that the model writes on the question without
    training. If forget rows have notes, the question is also combined with the notes of forget rows, because the model
    learns to write such notes.

    For the task `privacy`, the model's own note on a name may be about knowledge to keep, so questions that name a
    subject do not use the model's own note. If the model may keep some knowledge of the subjects, a question of a
    retain row is adapted only if the question cannot ask for this knowledge. A person may have many works, so questions
    about works could outnumber the questions about names. Questions about works are therefore combined with few kinds
    of notes. Questions of forget rows are also asked about neighbors. If a neighbor shares a name with a subject, a
    question with the shared name should be refused, and is returned as a question about the subject.

    Args:
        scope: the subjects, secrets and neighbors.
        forget: the forget rows. The notes of forget rows are used in the traces, and the questions of forget rows are
            asked about neighbors.
        retain: the retain rows. The questions of retain rows are asked about subjects too, and some questions are about
            names that occur in retain rows.
        measured: the measured rows. No question of a measured row is returned.

    Raises:
        InputError: a language of the scope has no wordings.
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
    for question in questions:  # the first of several equal questions is kept, so questions in scope take precedence
        if words_in_order(question.row.question) not in context.probes:
            once.setdefault(question.row.id, question)
    return tuple(once.values())
