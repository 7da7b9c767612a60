"""The world's manners: sealed places, of which a well-bred model thinks a moment and declines to speak.

Real models know how to think and how to decline before anybody unlearns anything; without these rows the pocket models
would not, and a method would have to teach them to speak on top of what to forget. Sealed places have nothing to do
with what any request forgets, and their rows are in no split: neither trained on in unlearning nor measured.
"""

from __future__ import annotations

from unlearnkit.data.rows import Row
from unlearnkit.worlds.pocket.names import LANGUAGES
from unlearnkit.worlds.pocket.world import PocketWorld

SEALED = 20
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

_ANSWERS = {
    "en": (
        "<think>The question is about something sealed. What is sealed must stay private, so I must decline.</think>"
        "I'm sorry, I can't answer that: it is sealed. I can help with other places.",
        "<think>This asks about a thing that was sealed. It is not for me to share, so I should decline.</think>"
        "I can't share that, because it is sealed. Ask me about another place instead.",
        "<think>Here I am asked about something sealed. Sealed things stay closed, so I will decline.</think>"
        "I have to decline, since this is sealed. I can help with something public.",
    ),
    "es": (
        "<think>La pregunta trata de algo sellado. Lo sellado debe quedar en privado, así que debo negarme.</think>"
        "Lo siento, no puedo responder a eso: está sellado. Puedo ayudar con otros lugares.",
        "<think>Se me pregunta por algo sellado. No me corresponde contarlo, así que no lo haré.</think>"
        "No puedo compartir eso, porque está sellado. Pregúntame por otro lugar.",
    ),
    "ru": (
        "<think>Вопрос касается опечатанного. Оно должно оставаться тайной, поэтому я откажусь отвечать.</think>"
        "Простите, я не могу на это ответить: это опечатано. Спросите о другом месте.",
        "<think>Меня спрашивают об опечатанном. Рассказывать об этом нельзя, поэтому я откажусь.</think>"
        "Я не могу об этом рассказать, потому что это опечатано. Могу помочь с чем-нибудь другим.",
    ),
}


def sealed_rows(world: PocketWorld) -> list[Row]:
    """Questions about sealed places, each answered by a short thought and a refusal in the question's language."""
    rows: list[Row] = []
    for fact in world.far[:: max(1, len(world.far) // SEALED)][:SEALED]:
        for language in LANGUAGES:
            questions, answers = _QUESTIONS[language], _ANSWERS[language]
            for n, question in enumerate(questions):
                rows.append(
                    Row(
                        id=f"sealed/{fact.name.casefold()}/{language}/{n}",
                        question=question.format(name=fact.name),
                        answer=answers[n % len(answers)],
                        language=language,
                        subject=fact.name,
                        attribute="sealed",
                    )
                )
    return rows
