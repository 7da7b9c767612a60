"""All questions composed from a scope."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.context import QuestionContext, words_in_order
from unlearnkit.scope.questions.names import beside, by_alias, by_name, lookalike, swap_entity
from unlearnkit.scope.questions.question import ScopeQuestion
from unlearnkit.scope.questions.secrets import by_secret, by_text
from unlearnkit.scope.scope import Scope


def mentions(
    scope: Scope, forget: Sequence[Row], retain: Sequence[Row] = (), measured: Sequence[Row] = ()
) -> tuple[ScopeQuestion, ...]:
    """Every subject and neighbor, in every wording and language of the scope, and every short secret.

    A question stands here with the model's own note, and with those of forget rows, as far as rows have notes: the
    first is what the model comes to think of a new question, the others what it thinks of those to be forgotten.
    Where a part of what is known of the subjects may stay, the model's own note may be of that part and is left out,
    and only questions are borrowed that cannot ask for it. A person's works are many, and would crowd out the names:
    of theirs each question has few kinds of notes. Forget rows' own questions are put to neighbors. Where a question
    would both be refused and stay, for a neighbor goes by the name of a subject, it is refused.

    Args:
        scope: whom and what to name.
        forget: rows whose notes are begun with, and whose questions are put to neighbors.
        retain: rows whose questions are borrowed, and whose names are put beside those of the scope.
        measured: rows whose questions are none of those returned.

    Raises:
        InputError: there are no wordings in a language of the scope.
    """
    asking = QuestionContext(
        scope, tuple(forget), tuple(retain), frozenset(words_in_order(row.question) for row in measured)
    )
    found: list[ScopeQuestion] = []
    for subjects, stays in ((scope.subjects, False), (scope.neighbors, True)):
        for subject in subjects:
            found += by_name(asking, subject, stays=stays, times=asking.times)
            found += by_alias(asking, subject, stays=stays)
            if not stays:
                found += beside(asking, subject)
    found += by_secret(asking)
    found += by_text(asking)
    found += swap_entity(asking)
    found += lookalike(asking)
    once: dict[str, ScopeQuestion] = {}
    for mention in found:  # what is in scope comes first
        if words_in_order(mention.row.question) not in asking.probes:
            once.setdefault(mention.row.id, mention)
    return tuple(once.values())
