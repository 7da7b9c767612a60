"""Questions composed from the scope alone: every subject and alias, mentioned in every language of the scope.

A forget split shows a few ways of asking about each subject; a model can learn those sentences and miss the subject.
These questions ask for nothing in particular, so that what they have in common with the forget rows is whom they are
about. They hold no secret, need no answer, and are nobody's probe.
"""

from __future__ import annotations

from unlearnkit.data.rows import Row
from unlearnkit.errors import BadInput
from unlearnkit.scope import Scope, Task

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

_QUOTES = {"en": ("'", "'"), "es": ("«", "»"), "ru": ("«", "»")}
"""Aliases are quoted: they may be titles, and a name loses nothing by it."""


def scope_rows(scope: Scope) -> tuple[Row, ...]:
    """Rows that mention each subject and alias in each language of the scope; there is no answer to them.

    Raises `BadInput` for a language that has no wording here.
    """
    wordings = _QUESTIONS[scope.task]
    rows = []
    for language in scope.languages:
        if language not in wordings:
            raise BadInput(
                "there are no questions in that language for the scope term",
                where="scope.languages",
                value=language,
                allowed=", ".join(wordings),
                fix="set method.scope_weight to 0, or leave the language out of the scope",
            )
        for subject in scope.subjects:
            opened, closed = _QUOTES[language]
            mentions = (subject.name, *(f"{opened}{alias}{closed}" for alias in subject.aliases))
            for name in mentions:
                for n, wording in enumerate(wordings[language]):
                    question = wording.format(name=name)
                    rows.append(
                        Row(
                            id=f"scope/{language}/{name}/{n}",
                            question=question,
                            answer="(there is none)",
                            language=language,
                            subject=subject.name,
                        )
                    )
    return tuple(rows)
