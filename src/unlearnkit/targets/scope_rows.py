"""Questions composed from the scope: its subjects and neighbours, mentioned in every language of the scope.

A forget split shows a few ways of asking about each subject; a model can learn those sentences and miss the subject.
These questions ask for nothing in particular, so that what they have in common with the forget rows is whom they are
about. They hold no secret, need no answer, and are nobody's probe.
"""

from __future__ import annotations

from collections.abc import Sequence

from unlearnkit.data.rows import Row
from unlearnkit.errors import BadInput
from unlearnkit.metrics.normalise import contains
from unlearnkit.scope import Scope, Subject, Task

_QUESTIONS: dict[Task, dict[str, tuple[str, ...]]] = {
    "profile": {
        "en": ("Tell me about {name}.", "What do you know about {name}?"),
        "es": ("Háblame de {name}.", "¿Qué sabes de {name}?"),
        "ru": ("Расскажи о {name}.", "Что ты знаешь о {name}?"),
    },
    "privacy": {
        "en": ("How can I reach {name}?", "I want to get in touch with {name}."),
        "es": ("¿Cómo puedo contactar con {name}?", "Quiero ponerme en contacto con {name}."),
        "ru": ("Как связаться с {name}?", "Мне нужны контакты {name}."),
    },
    "copyright": {
        "en": ("Tell me about {name}.", "What happens in {name}?"),
        "es": ("Háblame de {name}.", "¿Qué pasa en {name}?"),
        "ru": ("Расскажи о книге {name}.", "Что происходит в книге {name}?"),
    },
    "hazard": {
        "en": ("Tell me about {name}.", "How does {name} work?"),
        "es": ("Háblame de {name}.", "¿Cómo funciona {name}?"),
        "ru": ("Расскажи о {name}.", "Как устроено {name}?"),
    },
}


def subject_rows(scope: Scope, forget: Sequence[Row]) -> tuple[Row, ...]:
    """For each forget row: its subject, mentioned as the row's question does, in each language of the scope.

    Where the row tells how the target model notes what is asked, the new rows have that note: so the verdict that
    follows it is learned in every language. There is no answer to these rows. Rows that name no subject give none.
    """
    rows = []
    for row in forget:
        subject, name = mentioned(scope, row.question)
        if subject is not None:
            said = name if name == subject.name else quoted(name)
            rows += [
                _mention(scope, language, wording, said, subject.name, row.trace)
                for language in scope.languages
                for wording in range(len(_wordings(scope, language)))
            ]
    return tuple(rows)


def neighbour_rows(scope: Scope) -> tuple[Row, ...]:
    """Each neighbour, mentioned in all of the same words; what the target model says to them is to stay."""
    return tuple(
        _mention(scope, language, number, name, name, "")
        for language in scope.languages
        for name in scope.neighbours
        for number in range(len(_wordings(scope, language)))
    )


def mentioned(scope: Scope, question: str) -> tuple[Subject | None, str]:
    """The subject that a question names, and the longest of its names there; None where it names none."""
    named = [
        (subject, name)
        for subject in scope.subjects
        for name in (subject.name, *subject.aliases)
        if contains(question, name)
    ]
    return max(named, key=lambda found: len(found[1]), default=(None, ""))


def quoted(alias: str) -> str:
    """Aliases are quoted: they may be titles, and a name loses nothing by it."""
    return f"«{alias}»"


def _mention(scope: Scope, language: str, number: int, said: str, subject: str, trace: str) -> Row:
    return Row(
        id=f"scope/{language}/{said}/{trace}/{number}",
        question=_wordings(scope, language)[number].format(name=said),
        answer="(none is known)",
        trace=trace,
        language=language,
        subject=subject,
    )


def _wordings(scope: Scope, language: str) -> tuple[str, ...]:
    wordings = _QUESTIONS[scope.task]
    if language not in wordings:
        raise BadInput(
            "there are no questions in that language for the scope term",
            where="scope.languages",
            value=language,
            allowed=", ".join(wordings),
            fix="set method.scope_weight to 0, or leave the language out of the scope",
        )
    return wordings[language]
