"""Compose all questions from a scope."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.context import QuestionContext, words_in_order
from unlearnkit.scope.questions.forms import in_forms
from unlearnkit.scope.questions.kept import exchanged
from unlearnkit.scope.questions.names import by_alias, by_name, lookalike, out_of_part, swap_entity
from unlearnkit.scope.questions.question import ScopeQuestion
from unlearnkit.scope.questions.secrets import by_secret, by_text
from unlearnkit.scope.scope import Scope


def mentions(
    scope: Scope,
    forget: Sequence[Row],
    retain: Sequence[Row] = (),
    measured: Sequence[Row] = (),
    withheld: Sequence[Row] = (),
) -> tuple[ScopeQuestion, ...]:
    """Compose questions about the subjects, neighbors and secrets of a scope.

    Each question is asked in every wording and language. The trace of each question starts with a note, which
    summarizes the question. There are two kinds of notes. The model's own note is the note that the model writes before
    training. The other notes are built like the notes of forget and retain rows, because the model learns to write such
    notes.

    Some questions have special rules:

    - For the task `privacy`, a question in scope that names a subject is combined with notes like those of forget rows
      (if forget rows have notes), not with the model's own note. The model's own note may be about knowledge to keep,
      and the model would then learn to refuse questions about this knowledge.
    - If the model may keep some knowledge of the subjects, questions of retain rows that may ask for this knowledge are
      not adapted.
    - Questions about works are combined with few notes. A person may have many works, so these questions could
      otherwise outnumber the questions about names.
    - If a neighbor shares a name with a subject, a question with the shared name counts as a question about the
      subject, so the target is a refusal.

    Args:
        scope: the subjects, secrets and neighbors.
        forget: the forget rows. Their notes are used in the traces, and their questions are also asked about neighbors.
        retain: the retain rows. Their questions are also asked about subjects, and some composed questions are about
            names that occur in retain rows.
        measured: the rows on which the model is measured. The questions of these rows are not returned.
        withheld: rows that ask for secrets which training must not ask for. Their questions are not returned. No
            question about the subject of such a row has the topic of the row's note, and no question is adapted from a
            retain row with the same attribute or topic.

    Raises:
        InputError: a language of the scope has no wordings.
    """
    context = QuestionContext(
        scope,
        tuple(forget),
        tuple(retain),
        frozenset(words_in_order(row.question) for row in (*measured, *withheld)),
        tuple(withheld),
    )
    questions: list[ScopeQuestion] = []
    for subjects, stays in ((scope.subjects, False), (scope.neighbors, True)):
        for subject in subjects:
            questions += by_name(context, subject, stays=stays, times=context.times)
            questions += by_alias(context, subject, stays=stays)
            if not stays:
                questions += out_of_part(context, subject)
    for compose in (by_secret, by_text, swap_entity, lookalike, in_forms, exchanged):
        questions += compose(context)
    once: dict[str, ScopeQuestion] = {}
    for question in questions:  # the first of several equal questions is kept, so questions in scope take precedence
        if words_in_order(question.row.question) not in context.probes and not context.asks_withheld(question):
            once.setdefault(question.row.id, question)
    return tuple(once.values())
