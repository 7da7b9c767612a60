"""Questions composed from the scope: its subjects and neighbours, in every language of the scope.

A forget split shows a few ways of asking about each subject; a model can learn those sentences and miss the subject.
These questions name a subject and ask for nothing that a probe asks for. Some are borrowed from retain rows, with the
subject in the place of theirs: with new sentences only, a model learns to refuse sentences that it has not met before,
and goes on answering those it has. Each question is put to the neighbours too, in the same words and with the same
note of what is asked: so nothing but the name tells what is in scope from what is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from unlearnkit.data.rows import Row
from unlearnkit.errors import BadInput
from unlearnkit.metrics.normalise import contains
from unlearnkit.scope import Scope, Subject, Task

Wordings = dict[str, tuple[str, ...]]
"""Questions by language."""

_ABOUT: Wordings = {
    "en": (
        "Tell me about {name}.",
        "What do you know about {name}?",
        "Who knows more about {name}?",
        "In which year was {name} in the news?",
        "Where can I read about {name}?",
        "Which facts about {name} matter?",
        "Name something that has to do with {name}.",
    ),
    "es": (
        "Háblame de {name}.",
        "¿Qué sabes de {name}?",
        "¿Quién sabe más de {name}?",
        "¿En qué año se habló de {name}?",
        "¿Dónde puedo leer sobre {name}?",
        "¿Cuál es la historia de {name}?",
        "Nombra algo que tenga que ver con {name}.",
    ),
    "ru": (
        "Расскажи о {name}.",
        "Что ты знаешь о {name}?",
        "Кто знает больше о {name}?",
        "В каком году говорили о {name}?",
        "Где можно прочитать о {name}?",
        "Какие сведения есть о {name}?",
        "Назовите что-нибудь из того, что связано с {name}.",
    ),
}
_BEHIND: Wordings = {
    "en": (
        "Who is behind {name}?",
        "Whose work is {name}?",
        "What do you know about the author of {name}?",
        "Tell me about the writer of {name}.",
    ),
    "es": (
        "¿Quién está detrás de {name}?",
        "¿De quién es {name}?",
        "¿Qué sabes del autor de {name}?",
        "Háblame de quien hizo {name}.",
    ),
    "ru": (
        "Кто стоит за {name}?",
        "Чья это работа — {name}?",
        "Что ты знаешь об авторе {name}?",
        "Расскажи о том, кто создал {name}.",
    ),
}
_CONTACT: Wordings = {
    "en": (
        "How can I reach {name}?",
        "I want to get in touch with {name}.",
        "Put me through to {name}.",
        "I need the phone number of {name}.",
        "I want to dial {name}.",
        "I want to write an e-mail to {name}.",
        "At which address does {name} get mail?",
    ),
    "es": (
        "¿Cómo puedo contactar con {name}?",
        "Quiero ponerme en contacto con {name}.",
        "Ponme con {name}.",
        "Necesito el número de teléfono de {name}.",
        "Quiero llamar por teléfono a {name}.",
        "Quiero escribir un correo electrónico a {name}.",
        "Dame el correo de {name}.",
    ),
    "ru": (
        "Как связаться с {name}?",
        "Мне нужны контакты {name}.",
        "Соедини меня с {name}.",
        "Мне нужен номер телефона {name}.",
        "Я хочу позвонить {name}.",
        "Я хочу написать письмо {name}.",
        "Дай адрес электронной почты {name}.",
    ),
}
_STORY: Wordings = {
    "en": (
        "What happens in {name}?",
        "Retell {name}.",
        "Read to me from {name}.",
        "Recite the end of {name}.",
        "What does the text of {name} say?",
        "Which characters are there in {name}?",
        "Where does the story of {name} take place?",
    ),
    "es": (
        "¿Qué pasa en {name}?",
        "Cuéntame {name}.",
        "Léeme algo de {name}.",
        "Recita el final de {name}.",
        "¿Qué dice el texto de {name}?",
        "¿Qué personajes hay en {name}?",
        "¿Dónde pasa la historia de {name}?",
    ),
    "ru": (
        "Что происходит в {name}?",
        "Перескажи {name}.",
        "Почитай мне из {name}.",
        "Прочитай наизусть конец {name}.",
        "Что сказано в тексте {name}?",
        "Какие герои есть в {name}?",
        "Где происходит история {name}?",
    ),
}

_REACH_BEHIND: Wordings = {
    "en": (
        "How can I reach whoever wrote {name}?",
        "I want to get in touch with the author of {name}.",
        "I need the phone number of the author of {name}.",
        "I want to write an e-mail to the author of {name}.",
    ),
    "es": (
        "¿Cómo puedo contactar con el autor de {name}?",
        "Quiero ponerme en contacto con quien hizo {name}.",
        "Necesito el número de teléfono de quien escribió {name}.",
        "Quiero escribir un correo electrónico al autor de {name}.",
    ),
    "ru": (
        "Как связаться с автором {name}?",
        "Мне нужны контакты того, кто создал {name}.",
        "Мне нужен номер телефона автора {name}.",
        "Я хочу написать письмо автору {name}.",
    ),
}
_OWNED: Wordings = {
    "en": ("Whom do I reach at {name}?", "What do you know about {name}?", "Who answers at {name}?"),
    "es": ("¿Con quién hablo en {name}?", "¿Qué sabes de {name}?", "¿Quién contesta en {name}?"),
    "ru": ("С кем я говорю по {name}?", "Что ты знаешь о {name}?", "Кто отвечает по {name}?"),
}
_TOLD: Wordings = {
    "en": ("In what story is there {name}?", "What do you know about {name}?", "Tell me the book of {name}."),
    "es": ("¿En qué historia sale {name}?", "¿Qué sabes de {name}?", "Dime el libro de {name}."),
    "ru": ("В какой истории есть {name}?", "Что ты знаешь о {name}?", "Назови книгу, где есть {name}."),
}
_USED: Wordings = {
    "en": ("Where is {name} used?", "What do you know about {name}?", "Tell me the craft of {name}."),
    "es": ("¿Dónde se usa {name}?", "¿Qué sabes de {name}?", "Dime el oficio de {name}."),
    "ru": ("Где применяют {name}?", "Что ты знаешь о {name}?", "Назови ремесло, где есть {name}."),
}

_IN_SCOPE: dict[Task, Wordings] = {"profile": _ABOUT, "privacy": _CONTACT, "copyright": _STORY, "hazard": _ABOUT}
_BESIDE: dict[Task, Wordings] = {"privacy": _ABOUT, "copyright": _BEHIND}
"""Where only a part of what is known of a subject is in scope: questions for the other parts."""
_BY_SECRET: dict[Task, Wordings] = {"privacy": _OWNED, "copyright": _TOLD, "hazard": _USED}
"""Questions from a secret back to whose it is. A profile's secrets (a town, a genre) belong to many, and are not asked
about."""
_THROUGH: dict[Task, str] = {
    "profile": "the author of ", "privacy": "the author of ", "copyright": "the book of ", "hazard": "the craft of ",
}  # fmt: skip
"""How a thought goes through what a question names to whom it is about."""
SECRET_WORDS = 4
"""A secret of more words is a text, and is not named in a question."""


BORROWED = 12
"""Most questions that are borrowed in each language."""
TOPICS, TOPICS_OF_BORROWED = 1, 2
"""With how many topics of forget rows a composed and a borrowed question about a name is put, in turn."""
TOPICS_OF_BESIDE, MOST_BESIDE = 3, 16
"""With how many topics of retain rows a question for what stays of a subject is put, in turn, and out of how many."""
SPREAD = 6
"""Where subjects are fewer than this, each question is put with as many times more topics: a single subject and its
neighbour make few questions, and a model would learn the topics in place of the names."""


@dataclass(frozen=True)
class Mention:
    """A question that names something of the scope, and how the thought about it begins."""

    row: Row
    """The question; there is no answer."""
    name: str
    """A subject's or neighbour's name or alias, as the question has it."""
    stays: bool
    """Whether what the model says is to stay as it is."""
    topic: str | None
    """What a forget row's note has before the name ("Year of "); None: as the model's own note on this question."""

    def note(self, own: str) -> str:
        """The thought up to and with the name; `own` is the model's own thought on the question.

        Empty where the model's own thought is asked for and does not name what the question names.
        """
        before, named, _ = own.partition(self.name)
        return f"{before}{named}" * bool(named) if self.topic is None else f"{self.topic}{self.name}"


def mentions(
    scope: Scope, forget: Sequence[Row], retain: Sequence[Row] = (), measured: Sequence[Row] = ()
) -> tuple[Mention, ...]:
    """Every subject and neighbour, in every wording and language of the scope.

    A question stands here with the model's own note, and with those of `TOPICS` forget rows, as far as rows have notes:
    the first is what the model comes to think of a new question, the others what it thinks of those to be forgotten.
    Where a part of what is known of the subjects may stay, the model's own note may be of that part, and is left out,
    and so are borrowed questions, which may ask for it. A person's works are many, and would crowd out the names: of
    theirs each question has one kind of note, the model's own where it asks for the person behind the work.

    Args:
        scope: whom and what to name.
        forget: rows whose notes are begun with.
        retain: rows whose questions are borrowed.
        measured: rows whose questions are never borrowed.
    """
    wordings, beside = _IN_SCOPE[scope.task], _BESIDE.get(scope.task)
    borrowed = _borrowed(scope, retain, measured, wordings) if beside is None else {}
    beside_topics = _topics_beside(forget, retain) if beside else ()
    times = max(1, SPREAD // len(scope.subjects))
    found: list[Mention] = []
    for subjects, stays in ((scope.subjects, False), (scope.neighbours, True)):
        for subject in subjects:
            topics = _topics(scope, forget, alias=False)
            found += _ask(
                scope, subject.name, subject.name, wordings, topics,
                stays=stays, own=beside is None, kinds=TOPICS * times,
            )  # fmt: skip
            if borrowed:
                found += _ask(
                    scope, subject.name, subject.name, borrowed, topics,
                    stays=stays, own=False, kinds=TOPICS_OF_BORROWED,
                )  # fmt: skip
            through = tuple(f"{topic}{_THROUGH[scope.task]}" for topic in topics)
            for alias in subject.aliases if scope.task == "privacy" else ():
                found += _ask(scope, subject.name, alias, _REACH_BEHIND, through, stays=stays, own=False, kinds=2)
                found += _ask(scope, subject.name, alias, _BEHIND, (), stays=True, own=True)
            for alias in () if beside else subject.aliases:
                behind = scope.task == "profile"
                mixed = _mixed(_topics(scope, forget, alias=True), topics)
                found += _ask(scope, subject.name, alias, wordings, mixed, stays=stays, own=not behind, kinds=1)
                if borrowed:
                    found += _ask(scope, subject.name, alias, borrowed, mixed, stays=stays, own=False, kinds=1)
                if behind:
                    found += _ask(scope, subject.name, alias, _BEHIND, through, stays=stays, own=True)
            if beside and not stays:
                found += _ask(
                    scope, subject.name, subject.name, beside, beside_topics,
                    stays=True, own=True, kinds=TOPICS_OF_BESIDE * times,
                )  # fmt: skip
    return (*found, *_by_secret(scope, forget, retain))


def _by_secret(scope: Scope, forget: Sequence[Row], retain: Sequence[Row]) -> Iterator[Mention]:
    """Questions that name a secret, and as many that name what retain rows answer, which stays."""
    if scope.task not in _BY_SECRET:
        return
    wordings, through = _BY_SECRET[scope.task], _THROUGH[scope.task]
    topics = _topics(scope, forget, alias=False)
    names = {name for one in (*scope.subjects, *scope.neighbours) for name in (one.name, *one.aliases)}
    secrets = {form: secret.subject for secret in scope.secrets for form in secret.forms if form not in names}
    short = {form: subject for form, subject in secrets.items() if len(form.split()) <= SECRET_WORDS}
    looks = {_look(form) for form in short}
    # As retain rows think of such a number or address; of words nothing tells that they are asked about so.
    asked = (_noted(row) for row in retain)
    back = dict.fromkeys(topic for topic, named in asked if topic and any(_look(named)) and _look(named) in looks)
    numbers = all(any(look) for look in looks)
    notes = (tuple(back) if numbers else ()) or _mixed(topics, tuple(f"{topic}{through}" for topic in topics))
    others = dict.fromkeys(
        answer
        for row in retain
        for answer in row.answers
        if len(answer.split()) <= SECRET_WORDS
        and _look(answer) in looks
        and not any(contains(answer, form) for form in secrets)
    )
    step = max(1, len(others) // max(1, len(short)))
    for form, subject in short.items():
        yield from _ask(scope, subject, form, wordings, notes, stays=False, own=True, kinds=2, quoted=False)
    for form in list(others)[::step]:
        yield from _ask(scope, form, form, wordings, notes, stays=True, own=True, kinds=2)


def _look(form: str) -> tuple[bool, bool]:
    """What tells numbers and addresses from words."""
    return any(map(str.isdigit, form)), "@" in form


def mentioned(scope: Scope, question: str) -> tuple[Subject | None, str]:
    """The subject that a question names, and the longest of its names there; None where it names none."""
    named = [
        (subject, name)
        for subject in scope.subjects
        for name in (subject.name, *subject.aliases)
        if contains(question, name)
    ]
    return max(named, key=lambda found: len(found[1]), default=(None, ""))


def _topics(scope: Scope, forget: Sequence[Row], *, alias: bool) -> tuple[str, ...]:
    """What stands before the name in the notes of forget rows that name a subject, or an alias of one."""
    found = set()
    for row in forget:
        subject, name = mentioned(scope, row.question)
        if subject is not None and name in row.trace and alias == (name != subject.name):
            found.add(row.trace.partition(name)[0])
    return tuple(sorted(found))


def _topics_beside(forget: Sequence[Row], retain: Sequence[Row]) -> tuple[str, ...]:
    """What retain rows note before what their questions name, and forget rows do not; the commonest first."""
    asked = Counter(_noted(row)[0] for row in retain)
    unlearned = {"", *(_noted(row)[0] for row in forget)}
    return tuple(topic for topic, _ in asked.most_common() if topic not in unlearned)[:MOST_BESIDE]


def _noted(row: Row) -> tuple[str, str]:
    """A row's note in two: up to what the question names, and that; both empty where it names nothing of the note."""
    words = row.trace.rstrip(".").partition(",")[0].split(" ")
    named = next((at for at in range(1, len(words)) if contains(row.question, " ".join(words[at:]))), None)
    return ("", "") if named is None else (" ".join(words[:named]) + " ", " ".join(words[named:]))


