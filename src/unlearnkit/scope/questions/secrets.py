"""Questions that name a secret, or begin one that is a text; and others of what may be told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import cycle, islice, zip_longest

from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.context import TOPICS_OF_SECRET, QuestionContext, is_apart, spread
from unlearnkit.scope.questions.notes import in_turn, look, mentioned, noted, parted
from unlearnkit.scope.questions.question import ScopeQuestion, question_row
from unlearnkit.scope.questions.wordings import BY_SECRET, CONTINUED, THROUGH, THROUGH_SECRET
from unlearnkit.scope.scope import Secret
from unlearnkit.text.normalize import contains

HOPPED = 8
"""How many forget rows' questions are asked through each secret."""
SECRET_WORDS = 4
"""A secret of more words is a text, which a question may begin, and not name."""
BEGUN_WORDS = 5
"""How many words of a text a question begins it with."""
TEXTS = 30
"""Most texts that are begun, and as many that stay."""
_QUOTES = "«»“”„‘’\"'"


def by_secret(asking: QuestionContext) -> Iterator[ScopeQuestion]:
    """Questions that name a secret; and others that name what is known of neighbors or answered by retain rows."""
    wordings = BY_SECRET.get(asking.scope.task)
    if wordings is None:
        return
    secrets = _short(asking, {form: s.subject for s in asking.scope.secrets for form in s.forms})
    known = _others(asking, secrets)
    looks = {look(form) for form in secrets}
    numbers = (False, False) not in looks
    # As retain rows think of such a number or address; of words nothing tells that they are asked about so.
    asked = (noted(row) for row in asking.retain) if numbers else ()
    back = dict.fromkeys(topic for topic, named in asked if topic and look(named) in looks)
    notes = tuple(back) or in_turn(asking.topics, asking.through)
    for (form, subject), stays in (
        *((item, False) for item in secrets.items()),
        *((item, True) for item in known.items()),
    ):
        yield from asking.ask(
            subject,
            form,
            wordings,
            notes,
            stays=stays,
            own=True,
            kinds=TOPICS_OF_SECRET,
            quoted=False,
        )
        if numbers:
            yield from asking.ask(subject, form, asking.borrowed, notes, stays=stays, own=False, quoted=False)
    yield from _hops(asking, secrets, known)


def _hops(asking: QuestionContext, secrets: dict[str, str], known: dict[str, str]) -> Iterator[ScopeQuestion]:
    """Forget rows' own questions, asked through a secret ("the book with ..."), or what is known of a neighbor."""
    phrases = THROUGH_SECRET.get(asking.scope.task, {})
    asked: dict[str, list[tuple[Row, str]]] = {}
    texts = _texts(asking.scope.secrets)
    for row in asking.forget:
        subject, name = mentioned(asking.scope, row.question)
        if subject is None or row.language not in phrases:
            continue
        # Choices would be those of the subject; and what asks for a text asks for it by its title.
        if not row.options and not any(contains(answer, text) for answer in row.answers for text in texts):
            asked.setdefault(subject.name, []).append((row, name))
    rings = {subject: cycle(rows) for subject, rows in asked.items()}
    # What is known of a neighbor is put in the questions that the secret beside it is put in.
    for secret, other in zip_longest(secrets.items(), known.items()):
        for row, name in islice(rings.get(secret[1], ()), HOPPED):
            note = parted(asking.scope, row)
            topic, rest = (f"{note.before}{THROUGH[asking.scope.task]}", note.rest) if note else (None, "")
            for form, whose in filter(None, (secret, other)):
                through = phrases[row.language].format(name=form)
                question = re.sub(rf"[{_QUOTES}]?(?<!\w){re.escape(name)}(?!\w)[{_QUOTES}]?", through, row.question)
                hop = question_row(question, topic, row.language, whose)
                yield ScopeQuestion(hop, form, form not in secrets, topic, rest)


def by_text(asking: QuestionContext) -> Iterator[ScopeQuestion]:
    """Questions that name whose a text is and begin it; of a subject, and of a neighbor."""
    if asking.scope.task != "copyright":
        return
    for known, stays in ((asking.scope.secrets, False), (asking.scope.allowed, True)):
        texts = _texts(known)
        for text in spread(list(texts), TEXTS):
            begun = " ".join(text.split()[:BEGUN_WORDS]).replace("{", "{{").replace("}", "}}")
            wordings = {language: tuple(f"{w} {begun}" for w in said) for language, said in CONTINUED.items()}
            yield from asking.ask(texts[text], texts[text], wordings, asking.topics, stays=stays, own=False)


def _texts(secrets: Iterable[Secret]) -> dict[str, str]:
    """Those that are texts, each with whose it is."""
    return {form: secret.subject for secret in secrets for form in secret.forms if len(form.split()) > SECRET_WORDS}


def _others(asking: QuestionContext, secrets: dict[str, str]) -> dict[str, str]:
    """At most as many forms that are no secret: what is known of neighbors, then answers of retain rows."""
    kept = _free(asking, {form: k.subject for k in asking.scope.allowed for form in k.forms}, secrets)
    looks = {look(form) for form in secrets}
    told = (answer.rstrip(".") for row in asking.retain for answer in row.answers)
    answers = _free(asking, {answer: answer for answer in told if look(answer) in looks}, secrets)
    chosen = spread(list(kept), len(secrets))
    chosen += spread([answer for answer in answers if answer not in kept], len(secrets) - len(chosen))
    return {form: kept.get(form, form) for form in chosen}


def _free(asking: QuestionContext, forms: dict[str, str], secrets: Iterable[str]) -> dict[str, str]:
    """Those that can be asked about, hold no secret and are no part of one."""
    barred = tuple(secrets)
    return {form: subject for form, subject in _short(asking, forms).items() if is_apart(form, barred)}


def _short(asking: QuestionContext, forms: dict[str, str]) -> dict[str, str]:
    """Those that are no name, and short enough to be asked about."""
    return {
        form: subject
        for form, subject in forms.items()
        if form not in asking.names and 0 < len(form.split()) <= SECRET_WORDS
    }
