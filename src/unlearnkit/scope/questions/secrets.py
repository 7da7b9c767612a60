"""Compose questions that name a secret or quote a secret text.

The module also composes similar questions about facts and texts that may be revealed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import cycle, islice, zip_longest

from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.context import QuestionContext, is_apart, spread
from unlearnkit.scope.questions.notes import in_turn, look, mentioned, noted, split_note
from unlearnkit.scope.questions.question import ScopeQuestion, question_row
from unlearnkit.scope.questions.wordings import (
    CONTINUED,
    asks_by_secret,
    by_secret_wordings,
    reference,
    through_secret,
)
from unlearnkit.scope.scope import Secret
from unlearnkit.text.normalize import contains

HOPPED = 8
"""Maximum number of questions of forget rows in which the same secret replaces the subject's name."""
TOPICS_OF_SECRET = 2
"""Number of topics for each question about a secret."""
SECRET_WORDS = 4
"""A secret of more than `SECRET_WORDS` words counts as a text. A question does not contain a whole secret text, but may
quote the beginning of the text."""
BEGUN_WORDS = 5
"""Number of words that a question quotes from the beginning of a text."""
TEXTS = 30
"""Maximum number of secret texts that are quoted. The same limit applies to texts that may be revealed."""
_QUOTES = "«»“”„‘’\"'"


def by_secret(context: QuestionContext) -> Iterator[ScopeQuestion]:
    """Yield questions on secrets, allowed facts and answers of retain rows."""
    if not asks_by_secret(context.scope.task):
        return
    wordings = by_secret_wordings(context.scope)
    secrets = _short(context, {form: s.subject for s in context.scope.secrets for form in s.forms})
    known = _others(context, secrets)
    looks = {look(form) for form in secrets}
    numbers = (False, False) not in looks
    # If all secrets are numbers or addresses, use the topics of those retain rows whose notes name similar numbers or
    # addresses. If some secrets are words, similar words cannot be recognized by their look.
    noted_pairs = (noted(row) for row in context.retain) if numbers else ()
    back = dict.fromkeys(topic for topic, named in noted_pairs if topic and look(named) in looks)
    notes = tuple(back) or in_turn(context.topics, context.through)
    for forms, stays in ((secrets, False), (known, True)):
        for form, subject in forms.items():
            ask = partial(context.ask, subject, form, topics=notes, stays=stays, quoted=False)
            yield from ask(wordings, own=True, kinds=TOPICS_OF_SECRET)
            if numbers:
                yield from ask(context.borrowed)
    yield from _hops(context, secrets, known)


def _hops(context: QuestionContext, secrets: dict[str, str], known: dict[str, str]) -> Iterator[ScopeQuestion]:
    """Yield questions that mention a secret instead of the subject's name.

    In questions of forget rows, a phrase with the secret, such as "the book with ...", replaces the name. Allowed facts
    are used in the same way as secrets.
    """
    phrases = through_secret(context.scope)
    rows_of: dict[str, list[tuple[Row, str]]] = {}
    texts = _texts(context.scope.secrets)
    for row in context.forget:
        subject, name = mentioned(context.scope, row.question)
        if subject is None or row.language not in phrases:
            continue
        # Multiple-choice questions are omitted, because the options would fit the subject only. Questions that ask for
        # a text are omitted, because such a question identifies the text by its title.
        if not row.options and not any(contains(answer, text) for answer in row.answers for text in texts):
            rows_of.setdefault(subject.name, []).append((row, name))
    rings = {subject: cycle(rows) for subject, rows in rows_of.items()}
    # An allowed fact is used in the same questions as the secret with which it is paired.
    for secret, other in zip_longest(secrets.items(), known.items()):
        for row, name in islice(rings.get(secret[1], ()), HOPPED):
            note = split_note(context.scope, row)
            topic, rest = (f"{note.before}{reference(context.scope)}", note.rest) if note else (None, "")
            for form, whose in filter(None, (secret, other)):
                through = phrases[row.language].format(name=form)
                question = re.sub(rf"[{_QUOTES}]?(?<!\w){re.escape(name)}(?!\w)[{_QUOTES}]?", through, row.question)
                hop = question_row(question, topic, row.language, whose)
                yield ScopeQuestion(hop, form, form not in secrets, topic, rest)


def by_text(context: QuestionContext) -> Iterator[ScopeQuestion]:
    """Yield questions that quote a text's beginning and name the text's owner.

    The owner of a text is a subject or a neighbor.
    """
    if context.scope.task != "copyright":
        return
    for known, stays in ((context.scope.secrets, False), (context.scope.allowed, True)):
        texts = _texts(known)
        for text in spread(list(texts), TEXTS):
            beginning = " ".join(text.split()[:BEGUN_WORDS]).replace("{", "{{").replace("}", "}}")
            wordings = {
                language: tuple(f"{w} {beginning}" for w in templates) for language, templates in CONTINUED.items()
            }
            yield from context.ask(texts[text], texts[text], wordings, context.topics, stays=stays)


def _texts(secrets: Iterable[Secret]) -> dict[str, str]:
    """Return the facts that count as texts, each with its owner.

    A fact counts as a text if it has more than `SECRET_WORDS` words.
    """
    return {form: secret.subject for secret in secrets for form in secret.forms if len(form.split()) > SECRET_WORDS}


def _others(context: QuestionContext, secrets: dict[str, str]) -> dict[str, str]:
    """Return facts that are not secret, at most one for each secret.

    Facts about neighbors come first, followed by answers of retain rows. No returned fact contains a secret or is a
    part of a secret. Each fact is returned with its owner.
    """
    looks = {look(form) for form in secrets}
    allowed = _short(context, {form: fact.subject for fact in context.scope.allowed for form in fact.forms})
    answers = (answer.rstrip(".") for row in context.retain for answer in row.answers)
    similar = _short(context, {answer: answer for answer in answers if look(answer) in looks})
    facts = [form for form in allowed if is_apart(form, secrets)]
    answers_apart = [form for form in similar if form not in facts and is_apart(form, secrets)]
    chosen = spread(facts, len(secrets))
    chosen += spread(answers_apart, len(secrets) - len(chosen))
    return {form: allowed.get(form, form) for form in chosen}


def _short(context: QuestionContext, forms: dict[str, str]) -> dict[str, str]:
    """Return the forms of one to `SECRET_WORDS` words, without names.

    Names of the scope's subjects and neighbors are omitted.
    """
    return {
        form: subject
        for form, subject in forms.items()
        if form not in context.names and 0 < len(form.split()) <= SECRET_WORDS
    }
