"""Refusals with short traces, for questions about sealed people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from unlearnkit.data.rows import Row
from unlearnkit.suites.made_up.refusals import sealed_rows

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


def sealed_rows_of(records: Iterable[Sequence[Row]]) -> list[Row]:
    """Return some rows about each sealed person, with refusals as answers.

    The trace begins like the trace of the original row. The trace then states that the answer is sealed.
    """

    def trace(row: Row, number: int) -> str:
        # In the trace of a two-hop question, the result of the first hop follows the comma.
        note = row.trace.rstrip(".").partition(",")[0]
        return f"{note} falls under seal: {_REASONS[number % len(_REASONS)]}. I must decline."

    return sealed_rows(records, _RESPONSES, trace)
