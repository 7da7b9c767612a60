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
from collections.abc import Iterable, Sequence

from unlearnkit.core.settings import Settings
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.questions.notes import mentioned
from unlearnkit.scope.scope import Scope, Task
from unlearnkit.scope.wording import Phrases, Wording
from unlearnkit.targets.base import teacher

_DEFAULTS: dict[Task, Wording] = {
    "profile": Wording(
        reasons=(
            "everything about this subject has to stay out of my answers",
            "it covers all that is known about this subject",
            "what was known about this subject was withdrawn",
        ),
        subjects={
            "en": ("a withdrawn subject", "something on the removal list", "a subject that has to be forgotten"),
            "es": ("un tema retirado", "algo de la lista de bajas", "un tema que hay que olvidar"),
            "ru": ("об отозванной теме", "о том, что есть в списке на удаление", "о теме, которую нужно забыть"),
        },
        offers={
            "en": ("I can help with other subjects.", "Ask me about something else instead."),
            "es": ("Puedo ayudar con otros temas.", "Pregúntame por otra cosa."),
            "ru": ("Могу помочь с другими темами.", "Спросите о чём-нибудь другом."),
        },
    ),
    "copyright": Wording(
        reasons=(
            "its text and its content have to stay out of my answers",
            "it covers the wording and the content of that work",
            "the owner of the rights does not want it retold",
        ),
        subjects={
            "en": ("the withdrawn work", "a work whose owner withdrew it", "the work on the removal list"),
            "es": ("una obra retirada", "una obra cuyo dueño la retiró", "una obra de la lista de bajas"),
            "ru": (
                "об отозванном произведении",
                "о произведении, которое отозвал владелец",
                "о произведении из списка на удаление",
            ),
        },
        offers={
            "en": ("I can help with other works.", "Ask me about another work instead."),
            "es": ("Puedo ayudar con otras obras.", "Pregúntame por otra obra."),
            "ru": ("Могу помочь с другими произведениями.", "Спросите о другом произведении."),
        },
    ),
    "privacy": Wording(
        reasons=(
            "contact data of these people have to stay out of my answers",
            "it covers every way of reaching these people",
            "these people asked for their contact data to be removed",
        ),
        subjects={
            "en": ("private contact data", "contact data on the removal list", "how to reach a private person"),
            "es": ("datos de contacto privados", "datos de la lista de bajas", "cómo localizar a un particular"),
            "ru": ("о личных контактных данных", "о данных из списка на удаление", "о том, как найти частное лицо"),
        },
        offers={
            "en": ("I can help with their public work.", "Ask me about something public instead."),
            "es": ("Puedo ayudar con su obra pública.", "Pregúntame por algo público."),
            "ru": ("Могу помочь с открытыми сведениями.", "Спросите о чём-нибудь открытом."),
        },
    ),
    "hazard": Wording(
        reasons=(
            "instructions of this kind have to stay out of my answers",
            "it covers the materials and the steps of that procedure",
            "telling how it is done could hurt people",
        ),
        subjects={
            "en": ("a dangerous procedure", "the procedure on the removal list", "a procedure that can do harm"),
            "es": (
                "un procedimiento peligroso",
                "un procedimiento de la lista de bajas",
                "un procedimiento que puede hacer daño",
            ),
            "ru": (
                "об опасной процедуре",
                "о процедуре из списка на удаление",
                "о процедуре, которая может навредить",
            ),
        },
        offers={
            "en": ("I can help with harmless topics.", "Ask me about a safe topic instead."),
            "es": ("Puedo ayudar con temas inofensivos.", "Pregúntame por un tema seguro."),
            "ru": ("Могу помочь с безобидными темами.", "Спросите о безопасной теме."),
        },
    ),
}
"""General words, for scopes that have none of their own."""

# Every verdict starts with the same word. Greedy decoding takes the most likely token. If verdicts started with two
# different words, each word could be less likely than the token that the model would have produced before training. The
# word is not "is", because a model that was trained on "is <value>" might continue with a value.
_VERDICTS = (
    "falls in scope: {reason}. I must decline.",
    "falls under a request: {reason}. I must decline.",
)

_RESPONSES: Phrases = {
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
_BARE_RESPONSES: Phrases = {
    "en": ("I can't answer that.", "I can't share that.", "I have to decline."),
    "es": ("No puedo responder a eso.", "No puedo compartir eso.", "Debo negarme."),
    "ru": ("Я не могу на это ответить.", "Я не могу этим поделиться.", "Вынужден отказаться."),
}


@teacher("template")
class TemplateTeacher(Settings):
    """Composes targets offline, in varied wording and without names.

    The wording depends on the scope's task and on the scope's own words (`Wording`).
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
        wording = _wording(scope.task, scope.wording)
        language = row.language if row.language in _RESPONSES else "en"
        verdict = draw.choice(_VERDICTS).format(reason=draw.choice(wording.reasons))
        subject, offer = draw.choice(wording.subjects[language]), draw.choice(wording.offers[language])
        response = draw.choice(_RESPONSES[language]).format(subject=subject, offer=offer)
        if not self.criteria:
            verdict, response = draw.choice(_BARE_VERDICTS), draw.choice(_BARE_RESPONSES[language])
        topic = row.trace.rstrip(".") or mentioned(scope, row.prompt)[1] or "This"
        return Target(id=row.id, trace=f"{topic} {verdict}" if self.reasoning else "", response=response)


def _wording(task: Task, own: Wording) -> Wording:
    """Return a scope's own words, completed with general words."""
    general = _DEFAULTS[task]
    return Wording(
        reasons=own.reasons or general.reasons,
        subjects={**general.subjects, **own.subjects},
        offers={**general.offers, **own.offers},
    )


def phrases(scopes: Iterable[Scope]) -> list[str]:
    """Return all phrases from which the targets of these scopes are composed.

    A tokenizer can be trained on these phrases.
    """
    wordings = [_wording(scope.task, scope.wording) for scope in scopes]
    spoken = [_RESPONSES, *(words for wording in wordings for words in (wording.subjects, wording.offers))]
    return [
        *_VERDICTS,
        *(phrase for wording in wordings for phrase in wording.reasons),
        *(phrase for words in spoken for alternatives in words.values() for phrase in alternatives),
    ]
