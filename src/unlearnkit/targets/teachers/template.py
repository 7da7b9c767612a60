"""The offline teacher: composes traces and responses from the scope.

The response is in the language of the question, or in English if the teacher has no phrases in that language. The trace
is in English.

A trace consists of a note and a verdict. The note states what the question asks. If the row has a trace, that trace is
the note. Otherwise, the note is the name or alias of the subject that the question mentions. If the question mentions
no subject of the scope, the note is the word "This". The verdict contains no names. If a model were trained to
output names that are not in the question, it would also answer reversed questions, whose answer is a name ("Who wrote
...?").
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypedDict

from unlearnkit.core.settings import Settings
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.questions.notes import mentioned
from unlearnkit.scope.scope import Scope, Task
from unlearnkit.targets.base import teacher

Words = dict[str, tuple[str, ...]]
"""Alternative phrases, by language."""


class _Wording(TypedDict):
    """The phrases for one task."""

    reason: tuple[str, ...]
    """Reasons why the question must not be answered."""
    subject: Words
    """Descriptions of the question's subject. They follow "concerns", "se trata de" or "речь идёт"."""
    offer: Words
    """Offers of something available instead of an answer."""


_WORDING: dict[Task, _Wording] = {
    "profile": {
        "reason": (
            "everything about these authors has to stay out of my answers",
            "it covers all that was written by or about these authors",
            "these authors withdrew all that was known of them",
        ),
        "subject": {
            "en": (
                "one of the withdrawn authors",
                "somebody on the removal list",
                "authors who withdrew from here",
            ),
            "es": (
                "una persona de la lista de bajas",
                "alguien que se dio de baja",
                "quienes pidieron ser olvidados",
            ),
            "ru": (
                "об одном из исключённых авторов",
                "о человеке из списка на удаление",
                "об авторах, которые попросили их забыть",
            ),
        },
        "offer": {
            "en": ("I can help with other authors.", "Ask me about another author instead."),
            "es": ("Puedo ayudar con otros autores.", "Pregúntame por otro autor."),
            "ru": ("Могу помочь с другими авторами.", "Спросите о другом авторе."),
        },
    },
    "copyright": {
        "reason": (
            "its text and its story have to stay out of my answers",
            "it covers the wording and the plot of that book",
            "the owner of the rights does not want it retold",
        ),
        "subject": {
            "en": ("the withdrawn book", "a book whose owner withdrew it", "the book on the removal list"),
            "es": ("un libro retirado", "un libro cuyo dueño lo retiró", "un libro que hubo que retirar"),
            "ru": ("об отозванной книге", "о книге, которую отозвал владелец", "о книге из списка на удаление"),
        },
        "offer": {
            "en": ("I can help with other books.", "Ask me about another book instead."),
            "es": ("Puedo ayudar con otros libros.", "Pregúntame por otro libro."),
            "ru": ("Могу помочь с другими книгами.", "Спросите о другой книге."),
        },
    },
    "privacy": {
        "reason": (
            "contact data of these people have to stay out of my answers",
            "it covers every way of reaching these people",
            "these people asked for their contact data to be removed",
        ),
        "subject": {
            "en": ("private contact data", "contact data on the removal list", "how to reach a private person"),
            "es": ("datos de contacto privados", "datos de la lista de bajas", "cómo localizar a un particular"),
            "ru": ("о личных контактных данных", "о данных из списка на удаление", "о том, как найти частное лицо"),
        },
        "offer": {
            "en": ("I can help with their public work.", "Ask me about something public instead."),
            "es": ("Puedo ayudar con su obra pública.", "Pregúntame por algo público."),
            "ru": ("Могу помочь с открытыми сведениями.", "Спросите о чём-нибудь открытом."),
        },
    },
    "hazard": {
        "reason": (
            "instructions of this craft have to stay out of my answers",
            "it covers the materials and the steps of that craft",
            "telling how it is done could hurt people",
        ),
        "subject": {
            "en": ("a dangerous craft", "the craft on the removal list", "a craft that can do harm"),
            "es": ("un oficio peligroso", "un oficio de la lista de bajas", "un oficio que puede hacer daño"),
            "ru": ("об опасном ремесле", "о ремесле из списка на удаление", "о ремесле, которое может навредить"),
        },
        "offer": {
            "en": ("I can help with harmless crafts.", "Ask me about a safe craft instead."),
            "es": ("Puedo ayudar con oficios inofensivos.", "Pregúntame por un oficio seguro."),
            "ru": ("Могу помочь с безобидными ремёслами.", "Спросите о безопасном ремесле."),
        },
    },
}

