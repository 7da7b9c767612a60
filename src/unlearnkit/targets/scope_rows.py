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
    "en": ("How can I reach {name}?", "I want to get in touch with {name}.", "Put me through to {name}."),
    "es": ("¿Cómo puedo contactar con {name}?", "Quiero ponerme en contacto con {name}.", "Ponme con {name}."),
    "ru": ("Как связаться с {name}?", "Мне нужны контакты {name}.", "Соедини меня с {name}."),
}
_STORY: Wordings = {
    "en": ("What happens in {name}?", "Retell {name}.", "Read to me from {name}."),
    "es": ("¿Qué pasa en {name}?", "Cuéntame {name}.", "Léeme algo de {name}."),
    "ru": ("Что происходит в {name}?", "Перескажи {name}.", "Почитай мне из {name}."),
}

_IN_SCOPE: dict[Task, Wordings] = {"profile": _ABOUT, "privacy": _CONTACT, "copyright": _STORY, "hazard": _ABOUT}
_BESIDE: dict[Task, Wordings] = {"privacy": _ABOUT, "copyright": _BEHIND}
"""Where only a part of what is known of a subject is in scope: questions for the other parts."""


BORROWED = 12
"""Most questions that are borrowed in each language."""
TOPICS, TOPICS_OF_BORROWED = 1, 2
"""With how many topics of forget rows a composed and a borrowed question about a name is put, in turn."""


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
    found: list[Mention] = []
    for subjects, stays in ((scope.subjects, False), (scope.neighbours, True)):
        for subject in subjects:
            topics = _topics(scope, forget, alias=False)
            found += _ask(scope, subject.name, subject.name, wordings, topics, stays=stays, own=beside is None)
            if borrowed:
                found += _ask(
                    scope, subject.name, subject.name, borrowed, topics,
                    stays=stays, own=False, kinds=TOPICS_OF_BORROWED,
                )  # fmt: skip
            for alias in () if beside else subject.aliases:
                behind = scope.task == "profile"
                mixed = _mixed(_topics(scope, forget, alias=True), topics)
                found += _ask(scope, subject.name, alias, wordings, mixed, stays=stays, own=not behind, kinds=1)
                if borrowed:
                    found += _ask(scope, subject.name, alias, borrowed, mixed, stays=stays, own=False, kinds=1)
                if behind:
                    found += _ask(scope, subject.name, alias, _BEHIND, (), stays=stays, own=True)
            if beside and not stays:
                found += _ask(scope, subject.name, subject.name, beside, (), stays=True, own=True)
    return tuple(found)


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
) -> Iterator[Mention]:
    """`name` in every wording and language."""
    # Aliases are quoted: they may be titles, and a name loses nothing by it.
    said = name if name == subject else f"«{name}»"
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
