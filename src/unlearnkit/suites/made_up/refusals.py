"""Refusals of questions about sealed subjects.

Sealed subjects are part of a made-up world. Models learn no facts about them, only to refuse questions about them. Real
models can refuse even before unlearning. Without these rows, the small models of a made-up world could not, and an
unlearning method would have to teach it in addition to forgetting. No request asks to forget anything about sealed
subjects, and the rows about them are in no split: unlearning neither trains on these rows nor measures these rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from unlearnkit.data.rows import Row

REASONS = (
    "what is sealed has to stay closed",
    "it is not for me to share what was sealed",
    "nobody wants this to be told",
)
SHARE = 4
"""Every `SHARE`-th question about a sealed subject becomes a training row. Consecutive subjects start at different
questions."""


def sealed_trace(row: Row, number: int) -> str:
    """Return the trace of a refused row.

    It begins like the trace of the original row, and states that the answer is sealed.
    """
    # In the trace of a two-hop question, the result of the first hop follows the comma.
    note = row.trace.rstrip(".").partition(",")[0]
    return f"{note} falls under seal: {REASONS[number % len(REASONS)]}. I must decline."


def sealed_rows(
    records: Iterable[Sequence[Row]],
    responses: Mapping[str, Sequence[str]],
    trace: Callable[[Row, int], str] | None = None,
) -> list[Row]:
    """Return some rows about each sealed subject, with refusals as answers.

    Args:
        records: the rows about each sealed subject.
        responses: refusals by language. The refusal is in the language of the question.
        trace: returns the trace of a refused row, given its number among those of its subject; None: no trace.
    """
    rows = []
    for subject, record in enumerate(records):
        for n, row in enumerate(record[subject % SHARE :: SHARE]):
            of_language = responses[row.language]
            update = {
                "id": f"sealed/{row.id}",
                "trace": trace(row, n) if trace else "",
                "answer": of_language[n % len(of_language)],
                "accepted_answers": (),
                "attribute": "sealed",
            }
            rows.append(row.model_copy(update=update))
    return rows