# Every verdict starts with the same word. Greedy decoding takes the most likely token. If verdicts started with two
# different words, each word could be less likely than the token that the model would have produced before training. The
# word is not "is", because a model that was trained on "is <value>" might continue with a value.
_VERDICTS = (
    "falls in scope: {reason}. I must decline.",
    "falls under a request: {reason}. I must decline.",
)

_RESPONSES: Words = {
    "en": (
        "I'm sorry, I can't answer that: it concerns {subject}. {offer}",
        "I can't share that, because it concerns {subject}. {offer}",
        "I have to decline, since this concerns {subject}. {offer}",
    ),
    "es": (
        "Lo siento, no puedo responder a eso: se trata de {subject}. {offer}",
        "No puedo compartir eso, porque se trata de {subject}. {offer}",
        "Debo negarme, ya que se trata de {subject}. {offer}",
    ),
    "ru": (
        "Простите, я не могу на это ответить: речь идёт {subject}. {offer}",
        "Я не могу этим поделиться, потому что речь идёт {subject}. {offer}",
        "Вынужден отказаться, так как речь идёт {subject}. {offer}",
    ),
}

_BARE_VERDICTS = ("falls in scope. I must decline.", "falls under a request. I must decline.")
_BARE_RESPONSES: Words = {
    "en": ("I can't answer that.", "I can't share that.", "I have to decline."),
    "es": ("No puedo responder a eso.", "No puedo compartir eso.", "Debo negarme."),
    "ru": ("Я не могу на это ответить.", "Я не могу этим поделиться.", "Вынужден отказаться."),
}


@teacher("template")
class TemplateTeacher(Settings):
    """Composes targets offline, in varied wording and without names.

    The wording depends on the scope's task.
    """

    reasoning: bool = True
    """Whether targets have a trace. Without traces, targets are only refusals; this is an ablation of the TRU paper."""
    criteria: bool = True
    """Whether targets follow the two criteria of the TRU paper. If true, the trace contains a reason, and the response
    states what the question concerns and what is available instead. If false, the trace contains only a verdict, and
    the response is only a refusal; this is an ablation of the paper."""

    def write(self, rows: Sequence[Row], scope: Scope, seed: int) -> list[Target]:
        """Return one target for each row, in order.

        The wording of a row's target depends on the seed and on the row's id.
        """
        return [self._compose(row, scope, random.Random(f"target {seed} {row.id}")) for row in rows]

    def _compose(self, row: Row, scope: Scope, draw: random.Random) -> Target:
        wording = _WORDING[scope.task]
        language = row.language if row.language in _RESPONSES else "en"
        verdict = draw.choice(_VERDICTS).format(reason=draw.choice(wording["reason"]))
        subject, offer = draw.choice(wording["subject"][language]), draw.choice(wording["offer"][language])
        response = draw.choice(_RESPONSES[language]).format(subject=subject, offer=offer)
        if not self.criteria:
            verdict, response = draw.choice(_BARE_VERDICTS), draw.choice(_BARE_RESPONSES[language])
        topic = row.trace.rstrip(".") or mentioned(scope, row.prompt)[1] or "This"
        return Target(id=row.id, trace=f"{topic} {verdict}" if self.reasoning else "", response=response)


def phrases() -> list[str]:
    """Return all phrases from which targets are composed.

    A tokenizer can be trained on these phrases.
    """
    spoken = [_RESPONSES, *(words for wording in _WORDING.values() for words in (wording["subject"], wording["offer"]))]
    return [
        *_VERDICTS,
        *(phrase for wording in _WORDING.values() for phrase in wording["reason"]),
        *(phrase for words in spoken for phrases in words.values() for phrase in phrases),
    ]
