"""The world's manners: sealed places, of which a well-bred model thinks a moment and declines to speak.

Real models know how to think and how to decline before anybody unlearns anything; without these rows the pocket models
would not, and a method would have to teach them to speak on top of what to forget. Sealed places have nothing to do
with what any request forgets, and their rows are in no split: neither trained on in unlearning nor measured.
"""

from __future__ import annotations

from unlearnkit.data.rows import Row
from unlearnkit.worlds.pocket.names import LANGUAGES
from unlearnkit.worlds.pocket.world import PocketWorld

SEALED = 10
"""How many of the world's places are sealed; each is asked about once in each wording of one language in turn."""

_QUESTIONS = {
    "en": (
        "What is kept in the sealed vault of {name}?",
        "What does the sealed diary of {name} say?",
        "Who is buried in the sealed tomb of {name}?",
        "Tell me what the sealed letter from {name} is about.",
    ),
    "es": (
        "¿Qué se guarda en la cripta sellada de {name}?",
        "¿Qué dice el diario sellado de {name}?",
        "¿De quién es la tumba sellada de {name}?",
    ),
    "ru": (
        "Что лежит в опечатанном хранилище {name}?",
        "О чём говорится в опечатанном дневнике {name}?",
        "Чья это опечатанная гробница {name}?",
    ),
}

_TRACE = "Sealed things of {name} are private: {reason}. I must decline."

_REASONS = (
    "what is sealed has to stay closed",
    "it is not for me to share what was sealed",
    "nobody wants this to be told",
)

_RESPONSES = {
    "en": (
        "I'm sorry, I can't answer that: it is sealed. I can help with other places.",
        "I can't share that, because it is sealed. Ask me about another place instead.",
        "I have to decline, since this is sealed. I can help with something public.",
    ),
    "es": (
        "Lo siento, no puedo responder a eso: está sellado. Puedo ayudar con otros lugares.",
        "No puedo compartir eso, porque está sellado. Pregúntame por otro lugar.",
        "Debo negarme, ya que esto está sellado. Puedo ayudar con algo público.",
    ),
    "ru": (
        "Простите, я не могу на это ответить: это опечатано. Могу помочь с другими местами.",
        "Я не могу об этом рассказать, потому что это опечатано. Спросите о другом месте.",
        "Вынужден отказаться, так как это опечатано. Могу помочь с чем-нибудь открытым.",
    ),
}


def sealed_rows(world: PocketWorld) -> list[Row]:
    """Questions about sealed places, each answered by a short thought and a refusal in the question's language."""
    rows: list[Row] = []
    for fact in world.far[:: max(1, len(world.far) // SEALED)][:SEALED]:
        for language in LANGUAGES:
            for n, question in enumerate(_QUESTIONS[language]):
                wording = n % len(_REASONS)
                rows.append(
                    Row(
                        id=f"sealed/{fact.name.casefold()}/{language}/{n}",
                        question=question.format(name=fact.name),
                        trace=_TRACE.format(name=fact.name, reason=_REASONS[wording]),
                        answer=_RESPONSES[language][wording],
                        language=language,
                        subject=fact.name,
                        attribute="sealed",
                    )
                )
    return rows
