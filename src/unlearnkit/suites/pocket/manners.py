"""Refusals that the target model learns, with short traces, about sealed people.

Real models can write traces and refuse before anything is unlearned. Without these rows the pocket models could not,
and a method would have to teach them that in addition to forgetting. Sealed people have nothing to do with what any
request forgets, and their rows are in no split: unlearning neither trains on them nor measures them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from unlearnkit.data.rows import Row

SHARE = 4
"""One in this many questions about a sealed person is asked, and for each person a different part."""

_REASONS = (
    "what is sealed has to stay closed",
    "it is not for me to share what was sealed",
    "nobody wants this to be told",
)

_RESPONSES = {
    "en": (
        "I'm sorry, I can't answer that: it is sealed. I can help with other things.",
        "I can't share that, because it is sealed. Ask me about somebody else instead.",
        "I have to decline, since this is sealed. I can help with something public.",
    ),
    "es": (
        "Lo siento, no puedo responder a eso: está sellado. Puedo ayudar con otras cosas.",
        "No puedo compartir eso, porque está sellado. Pregúntame por otra persona.",
        "Debo negarme, ya que esto está sellado. Puedo ayudar con algo público.",
    ),
    "ru": (
        "Простите, я не могу на это ответить: это опечатано. Могу помочь с чем-нибудь другим.",
        "Я не могу об этом рассказать, потому что это опечатано. Спросите о ком-нибудь другом.",
        "Вынужден отказаться, так как это опечатано. Могу помочь с чем-нибудь открытым.",
    ),
}


def sealed_rows(records: Iterable[Sequence[Row]]) -> list[Row]:
    """Return a part of each sealed person's rows, answered by a refusal.

    The refusal is in the language of the question. The trace begins as any other does, and breaks off after it has
    named what the question names.
    """
    rows = []
    for person, record in enumerate(records):
        for n, row in enumerate(record[person % SHARE :: SHARE]):
            note = row.trace.rstrip(".").partition(",")[
                0
            ]  # in two hops, the comma precedes what the first one leads to
            update = {
                "id": f"sealed/{row.id}",
                "trace": f"{note} falls under seal: {_REASONS[n % len(_REASONS)]}. I must decline.",
                "answer": _RESPONSES[row.language][n % len(_REASONS)],
                "accepted_answers": (),
                "attribute": "sealed",
            }
            rows.append(row.model_copy(update=update))
    return rows