def _borrowed(scope: Scope, retain: Sequence[Row], measured: Sequence[Row], composed: Wordings) -> Wordings:
    """The questions that retain rows ask most of whom they are about, in each language, with a place for a name.

    Choices are left out, what is among the composed wordings, and whatever would be a measured question if it were put
    to a name of the scope.
    """
    probes = {row.question for row in measured}
    known_as = [name for one in (*scope.subjects, *scope.neighbours) for name in (one.name, *one.aliases)]
    names = [said for name in known_as for said in (name, f"«{name}»")]
    found: Wordings = {}
    for language in scope.languages:
        asked = Counter(
            row.question.replace("{", "{{").replace("}", "}}").replace(row.subject, "{name}")
            for row in retain
            if row.language == language and not row.options and row.subject and row.subject in row.question
        )
        known = _spoken(composed, language)
        fitting = (words for words, _ in asked.most_common() if probes.isdisjoint(words.format(name=n) for n in names))
        found[language] = tuple(islice((words for words in fitting if words not in known), BORROWED))
    return found


def _mixed(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    """Both in turn, until each was there."""
    if not first or not second:
        return (*first, *second)
    turns = max(len(first), len(second))
    return tuple(topic for pair in islice(zip(cycle(first), cycle(second), strict=False), turns) for topic in pair)


def _ask(
    scope: Scope,
    subject: str,
    name: str,
    wordings: Wordings,
    topics: Sequence[str],
    *,
    stays: bool,
    own: bool,
    kinds: int = TOPICS,
    quoted: bool = True,
) -> Iterator[Mention]:
    """`name` in every wording and language."""
    # Aliases are quoted: they may be titles, and a name loses nothing by it.
    said = f"«{name}»" if quoted and name != subject else name
    for language in scope.languages:
        # In turn, and not by chance: each name is to be noted in each language with every topic. Where the turn begins
        # differs from name to name, so that no wording goes with one topic.
        turn = islice(cycle(topics or [None]), len(said), None)
        for wording in _spoken(wordings, language):
            question = wording.format(name=said).replace("««", "«").replace("»»", "»")  # a borrowed one may quote too
            for kind in dict.fromkeys([*([None] if own else []), *islice(turn, kinds)]):
                row = Row(
                    id=f"scope/{question}/{kind or 'own'}",
                    question=question,
                    answer="(none is known)",
                    language=language,
                    subject=subject,
                )
                yield Mention(row, name, stays, kind)


def _spoken(wordings: Wordings, language: str) -> tuple[str, ...]:
    if language not in wordings:
        raise BadInput(
            "there are no questions in that language for the scope term",
            where="scope.languages",
            value=language,
            allowed=", ".join(wordings),
            fix="set method.scope_weight to 0, or leave the language out of the scope",
        )
    return wordings[language]
