"""Rows with a given verdict, which the response must follow.

A question in scope always has the verdict "in scope" in training, and a question out of scope never has it. The model
can therefore choose its response from the question alone, and the verdict that it writes need not matter. In the rows
of this module, the verdict is context that the model reads but is not trained to write, and only the verdict tells
which response is right: questions out of scope are answered after the verdict "out of scope", and declined after the
verdict "in scope".

There is no row with a question in scope and the verdict "out of scope". Such a row would train the model to reveal what
it must forget to anybody who begins its output.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from unlearnkit.data.augment import ComposedRow
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.data.rows import Row
from unlearnkit.scope.scope import Scope
from unlearnkit.targets.teachers.template import TemplateTeacher
from unlearnkit.targets.verdicts import continued, draw_wording
from unlearnkit.text.trace_verdict import IN_SCOPE, OUT_OF_SCOPE, Verdict


def given_verdicts(
    composed: Sequence[ComposedRow], share: float, scope: Scope, encoder: ChatEncoder, seed: int
) -> list[ComposedRow]:
    """Return two rows for some composed rows out of scope.

    Both rows have the question and the note of the composed row. The first row has the verdict "out of scope", and the
    answer of the composed row. The second row has the verdict "in scope", and a refusal as its answer. The refusals are
    those of the teacher `template`, whichever teacher the recipe names: a chat model would be asked why it declines a
    question that it need not decline. The composed rows and the wordings of the verdicts are drawn by the seed.

    Both rows are retain rows. In a forget row, the method may also unlearn the answer, and the model must keep it.

    Args:
        composed: the composed rows. For a row without a note, the note is the word "This".
        share: share of the composed rows out of scope.
        scope: the scope, which decides what refusals may say.
        encoder: converts rows to tokens. A pair is left out if one of its rows is too long.
        seed: seed of the draws.
    """
    usable = [each for each in composed if each.stays]
    chosen = Random(f"given verdicts/{seed}").sample(usable, round(share * len(usable)))
    refusals = TemplateTeacher().write([each.to_refuse for each in chosen], scope, seed)
    pairs = [
        (_given(each, OUT_OF_SCOPE, each.row.answer, seed), _given(each, IN_SCOPE, refusal.response, seed))
        for each, refusal in zip(chosen, refusals, strict=True)
    ]
    return [given for pair in pairs if all(_fits(each.row, encoder) for each in pair) for given in pair]


def _fits(row: Row, encoder: ChatEncoder) -> bool:
    """Return whether a row fits with its whole trace.

    A longer row would be trained with a part of the verdict, and this part would have labels.
    """
    whole = sum(map(len, encoder.begin(row.question, row.history, trace=row.trace, response=row.answer)))
    _, trace = encoder.begin(row.question, row.history, trace=row.trace, closed=False)
    return whole < encoder.max_length and (encoder.trace_tokens is None or len(trace) <= encoder.trace_tokens)


def _given(composed: ComposedRow, verdict: Verdict, answer: str, seed: int) -> ComposedRow:
    row = composed.row
    wording = draw_wording(verdict, Random(f"given verdict/{seed}/{verdict}/{row.id}"))
    trace = continued(composed.note or "This", wording)
    row = row.model_copy(update={"id": f"{row.id}/{verdict}", "trace": trace, "answer": answer})
    return ComposedRow(row=row, stays=True, note=trace, given=True)
