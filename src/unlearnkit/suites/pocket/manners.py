"""The world's manners: people whose record is sealed, of whom a well-bred model thinks a moment and declines to speak.

Real models know how to think, and whom not to speak of, before anybody unlearns anything; without these rows the pocket
models would not, and a method would have to teach them manners on top of what to forget. Sealed people have nothing to
do with what any request forgets, and their rows are in no split: neither trained on in unlearning nor measured.
"""

from __future__ import annotations

from collections.abc import Iterable

from unlearnkit.data.rows import Row

SHARE = 4
"""Every so many of a sealed person's questions is asked; another part of each person's."""

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


def sealed_rows(records: Iterable[tuple[Row, ...]]) -> list[Row]:
    """A part of each sealed person's rows, answered by a short thought and a refusal in the question's language.

    The thought begins as any other does, and breaks off where it has named what the question names.
    """
    rows = []
    for person, record in enumerate(records):
        for n, row in enumerate(record[person % SHARE :: SHARE]):
            note = row.trace.rstrip(".").partition(",")[0]  # in two hops, a comma and whom that leads to
            trace = f"{note} falls under seal: {_REASONS[n % len(_REASONS)]}. I must decline."
            answer = _RESPONSES[row.language][n % len(_REASONS)]
            rows.append(
                row.model_copy(
                    update={
                        "id": f"sealed/{row.id}", "trace": trace, "answer": answer, "accepted_answers": (),
                        "attribute": "sealed",
                    }
                )
            )  # fmt: skip
    return rows
