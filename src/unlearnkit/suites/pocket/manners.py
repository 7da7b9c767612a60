"""Refusals with short traces, for questions about sealed people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from unlearnkit.data.rows import Row
from unlearnkit.suites.made_up.refusals import sealed_rows, sealed_trace

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
    """Return some rows about each sealed person, with refusals as answers."""
    return sealed_rows(records, _RESPONSES, sealed_trace)
