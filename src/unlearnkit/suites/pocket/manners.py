"""Refusals with short traces, for questions about sealed people.

Sealed people are part of the synthetic world `pocket`. Models learn no facts about sealed people, only to refuse
questions about them. Real models can write traces and refuse even before unlearning. Without the rows about sealed
people, the small models of this world could do neither, and an unlearning method would have to teach both in addition
to forgetting. No request asks to forget anything about sealed people, and the rows about sealed people are in no split:
unlearning neither trains on these rows nor measures these rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from unlearnkit.data.rows import Row

SHARE = 4
"""Every `SHARE`-th question about a sealed person becomes a training row. Consecutive people start at different
questions."""

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
    """Return some rows about each sealed person, with refusals as answers.

    The refusal is in the language of the question. The trace begins like the trace of the original row. The trace then
    states that the answer is sealed.
    """
    rows = []
    for person, record in enumerate(records):
        for n, row in enumerate(record[person % SHARE :: SHARE]):
            # In the trace of a two-hop question, the result of the first hop follows the comma.
            note = row.trace.rstrip(".").partition(",")[0]
            update = {
                "id": f"sealed/{row.id}",
                "trace": f"{note} falls under seal: {_REASONS[n % len(_REASONS)]}. I must decline.",
                "answer": _RESPONSES[row.language][n % len(_REASONS)],
                "accepted_answers": (),
                "attribute": "sealed",
            }
            rows.append(row.model_copy(update=update))
    return rows
